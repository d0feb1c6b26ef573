"""What the importer knows of the vendor's charts: releases, value paths and defaults, read from their git tags.

`python -m release.vendor_charts CHART REPOSITORY` reads a clone of the chart's repository and writes
operator/rasa_chart_import/facts/CHART.json. Only facts are kept: no template, and no comment.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from local.installation import ROOT
from rasa_chart_import.findings import leaves, shown

FACTS = ROOT / "operator" / "rasa_chart_import" / "facts"
IN_A_TEMPLATE = re.compile(r"\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)")
"""A value that a template reads: not every one of them is in values.yaml."""
A_NAME = re.compile(r'define "([a-z.-]+\.fullname)" -?}}\s*{{-? printf "(%s-[a-z-]+)" \.Release\.Name -?}}')
"""A definition that composes a name from the release alone."""
TEMPLATED = re.compile("{{|}}")


@dataclass(frozen=True)
class Chart:
    """A chart of the vendor, and where its releases are."""

    name: str
    repository: str
    directory: str
    tag: str
    """Prefix of its tags; the version follows."""
    names: str
    """Directory with the definitions of its names."""


CHARTS = {
    chart.name: chart
    for chart in (
        Chart("rasa-x", "https://github.com/RasaHQ/rasa-x-helm", "charts/rasa-x", "rasa-x-", "charts/rasa-x/templates"),
        Chart("rasa", "https://github.com/RasaHQ/helm-charts", "charts/rasa", "rasa-", "charts/rasa-common/templates"),
        Chart(
            "rasa-pro", "https://github.com/RasaHQ/rasa-helm-charts", "charts/rasa", "rasa-", "charts/rasa/templates"
        ),
    )
}


class Repository:
    """A clone of a chart's repository."""

    def __init__(self, path: Path, chart: Chart) -> None:
        self._path = path
        self._chart = chart

    def releases(self) -> list[str]:
        """Return the versions that have a tag, the oldest first."""
        tags = self._git("tag", "--list", f"{self._chart.tag}[0-9]*").split()
        return sorted((tag.removeprefix(self._chart.tag) for tag in tags), key=_numbers)

    def text(self, release: str, file: str) -> str:
        """Return a file of the chart in a release."""
        return self._git("show", f"{self._chart.tag}{release}:{self._chart.directory}/{file}")

    def templates(self, release: str) -> str:
        """Return all templates of a release."""
        return self._texts(release, f"{self._chart.directory}/templates")

    def names(self, release: str) -> str:
        """Return the definitions of names in a release."""
        return self._texts(release, self._chart.names)

    def _texts(self, release: str, directory: str) -> str:
        tag = f"{self._chart.tag}{release}"
        names = self._git("ls-tree", "-r", "--name-only", tag, directory).split()
        return "\n".join(self._git("show", f"{tag}:{name}") for name in names)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", self._path, *arguments], capture_output=True, text=True, check=True)
        return done.stdout


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-", maxsplit=1)[0].split("."))


def facts(repository: Repository, chart: Chart) -> dict[str, Any]:
    """Return the facts of all releases of a chart.

    A value has a list of spans: the releases from `since` to `until` have it, with this default. Values that only a
    template names have no default.
    """
    releases = repository.releases()
    described = [_release(repository, release) for release in releases]
    by_release = [_values(repository, release) for release in releases]
    paths = sorted({path for values in by_release for path in values})
    names = [_names(repository, release) for release in releases]
    defined = sorted({name for definitions in names for name in definitions})
    return {
        "chart": chart.name,
        "source": f"{chart.repository}, {chart.directory}: Chart.yaml, values.yaml and templates of tags {chart.tag}*",
        "releases": described,
        "names": {name: list(_spans(name, releases, names)) for name in defined},
        "values": {path: list(_spans(path, releases, by_release)) for path in paths},
    }


def _release(repository: Repository, release: str) -> dict[str, str]:
    chart = yaml.safe_load(repository.text(release, "Chart.yaml"))
    application = {"appVersion": str(chart["appVersion"])} if chart.get("appVersion") else {}
    return {"version": release, **application}


def _values(repository: Repository, release: str) -> dict[str, Mapping[str, Any]]:
    """Return each value of a release with its default, if values.yaml has it."""
    written = yaml.safe_load(repository.text(release, "values.yaml"))
    result: dict[str, Mapping[str, Any]] = {shown(path): _default(value) for path, value in leaves(written)}
    for found in IN_A_TEMPLATE.findall(repository.templates(release)):
        path = found.removeprefix(".")
        if not any(known == path or known.startswith(f"{path}.") for known in result):
            result[path] = {}
    return result


def _names(repository: Repository, release: str) -> dict[str, Mapping[str, Any]]:
    """Return the names that a release composes from its own, with `%s` for that."""
    return {name: {"default": pattern} for name, pattern in A_NAME.findall(repository.names(release))}


def _default(value: Any) -> Mapping[str, Any]:
    """Return the default, unless it is a template."""
    return {} if isinstance(value, str) and TEMPLATED.search(value) else {"default": value}


def _spans(path: str, releases: list[str], by_release: list[dict[str, Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Yield the runs of releases in which a value is the same."""
    span: dict[str, Any] | None = None
    previous: Mapping[str, Any] | None = None
    for release, values in zip(releases, by_release, strict=True):
        now = values.get(path)
        if span is not None and now is not None and json.dumps(now) == json.dumps(previous):
            span["until"] = release
        else:
            if span is not None:
                yield span
            span = None if now is None else {"since": release, "until": release, **now}
        previous = now
    if span is not None:
        yield span


def main(
    chart: Annotated[str, typer.Argument(help=f"One of {', '.join(CHARTS)}.")],
    repository: Annotated[Path, typer.Argument(help="A clone of its repository, with tags.")],
) -> None:
    """Write what the importer knows of a chart."""
    described = CHARTS[chart]
    found = facts(Repository(repository, described), described)
    FACTS.mkdir(exist_ok=True)
    (FACTS / f"{chart}.json").write_text(_text(found))
    typer.echo(f"{chart}: {len(found['releases'])} releases, {len(found['values'])} values")


def _text(found: Mapping[str, Any]) -> str:
    """Return the facts as JSON with a line for each release and each span, so that a diff can be read."""
    releases = ",\n".join(f"    {json.dumps(release)}" for release in found["releases"])
    names, values = _spans_as_text(found["names"]), _spans_as_text(found["values"])
    head = "".join(f"  {json.dumps(key)}: {json.dumps(found[key])},\n" for key in ("chart", "source"))
    body = f'  "releases": [\n{releases}\n  ],\n  "names": {{\n{names}\n  }},\n  "values": {{\n{values}\n  }}\n'
    return f"{{\n{head}{body}}}\n"


def _spans_as_text(found: Mapping[str, Any]) -> str:
    return ",\n".join(
        f"    {json.dumps(path)}: [\n" + ",\n".join(f"      {json.dumps(span)}" for span in spans) + "\n    ]"
        for path, spans in found.items()
    )


if __name__ == "__main__":
    typer.run(main)
