"""What a source of values is: its table, its facts, and how its resources are made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from rasa_chart_import.accounting import Harmless, findings_of
from rasa_chart_import.chart_facts import ChartFacts, Version
from rasa_chart_import.entries import Table
from rasa_chart_import.findings import INCOMPLETE, Finding, Outcome, Path
from rasa_chart_import.free_form import with_parsed
from rasa_chart_import.names import Names
from rasa_chart_import.reader import Reader, at
from rasa_chart_import.secret_values import SecretValues
from rasa_chart_import.tracing import LOST, text_of, traced
from rasa_environments.api.base import JsonObject

NO_NOTES: Mapping[Path, str] = MappingProxyType({})


class SourceName(StrEnum):
    """What values can be imported from."""

    RASA_X = "rasa-x"
    RASA = "rasa"
    RASA_PRO = "rasa-pro"
    COMPOSE = "compose"


@dataclass(frozen=True)
class HelmRelease:
    """The release of the chart that the values belong to."""

    name: str
    namespace: str
    chart: Version | None = None
    """Version of the chart; None if unknown."""


@dataclass(frozen=True)
class Made:
    """What was made of the values."""

    resources: Sequence[JsonObject]
    """A ModelServer and its environments, without any secret value."""
    secrets: SecretValues = field(repr=False)
    names: Names
    credentials: Sequence[str]
    """Keys that the Secret with the ModelServer's credentials needs."""


@dataclass(frozen=True)
class Source:
    """A chart of the vendor, or docker-compose."""

    name: SourceName
    title: str
    table: Table = field(repr=False)
    make: Callable[[Reader, HelmRelease], Made]
    markers: Collection[Path] = field(default=(), repr=False)
    """Values that no other source has: a file with one of them is from here."""
    facts: ChartFacts | None = field(default=None, repr=False)
    assumed_release: Version = ()
    """The release to go by if none is named."""
    assumed: Collection[Path] = field(default=(), repr=False)
    """Values whose default counts."""
    harmless: Harmless = field(default_factory=dict)
    free_form: Collection[Path] = ()
    """Values in which Rasa itself replaces `${VARIABLE}`."""
    texts: Collection[Path] = ()
    """Values that may be a YAML text, which the chart's template pastes."""
    prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda values: values
    """Brings the values into one form."""
    recognise: Callable[[Mapping[str, Any]], bool] | None = None
    """Whether values are from here, where no marker says it."""
    ignored: Callable[[Path], bool] = lambda _: False
    """Whether a value is only a part that others include."""

    def recognises(self, values: Mapping[str, Any]) -> bool:
        """Return whether the values have something that only this source has."""
        if self.recognise is not None:
            return self.recognise(values)
        return any(at(values, path) is not None for path in self.markers)

    def knows(self, path: Path) -> bool:
        """Return whether any release has a value at a path, above or below it."""
        return self.facts is not None and self.facts.knows(path)


@dataclass(frozen=True)
class Imported:
    """The result of an import."""

    made: Made
    findings: tuple[Finding, ...]
    """One for each value of the file, in its order."""
    remarks: tuple[str, ...]
    """Further remarks for the user."""
    assumed: Mapping[Path, Any]
    """Defaults of the chart that went into the resources."""

    @property
    def resources(self) -> Sequence[JsonObject]:
        """A ModelServer and its environments, without any secret value."""
        return self.made.resources

    @property
    def secrets(self) -> SecretValues:
        """The secret values of the file."""
        return self.made.secrets


def imported(
    source: Source, values: Mapping[str, Any], release: HelmRelease, notes: Mapping[Path, str] = NO_NOTES
) -> Imported:
    """Return the resources for values, and a finding for each of them. No content of a file makes it fail.

    A value with a note is carried over in part at most.
    """
    release = HelmRelease(release.name, release.namespace, release.chart or source.assumed_release)
    values = source.prepare(with_parsed(values, *source.texts))
    reader = _reader(source, values, release)
    made = source.make(reader, release)
    before = _output(made)
    findings = (
        _noted(
            _unless_usual(
                traced(finding, values, source.table, lambda changed: _output_of(source, changed, release), before),
                source,
                values,
                release,
            ),
            notes,
        )
        for finding in findings_of(values, reader, source.table, source.harmless, source.free_form)
        if not source.ignored(finding.path)
    )
    return Imported(made, tuple(findings), tuple(reader.remarks), reader.assumed)


def _noted(finding: Finding, notes: Mapping[Path, str]) -> Finding:
    """Return the finding with the note about its value."""
    note = notes.get(finding.path)
    if note is None or finding.outcome not in {*INCOMPLETE, Outcome.MAPPED}:
        return finding
    outcome = Outcome.PARTLY if finding.outcome is Outcome.MAPPED else finding.outcome
    return replace(finding, outcome=outcome, text=f"{finding.text}; {note}")


def _unless_usual(finding: Finding, source: Source, values: Mapping[str, Any], release: HelmRelease) -> Finding:
    """Return the finding; a value that is lost, but is what the chart has by default, needs nothing."""
    if finding.text != LOST or source.facts is None:
        return finding
    usual = at(source.facts.defaults(release.chart or (), [finding.path]), finding.path)
    if usual is None or usual != at(values, finding.path):
        return finding
    return Finding(finding.path, Outcome.NOT_NEEDED, "as the chart has it by default")


def _reader(source: Source, values: Mapping[str, Any], release: HelmRelease) -> Reader:
    defaults = source.facts.defaults(release.chart or (), source.assumed) if source.facts is not None else {}
    return Reader(values, defaults)


def _output_of(source: Source, values: Mapping[str, Any], release: HelmRelease) -> str:
    return _output(source.make(_reader(source, values, release), release))


def _output(made: Made) -> str:
    return text_of([*made.resources, made.secrets.contents, made.secrets.wanted])
