"""What is known of the vendor's charts: releases, value paths and defaults.

The files in facts/ are written by `python -m release.vendor_charts`, from the git tags of each chart's repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

from rasa_chart_import.findings import Path

Version: TypeAlias = tuple[int, ...]
UNESCAPED_DOT = re.compile(r"(?<!\\)\.")


@dataclass(frozen=True)
class Span:
    """Releases in which a value is the same."""

    since: Version
    until: Version
    has_default: bool
    default: Any = None


@dataclass(frozen=True)
class ChartFacts:
    """A chart of the vendor."""

    source: str
    releases: Sequence[tuple[Version, str | None]]
    """Each release with the version of the application, if the chart names one; the oldest first."""
    names: Mapping[str, Sequence[Span]]
    """Names that a release composes from its own, with `%s` for that, by the chart's definition."""
    values: Mapping[Path, Sequence[Span]]

    @property
    def last(self) -> Version:
        """The newest release."""
        return self.releases[-1][0]

    def has(self, release: Version) -> bool:
        """Return whether there is such a release."""
        return any(version == release for version, _ in self.releases)

    def application(self, release: Version) -> str | None:
        """Return the version of the application in a release, or in the last one before."""
        return next((app for version, app in reversed(self.releases) if version <= release), self.releases[0][1])

    def name(self, definition: str, release: Version, of: str) -> str:
        """Return a name that a release of the chart, called `of`, gives to what it creates."""
        known = self._known(release)
        pattern = next(span.default for span in self.names[definition] if span.since <= known <= span.until)
        return str(pattern).replace("%s", of)

    def defaults(self, release: Version, paths: Collection[Path]) -> dict[str, Any]:
        """Return the defaults of some values in a release, or in the last one before."""
        known = self._known(release)
        result: dict[str, Any] = {}
        for path in paths:
            for span in self.values.get(path, ()):
                if span.since <= known <= span.until and span.has_default:
                    _put(result, path, span.default)
        return result

    def _known(self, release: Version) -> Version:
        return next((version for version, _ in reversed(self.releases) if version <= release), self.releases[0][0])

    def knows(self, path: Path) -> bool:
        """Return whether a release has this value, or one above or below it that it is part of."""
        return any(known[: len(path)] == path or path[: len(known)] == known for known in self.values)

    def spans(self, path: Path) -> Sequence[Span]:
        """Return the releases that have a value; none if no release has it."""
        return self.values.get(path, ())


def _put(values: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value


def version_of(text: str) -> Version | None:
    """Return the numbers of a version such as 0.42.6 or v1.0.1-rc1; None if it does not begin with two numbers."""
    parts = text.removeprefix("v").split("-")[0].split("+")[0].split(".")
    numbers = tuple(int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 10)
    return numbers if len(numbers) >= 2 and parts[0].isdigit() and parts[1].isdigit() else None


def _numbers(text: str) -> Version:
    return tuple(int(part) for part in text.split("-", maxsplit=1)[0].split("."))


@cache
def facts_of(chart: str) -> ChartFacts:
    """Return what is known of a chart: rasa-x, rasa or rasa-pro."""
    found = json.loads(files("rasa_chart_import").joinpath("facts", f"{chart}.json").read_text())
    return ChartFacts(
        found["source"],
        tuple((_numbers(each["version"]), each.get("appVersion")) for each in found["releases"]),
        {name: tuple(map(_span, spans)) for name, spans in found["names"].items()},
        {_path(path): tuple(map(_span, spans)) for path, spans in found["values"].items()},
    )


def _path(text: str) -> Path:
    return tuple(key.replace(r"\.", ".") for key in UNESCAPED_DOT.split(text))


def _span(each: Mapping[str, Any]) -> Span:
    return Span(_numbers(each["since"]), _numbers(each["until"]), "default" in each, each.get("default"))
