"""What is completed, by the words before it, and which candidates are printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.cli.commands import MODULES
from rasa_environments.cli.completion.program import SAFE, lines
from rasa_environments.cli.completion.table import commands
from rasa_environments.cli.completion.words import Source, Values, Wanted, wanted

COMMANDS = commands()


def asked(line: str) -> Wanted:
    """What is wanted at the end of a line; a blank at the end begins a new word."""
    return wanted(line.split(" "), COMMANDS)


def choices(line: str) -> list[str]:
    """The candidates that need no cluster."""
    request = asked(line)
    return [each.partition("\t")[0] for each in lines(request, request.values.choices)]


def test_the_first_word_is_a_command() -> None:
    assert choices("") == list(MODULES)
    assert choices("ro") == ["rollback"]


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("promote ", Source.MODELS),
        ("promote B ", Source.ENVIRONMENTS),
        ("promote -n bots B ", Source.ENVIRONMENTS),
        ("promote -nbots B ", Source.ENVIRONMENTS),
        ("promote --namespace=bots --no-wait B ", Source.ENVIRONMENTS),
        ("promote -- --B ", Source.ENVIRONMENTS),
        ("promote B production ", Source.NONE),
        ("promote B production -n ", Source.NAMESPACES),
        ("promote --namespace=", Source.NAMESPACES),
        ("status -wn ", Source.NAMESPACES),
        ("rollback production --to ", Source.HISTORY),
        ("models --tag ", Source.TAGS),
        ("models --model-server ", Source.MODEL_SERVERS),
        ("freeze ", Source.MODEL_SERVERS),
        ("status --context ", Source.CONTEXTS),
        ("status --cluster ", Source.CLUSTERS),
        ("status --user ", Source.USERS),
        ("status --kubeconfig ", Source.FILES),
        ("upload ", Source.FILES),
        ("restore ", Source.FILES),
        ("render -f ", Source.FILES),
        ("promote --timeout ", Source.NONE),
        ("nonsense ", Source.NONE),
        ("promote --nonsense=", Source.NONE),
    ],
)
def test_a_word_is_completed_from_what_it_can_be(line: str, source: Source) -> None:
    assert asked(line).values.source is source


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ("promote B production --un", ["--until"]),
        ("promote B production --until ", ["tagged", "served"]),
        ("promote B production --until=s", ["--until=served"]),
        ("promote B production -o y", ["yaml"]),
        ("promote B production -oy", []),
        ("promote B production --dry-run ", ["none", "client", "server"]),
        ("verification production -o ju", ["junit"]),
        ("run --log-level ", ["debug", "info", "warning", "error"]),
    ],
)
def test_options_and_their_words_need_no_cluster(line: str, known: list[str]) -> None:
    assert choices(line) == known


def test_an_option_is_offered_once_unless_it_may_be_repeated() -> None:
    offered = choices("promote -n bots --as-group a -")

    assert "--namespace" not in offered
    assert "-n" not in offered
    assert "--as-group" in offered


def test_what_was_given_is_known() -> None:
    given = asked("rollback production -n bots --context=kind --to ").given

    assert given == {"environment": "production", "--namespace": "bots", "--context": "kind"}


def test_an_option_comes_with_its_help() -> None:
    request = asked("promote --unt")

    (line,) = lines(request, request.values.choices)
    assert line.startswith("--until\tWhat to wait for")


@pytest.mark.parametrize("name", ["$(reboot)", "`id`", "a b", "-rf", "a;b", "a\nb", ":4", "", "a*", "~root", "ä"])
def test_a_name_that_a_shell_would_evaluate_is_not_offered(name: str) -> None:
    assert list(lines(Wanted(Values(Source.MODELS)), [name, "20260101-120000"])) == ["20260101-120000"]


def test_descriptions_hold_nothing_that_a_shell_would_evaluate() -> None:
    texts = [option.help for command in COMMANDS.values() for option in command.options]

    assert not [text for text in texts if set(text) & set("$`\"'\\\n\t")]


@given(st.lists(st.text(), max_size=6))
def test_any_words_are_completed_with_words_that_continue_the_last(words: list[str]) -> None:
    request = wanted(words, COMMANDS)
    last = words[-1] if words else ""

    for line in lines(request, request.values.choices):
        assert line.partition("\t")[0].startswith(last)


@given(st.lists(st.text(max_size=5)))
def test_what_others_have_named_is_offered_if_it_means_itself_in_every_shell(names: list[str]) -> None:
    offered = list(lines(Wanted(Values(Source.ENVIRONMENTS)), names))

    assert offered == [name for name in dict.fromkeys(names) if SAFE.fullmatch(name)]
