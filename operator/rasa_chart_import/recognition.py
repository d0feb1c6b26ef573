"""Which source a file is from, or what it is instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rasa_chart_import.findings import Path, is_empty, leaves
from rasa_chart_import.sources import Source, SourceName

SUPPORTED = (
    "supported are the values of the Helm charts rasa-x (RasaHQ/rasa-x-helm), rasa for open-source Rasa "
    "(RasaHQ/helm-charts) and rasa for Rasa Pro (RasaHQ/rasa-helm-charts), and docker-compose files with Rasa servers"
)
TITLES = frozenset({"USER-SUPPLIED VALUES", "COMPUTED VALUES"})
"""What `helm get values` prints above the values."""


class UnrecognisedError(ValueError):
    """A file of another kind; the message says what it looks like, what is supported, and how to go on."""


@dataclass(frozen=True)
class Other:
    """A kind of file that is not supported."""

    keys: Sequence[str]
    """Keys that it has at its top."""
    what: str
    how: str


OTHERS = (
    Other(("apiVersion", "kind"), "Kubernetes manifests", "give the values file: helm get values RELEASE"),
    Other(("apiVersion", "version", "name"), "a Chart.yaml", "give the values file: helm get values RELEASE"),
    Other(("releases",), "a helmfile", "give the values: helmfile write-values, or helm get values RELEASE"),
    Other(("image", "applicationSettings", "service"), "values of the chart rasa-action-server or duckling", ""),
    Other(("backend", "webClient"), "values of the chart studio (Rasa Studio)", "Studio stays with its chart"),
    Other(("backend", "keycloak"), "values of the chart studio (Rasa Studio)", "Studio stays with its chart"),
    Other(("strimzi",), "values of the chart op-kits", "brokers and databases stay with their chart"),
    Other(("cloudnativepg",), "values of the chart op-kits", "brokers and databases stay with their chart"),
    Other(("services",), "a docker-compose file without a Rasa server", "give the file that has the Rasa servers"),
    Other(("intents", "responses"), "a domain of Rasa", "a domain is part of the model: upload the trained model"),
    Other(("pipeline",), "the config.yml of a model", "it is part of the model: upload the trained model"),
    Other(("policies",), "the config.yml of a model", "it is part of the model: upload the trained model"),
    Other(("nlu",), "training data", "upload the trained model"),
    Other(("tracker_store",), "an endpoints.yml", "write it into spec.endpoints of an environment"),
    Other(("action_endpoint",), "an endpoints.yml", "write it into spec.endpoints of an environment"),
    Other(("event_broker",), "an endpoints.yml", "write it into spec.endpoints of an environment"),
    Other(("lock_store",), "an endpoints.yml", "write it into spec.endpoints of an environment"),
    Other(("models",), "an endpoints.yml", "write it into spec.endpoints of an environment"),
    Other(("rest",), "a credentials.yml", "write its channels into spec.channels of an environment"),
    Other(("socketio",), "a credentials.yml", "write its channels into spec.channels of an environment"),
    Other(("slack",), "a credentials.yml", "write its channels into spec.channels of an environment"),
    Other(("facebook",), "a credentials.yml", "write its channels into spec.channels of an environment"),
    Other(("twilio",), "a credentials.yml", "write its channels into spec.channels of an environment"),
)
"""What people have beside values files; the first that fits counts."""


def recognised(
    values: Mapping[str, Any], sources: Sequence[Source], *, file: str, chart: SourceName | None = None
) -> Source:
    """Return the source of the values in a file. Raises UnrecognisedError.

    Where the file alone does not decide, `chart` does: the one that a release such as rasa-x-4.5.8 names.
    """
    marked = [source for source in sources if source.recognises(values)]
    if len(marked) == 1:
        return marked[0]
    candidates = marked or [source for source in sources if _knows_some(values, source)]
    named = next((source for source in candidates if source.name is chart), None)
    if named is not None:
        return named
    other = _other(values)
    whole = [source for source in candidates if _knows_all(values, source)]
    if len(whole) == 1 and not marked and other is None:
        return whole[0]
    if candidates and (marked or other is None):
        names = " or ".join(source.name for source in candidates)
        raise UnrecognisedError(
            f"{file}: may be for {names}, and nothing in it is of one of them alone: say with --from; {SUPPORTED}"
        )
    raise UnrecognisedError(f"{file}: {other or _unknown(values, sources)}")


def required(values: Mapping[str, Any], source: Source, *, file: str) -> Source:
    """Return the source that --from names. Raises UnrecognisedError where nothing in the file is from it."""
    if source.recognises(values) or (source.facts is not None and _knows_some(values, source)):
        return source
    raise UnrecognisedError(f"{file}: has no value of {source.title}: {_other(values) or 'check --from'}; {SUPPORTED}")


def _knows_some(values: Mapping[str, Any], source: Source) -> bool:
    """Return whether a source has at least one of the values; any has all of none."""
    paths = _paths(values)
    return not paths or any(source.knows(path) for path in paths)


def _knows_all(values: Mapping[str, Any], source: Source) -> bool:
    """Return whether a source has each of the values."""
    paths = _paths(values)
    return bool(paths) and all(source.knows(path) for path in paths)


def _paths(values: Mapping[str, Any]) -> list[Path]:
    """Return the paths of the values that say something."""
    return [path for path, value in leaves(values) if path[0] not in TITLES and not is_empty(value)]


def _other(values: Mapping[str, Any]) -> str | None:
    """Return what a file of a known kind looks like, and how to go on."""
    other = next((other for other in OTHERS if all(key in values for key in other.keys)), None)
    if other is None:
        return None
    advice = f"; {other.how}" if other.how else ""
    return f"looks like {other.what}, which is not imported{advice}; {SUPPORTED}"


def _unknown(values: Mapping[str, Any], sources: Sequence[Source]) -> str:
    for key, inner in values.items():
        for source in sources:
            if isinstance(inner, Mapping) and source.recognises(inner):
                return (
                    f"looks like the values of a chart of your own, which has {source.title} as the subchart {key}: "
                    f"give what is under {key}, for example by yq '.\"{key}\"'"
                )
    names = ", ".join(str(key)[:40] for key in list(values)[:5])
    return (
        f"is not known: it has {names} at its top, and no value of a supported chart; {SUPPORTED}; give what helm get "
        "values RELEASE prints"
    )
