"""What environments have to say to their server's registry, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.facts import RegistrationFact


@dataclass(frozen=True)
class Offer:
    """An environment as a registry takes it."""

    key: ObjectKey
    name: str
    url: str
    token: str = field(repr=False)
    in_use: bool
    """Whether its servers run with that token: while they are being restarted, the old one is kept."""
    adopts: bool
    """Whether it may take over an entry of its name that somebody else made."""


class Offers:
    """The latest offer of each environment, and the latest fact about it."""

    def __init__(self) -> None:
        self._offers: dict[ObjectKey, Offer] = {}
        self._facts: dict[ObjectKey, RegistrationFact] = {}

    def keep(self, offer: Offer) -> bool:
        """Keeps what is to be registered; returns whether that is news."""
        before = self._offers.get(offer.key)
        self._offers[offer.key] = offer
        return before != offer

    def withdraw(self, environment: ObjectKey) -> None:
        """Forgets an environment that is gone."""
        self._offers.pop(environment, None)
        self._facts.pop(environment, None)

    def offered(self, environments: Iterable[ObjectKey]) -> tuple[Offer, ...]:
        """The offers of those environments that have made one."""
        return tuple(self._offers[key] for key in environments if key in self._offers)

    def fact(self, environment: ObjectKey) -> RegistrationFact | None:
        """What came of its registration; None before the first attempt."""
        return self._facts.get(environment)

    def told(self, environment: ObjectKey, fact: RegistrationFact) -> bool:
        """Keeps what came of it; returns whether that is news."""
        before = self._facts.get(environment)
        self._facts[environment] = fact
        return before != fact
