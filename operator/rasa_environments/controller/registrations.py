"""What each environment should be in its server's registry, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.facts import RegistrationResult


@dataclass(frozen=True)
class DesiredRegistration:
    """An environment as a registry takes it."""

    key: ObjectKey
    name: str
    url: str
    token: str = field(repr=False)
    in_use: bool
    """Whether its servers run with that token: while they are being restarted, the old one is kept."""
    adopts: bool
    """Whether it may take over an entry of its name that somebody else made."""


class Registrations:
    """The desired registration of each environment, and the result of the latest attempt."""

    def __init__(self) -> None:
        self._desired: dict[ObjectKey, DesiredRegistration] = {}
        self._results: dict[ObjectKey, RegistrationResult] = {}

    def request(self, desired: DesiredRegistration) -> bool:
        """Keep what is to be registered; return whether it differs from before."""
        before = self._desired.get(desired.key)
        self._desired[desired.key] = desired
        return before != desired

    def withdraw(self, environment: ObjectKey) -> None:
        """Forget an environment that is gone."""
        self._desired.pop(environment, None)
        self._results.pop(environment, None)

    def desired(self, environments: Iterable[ObjectKey]) -> tuple[DesiredRegistration, ...]:
        """Return the desired registrations of those environments that have requested one."""
        return tuple(self._desired[key] for key in environments if key in self._desired)

    def result(self, environment: ObjectKey) -> RegistrationResult | None:
        """Return the result of the latest attempt; None before the first."""
        return self._results.get(environment)

    def record(self, environment: ObjectKey, result: RegistrationResult) -> bool:
        """Keep the result of an attempt; return whether it differs from before."""
        before = self._results.get(environment)
        self._results[environment] = result
        return before != result
