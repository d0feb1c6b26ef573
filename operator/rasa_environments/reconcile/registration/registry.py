"""The desired content of a registry: entries of others, merged with the environments of this cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import ADOPT_REGISTRATION_ANNOTATION
from rasa_environments.controller.registrations import DesiredRegistration
from rasa_environments.domain.facts import RegistrationResult
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.redaction import origin

DONE = RegistrationResult("True", Reason.REGISTERED, "the model server has it in its registry")
PENDING = RegistrationResult(
    "Unknown",
    Reason.REGISTRATION_PENDING,
    "the registry keeps the old token until the Rasa servers run with the new one",
)


@dataclass(frozen=True)
class Merged:
    """The desired registry."""

    entries: tuple[RegisteredEnvironment, ...]
    results: dict[str, RegistrationResult]
    """By name of the environment: the result of its registration if the entries are accepted."""
    recorded: frozenset[str]
    """Names to record as this operator's before the entries are written."""


def merged(
    current: Sequence[RegisteredEnvironment],
    registrations: Sequence[DesiredRegistration],
    *,
    managed: frozenset[str],
    active: frozenset[str],
) -> Merged:
    """Return `current` without obsolete own entries (in `managed`, but not `active`), plus the desired ones.

    An entry of the same name made by somebody else is left alone, unless it has the same URL or the environment adopts
    it. An environment that is active and has no desired registration yet keeps its entry.
    """
    entries = {entry.name: entry for entry in current if entry.name not in managed or entry.name in active}
    results: dict[str, RegistrationResult] = {}
    taken: set[str] = set()
    for desired in registrations:
        there = entries.get(desired.name)
        if there is None:
            entries[desired.name] = RegisteredEnvironment(desired.name, desired.url, desired.token)
        elif not (desired.name in managed or desired.adopts or _same_address(there.url, desired.url)):
            results[desired.name] = by_another(there)
            continue
        elif desired.in_use or there.token is None or not _same_address(there.url, desired.url):
            entries[desired.name] = replace(there, url=desired.url, token=desired.token)
        elif there.token != desired.token:
            results[desired.name] = PENDING
        taken.add(desired.name)
        results.setdefault(desired.name, DONE)
    listed = {entry.name for entry in current}
    return Merged(tuple(entries.values()), results, frozenset(taken | (managed & (active | listed))))


def by_another(entry: RegisteredEnvironment) -> RegistrationResult:
    """Return the result that somebody else has registered that name for another server."""
    return RegistrationResult(
        "False",
        Reason.REGISTERED_BY_ANOTHER,
        f"{entry.name} is registered already, for another server ({origin(entry.url)}), and not by this operator: "
        f"delete that entry, rename this environment, or let it take the entry over with the annotation "
        f"{ADOPT_REGISTRATION_ANNOTATION}=true",
    )


def _same_address(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")
