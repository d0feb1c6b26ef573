"""What makes a spec impossible to turn into objects."""

from __future__ import annotations

from typing import ClassVar

from rasa_environments.api.conditions import Reason


class SpecError(ValueError):
    """A spec that the CRD lets through and that still cannot work: the message says what, where, and what to do."""

    reason: ClassVar[Reason] = Reason.INVALID_SPEC


class SecretElsewhere(SpecError):
    """A value that is in a Secret of another namespace, from which it is not taken."""

    reason = Reason.SECRET_NOT_FOUND
