"""What a registry should hold: what others put there, and the environments of this cluster laid over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import ADOPT_REGISTRATION_ANNOTATION
from rasa_environments.controller.registrations import DesiredRegistration
from rasa_environments.domain.facts import RegistrationFact
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.redaction import origin

DONE = RegistrationFact("True", Reason.REGISTERED, "the model server has it in its registry")
PENDING = RegistrationFact(
    "Unknown",
    Reason.REGISTRATION_PENDING,
    "the registry keeps the old token until the Rasa servers run with the new one",
)


@dataclass(frozen=True)
class Merged:
    """The registry as it should be."""

    entries: tuple[RegisteredEnvironment, ...]
    facts: dict[str, RegistrationFact]
    """By name of the environment: what comes of its registration if the entries are taken."""
    noted: frozenset[str]
    """Names to remember as this operator's, before the entries are written."""


def merged(
    current: Sequence[RegisteredEnvironment],
    registrations: Sequence[DesiredRegistration],
    *,
    ours: frozenset[str],
    alive: frozenset[str],
) -> Merged:
    """`current` without what this operator registered (`ours`) and is no more `alive`, and with what is desired.

    An entry of an desired's name that somebody else made is left alone, unless it leads to the same address or the
    environment adopts it. An environment that is alive and has not made its desired yet stays as it is.
    """
    entries = {entry.name: entry for entry in current if entry.name not in ours or entry.name in alive}
    facts: dict[str, RegistrationFact] = {}
    taken: set[str] = set()
    for desired in registrations:
        there = entries.get(desired.name)
        if there is None:
            entries[desired.name] = RegisteredEnvironment(desired.name, desired.url, desired.token)
        elif not (desired.name in ours or desired.adopts or _same_address(there.url, desired.url)):
            facts[desired.name] = by_another(there)
            continue
        elif desired.in_use or there.token is None or not _same_address(there.url, desired.url):
            entries[desired.name] = replace(there, url=desired.url, token=desired.token)
        elif there.token != desired.token:
            facts[desired.name] = PENDING
        taken.add(desired.name)
        facts.setdefault(desired.name, DONE)
    listed = {entry.name for entry in current}
    return Merged(tuple(entries.values()), facts, frozenset(taken | (ours & (alive | listed))))


def by_another(entry: RegisteredEnvironment) -> RegistrationFact:
    """Somebody else registered that name for another server."""
    return RegistrationFact(
        "False",
        Reason.REGISTERED_BY_ANOTHER,
        f"{entry.name} is registered already, for another server ({origin(entry.url)}), and not by this operator: "
        f"delete that entry, rename this environment, or let it take the entry over with the annotation "
        f"{ADOPT_REGISTRATION_ANNOTATION}=true",
    )


def _same_address(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")
