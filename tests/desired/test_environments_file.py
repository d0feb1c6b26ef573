"""environments.yml: reading it returns what was written, whatever the names and tokens."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.environments_file import FILE, entries_of, environments_secret
from rasa_environments.rasa.environments_file import MAXIMUM_CHARACTERS, FileEntry, file_text, missing_from
from tests.reconcile.objects import server

ENTRIES = st.dictionaries(
    st.sampled_from(["production", "worker"])
    | st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,9}[A-Za-z0-9])?", fullmatch=True),
    st.builds(FileEntry, st.text(max_size=20), st.text(max_size=20)),
    max_size=5,
)


def secret_with(text: str | bytes) -> JsonObject:
    """The Secret as the API server shows it, with this file."""
    content = text if isinstance(text, bytes) else text.encode()
    return {"data": {FILE: b64encode(content).decode()}}


@given(entries=ENTRIES)
@example({"true": FileEntry("1", "null"), "1.5": FileEntry("~", "2026-01-01"), "0x1": FileEntry("", "a: b # c")})
@example({"production": FileEntry("http://a", "\x00\x85\u2028\ufeff\n \U0001f600")})
def test_what_is_written_is_what_is_read(entries: dict[str, FileEntry]) -> None:
    assert entries_of(environments_secret(server(), entries)) == entries


@given(entries=ENTRIES)
def test_production_and_worker_come_first_and_the_others_by_name(entries: dict[str, FileEntry]) -> None:
    names = list(yaml.safe_load(file_text(entries))["rasa"])

    first = [name for name in ("production", "worker") if name in entries]
    assert names == first + sorted(entries.keys() - set(first))


@given(entries=ENTRIES)
def test_the_order_in_which_environments_came_does_not_count(entries: dict[str, FileEntry]) -> None:
    assert file_text(dict(reversed(entries.items()))) == file_text(entries)


def test_rasa_x_reads_it_as_on_its_page() -> None:
    text = file_text({name: FileEntry(f"http://{name}:5005", "t") for name in ("worker", "experimental", "production")})

    assert text == (
        "rasa:\n"
        "  production:\n    url: http://production:5005\n    token: t\n"
        "  worker:\n    url: http://worker:5005\n    token: t\n"
        "  experimental:\n    url: http://experimental:5005\n    token: t\n"
    )


@given(content=st.binary(max_size=30) | st.text(max_size=30).map(str.encode))
@example(b"rasa: {a: {url: -0b_, token: 1}}")
@example(b"rasa: {a: {url: 2001-99-99, token: 1}}")
@example(b"rasa: [production]")
@example(b"rasa: {production: (...)}")
@example(b"rasa: {production: {url: http://production:5005}}")
@example(b"rasa: {? [a] : {}}")
@example(b"*undefined")
@example(b"")
def test_a_file_that_is_none_has_no_environments(content: bytes) -> None:
    assert all(isinstance(name, str) for name in entries_of(secret_with(content)))


def bomb(level: str, last: str) -> str:
    """YAML that is short, but endless if all aliases are followed."""
    levels = [f"a{n}: &a{n} {level.format(', '.join([f'*a{n - 1}'] * 9))}" for n in range(1, 40)]
    return "\n".join(["a0: &a0 {x: 1}", *levels, last])


HOSTILE = {
    "too deep": "rasa: " + "[" * 100_000,
    "deep and closed": "rasa: " + "[" * 900 + "]" * 900,
    "too large": "rasa: {a: {url: x, token: " + "t" * MAXIMUM_CHARACTERS + "}}",
    "a text that grows when it is printed": bomb("[{}]", "rasa: {a: {url: *a39, token: t}}"),
    "a mapping that grows when it is merged": bomb("{{<<: [{}]}}", "rasa: *a39"),
    "a list": "rasa: {a: {url: [x], token: t}}",
    "two documents": "rasa: {a: {url: *b, token: t}}\n---\nrasa: {}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_somebody_else_made_to_do_harm_holds_nothing(text: str) -> None:
    assert entries_of(secret_with(text)) == {}


def test_the_text_is_that_of_the_dumper_in_python() -> None:
    """A different text would restart Rasa X."""
    entries = {"true": FileEntry("1", "null"), "a.b": FileEntry("http://a:5005", "\x00\x85\u2028\n \U0001f600: #'")}

    environments = {name: {"url": entry.url, "token": entry.token} for name, entry in sorted(entries.items())}
    assert file_text(entries) == yaml.safe_dump({"rasa": environments}, sort_keys=False, width=10_000)


@pytest.mark.parametrize("secret", [None, {}, {"data": None}, {"data": {"other": "eA=="}}])
def test_a_secret_that_is_not_there_or_holds_no_file_has_no_environments(secret: JsonObject | None) -> None:
    assert entries_of(secret) == {}


def test_the_secret_is_the_model_servers_and_named_as_it_says() -> None:
    default, named = server("rasa-x"), server("rasa-x", environmentsFile={"secretName": "environments"})

    made = environments_secret(default, {"a": FileEntry("http://a", "t")})

    assert made["metadata"]["name"] == "rasa-x-environments"
    assert environments_secret(named, {})["metadata"]["name"] == "environments"
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("ModelServer", "rasa-x", "uid", True)
    assert b64decode(made["data"]["environments.yml"]).decode() == "rasa:\n  a:\n    url: http://a\n    token: t\n"


def test_an_entry_that_is_shown_hides_its_token() -> None:
    assert "4f4f" not in repr(FileEntry("http://a", "4f4f"))


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ([], ["production", "worker"]),
        (["production", "experimental"], ["worker"]),
        (["worker"], ["production"]),
        (["worker", "production"], []),
    ],
)
def test_rasa_x_wants_production_and_worker(names: list[str], missing: list[str]) -> None:
    assert missing_from(names) == missing
