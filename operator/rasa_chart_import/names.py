"""Names of what a release of a chart creates, and of what is created for it here."""

from __future__ import annotations

from dataclasses import dataclass

from rasa_chart_import import kinds
from rasa_chart_import.reader import Reader


@dataclass(frozen=True)
class Names:
    """The names of one release."""

    release: str
    namespace: str
    full_name: str
    """The first part of the names of its Services."""
    secret: str
    """The chart's own Secret with the tokens."""
    pull_token_key: str | None = None
    """Key in that Secret with the token to pull models with, if there is one."""

    def service(self, component: str) -> str:
        """Return the cluster-internal host name of a Service of the chart."""
        return f"{self.full_name}-{component}.{self.namespace}.svc"

    @property
    def credentials(self) -> str:
        """The Secret that the ModelServer refers to: its keys differ from those of the chart's Secret."""
        return f"{self.release}-model-server"

    @property
    def imported(self) -> str:
        """The Secret for secret values from the values file itself."""
        return f"{self.release}-imported"


def taken_full_name(reader: Reader, release: str, chart: str) -> str:
    """Return the full name that the file and the release give to a release of a chart."""
    override, name = reader.take("fullnameOverride", kinds.NAME), reader.take("nameOverride", kinds.NAME)
    if override is not None:
        reader.unused("nameOverride", "fullnameOverride is set, and decides")
    return full_name(release, chart, name, override)


def full_name(release: str, chart: str, name: str | None, override: str | None) -> str:
    """Return the full name as all of the vendor's charts compose it: from release, `nameOverride`, `fullnameOverride`.

    Source: `rasa-x.fullname`, `rasa-common.names.fullname` and `rasa.fullname` in the charts' _helpers.tpl, the same in
    all releases.
    """
    if override:
        return override[:63].removesuffix("-")
    name = name or chart
    whole = release if name in release else f"{release}-{name}"
    return whole[:63].removesuffix("-")
