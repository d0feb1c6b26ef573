"""Commands and manifests in the how-tos and runbooks: shell, kubectl, Helm and this project's commands accept them."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from kubernetes_validate import validate  # type: ignore[import-untyped]

from local.binaries import find_kubectl
from local.helm import CHART, helm
from local.installation import ROOT
from local.progress import silent
from rasa_environments.cli.application import application
from rasa_model_server.cli import application as model_server

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *(DOCS / "how-to").glob("*.md"), *(DOCS / "runbooks").glob("*.md")])
PROGRAMS = (
    *("base64", "curl", "date", "docker", "git", "grep", "helm", "kind", "kubectl", "make", "oc", "openssl", "pip"),
    *("jq", "rasa-environments", "rasa-model-server", "sed"),
)
STAND_IN = '#!/bin/bash\nprintf -v call "%s\\037" "${0##*/}" "$@"; printf "%s\\036" "$call" >> "$CALLS"\n'
"""Replaces a program: records the arguments of each call in one write, because two may run at a time."""
BUILT_IN = {"v1", "apps/v1", "batch/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1"}
KUBERNETES = "1.36"

PLUGINS = {"krew"}
"""kubectl plugins of others."""
CHART_IN_PAGES = "helm/rasa-environments"
BEFORE_COMMANDS = {"-n", "--namespace", "--context"}
"""Flags with a value that may come before kubectl's command."""

Call = tuple[str, ...]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with only the substitutes of all programs."""
    folder = tmp_path_factory.mktemp("programs")
    for name in PROGRAMS:
        (folder / name).write_text(STAND_IN)
        (folder / name).chmod(0o755)
    return folder


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def calls(page: Path, programs: Path, folder: Path) -> list[Call]:
    """Return the calls of programs by the page's commands, with their arguments."""
    notes = folder / "calls"
    notes.touch()
    (folder / "local").mkdir()
    (folder / "local" / "bin").symlink_to(programs)
    for block in blocks(page, "sh"):
        ran = subprocess.run(
            ["/bin/bash", "-e", "-c", f"{block}wait"],
            env={"PATH": str(programs), "CALLS": str(notes)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, ""), block
    return [tuple(call.split("\037")[:-1]) for call in notes.read_text().split("\036")[:-1]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_taken_by_their_programs(page: Path, programs: Path, tmp_path: Path) -> None:
    refused = [f"{' '.join(call)}: {why}" for call in calls(page, programs, tmp_path) for why in objections(call)]

    assert refused == []


def objections(call: Call) -> Iterator[str]:
    """Return the program's objections to its arguments."""
    match call:
        case ("kubectl", "rasa", *arguments) | ("rasa-environments", *arguments):
            yield from against_ours(arguments)
        case ("rasa-model-server", *arguments):
            known = {option for parameter in typer.main.get_command(model_server).params for option in parameter.opts}
            yield from (f"there is no option {word}" for word in arguments if word[:2] == "--" and word not in known)
        case ("kubectl", verb, *arguments) if verb not in PLUGINS:
            yield from against_kubectl([verb, *arguments])
        case ("helm", ("install" | "upgrade") as verb, *arguments) if CHART_IN_PAGES in arguments:
            yield from against_helm(verb, arguments)


def against_ours(arguments: list[str]) -> Iterator[str]:
    """Return the objections of this project's command line."""
    group = typer.main.get_group(application)
    if arguments[0].startswith("-"):
        known = {option for parameter in group.params for option in parameter.opts}
        yield from (f"there is no option {word}" for word in arguments if word not in known)
    elif (command := group.commands.get(arguments[0])) is None:
        yield f"there is no command {arguments[0]}"
    else:
        parameters = {parameter.name: parameter for parameter in command.params}
        context = typer.Context(command, info_name=arguments[0], resilient_parsing=True)
        given, rest, _ = command.make_parser(context).parse_args(args=arguments[1:])
        missing = [
            name for name, parameter in parameters.items() if parameter.required and given.get(str(name)) is None
        ]
        yield from (f"{name} is missing" for name in missing)
        yield from (f"{word} is too much" for word in rest)


def against_kubectl(arguments: list[str]) -> Iterator[str]:
    """Return flags that kubectl does not have for that command."""
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    while words[0] in BEFORE_COMMANDS:
        words = words[2:]
    path = command_path([word for word in words if not word.startswith("-")])
    if not path:
        yield "kubectl has no such command"
    known = flags(help_of(*path)) | flags(help_of("options"))
    for word in words:
        if word.startswith("-") and word != "-" and word.partition("=")[0] not in known:
            yield f"kubectl {' '.join(path)} has no flag {word}"


def command_path(words: list[str]) -> tuple[str, ...]:
    """Return the words that name the command, as deep as kubectl's commands go."""
    path: tuple[str, ...] = ()
    said = help_of()
    for word in words:
        if re.search(rf"^  {re.escape(word)} +\S", said, re.MULTILINE) is None:
            break
        path = (*path, word)
        said = help_of(*path)
        if "Available Commands:" not in said:
            break
    return path


@cache
def help_of(*path: str) -> str:
    """Return kubectl's help for a command."""
    program = find_kubectl(silent)
    arguments = path if path == ("options",) else (*path, "--help")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def flags(said: str) -> set[str]:
    """Return the flags in kubectl's help for a command."""
    listed = re.findall(r"^ +(?:(-\w), )?(--[\w-]+)=", said, re.MULTILINE)
    return {flag for pair in listed for flag in pair if flag}


def against_helm(verb: str, arguments: list[str]) -> Iterator[str]:
    """Return Helm's errors for rendering the chart with the same values, by its schema."""
    values = [f"{flag}={value}" for flag, value in itertools.pairwise(arguments) if flag == "--set"]
    known = {"--namespace", "--create-namespace", "--set", "--install", "--values", "-n"}
    yield from (f"helm {verb} {word}" for word in arguments if word.startswith("-") and word not in known)
    ran = render(*values)
    if ran.returncode:
        yield ran.stderr


def render(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return the chart rendered by Helm with these values; by the tests of the chart, Helm 3 renders the same.

    There is no cluster to keep generated tokens, so others are set first.
    """
    tokens = "--set=modelServer.tokens.existingSecret=any"
    command = [str(helm(4, silent)), "template", "any", str(CHART), tokens, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def manifests() -> list[tuple[Path, dict[str, Any]]]:
    """Return objects of Kubernetes' own kinds in the YAML of the pages."""
    documents = [
        (page, document) for page in PAGES for block in blocks(page, "yaml") for document in yaml.safe_load_all(block)
    ]
    objects = [(page, document) for page, document in documents if isinstance(document, dict)]
    return [(page, document) for page, document in objects if document.get("apiVersion") in BUILT_IN]


@pytest.mark.parametrize(("page", "manifest"), manifests(), ids=lambda value: getattr(value, "stem", None))
def test_manifests_are_valid(page: Path, manifest: dict[str, Any]) -> None:
    validate(manifest, KUBERNETES, strict=True)


def values_files() -> list[tuple[Path, str]]:
    """Return values of the chart in the pages: blocks that begin with their file name."""
    return [(page, block) for page in PAGES for block in blocks(page, "yaml") if block.startswith("# values.yaml\n")]


@pytest.mark.parametrize(("page", "values"), values_files(), ids=lambda value: getattr(value, "stem", None))
def test_values_are_taken_by_the_chart(page: Path, values: str, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(values)

    ran = render("--values", str(tmp_path / "values.yaml"))

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    "call",
    [
        ("kubectl", "gett", "denv"),
        ("kubectl", "get", "denv", "--namspace=bots"),
        ("kubectl", "rasa", "promot", "model", "production"),
        ("kubectl", "rasa", "promote", "model"),
        ("kubectl", "rasa", "rollback", "production", "model"),
        ("kubectl", "rasa", "--verion"),
        ("helm", "install", "any", CHART_IN_PAGES, "--set", "modelServer.enbled=true"),
        ("helm", "install", "any", CHART_IN_PAGES, "--namspace", "bots"),
    ],
    ids=" ".join,
)
def test_a_typing_mistake_is_found(call: Call) -> None:
    assert list(objections(call)) != []
