"""Errors of a spec that cannot be turned into objects."""

from __future__ import annotations

from typing import ClassVar

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason


class SpecError(ValueError):
    """A spec that the CRD accepts and that still cannot work; the message has problem, place and remedy."""

    reason: ClassVar[Reason] = Reason.INVALID_SPEC
    path: str = ""
    """Field that the error is about, if the caller has to know."""


class SecretElsewhereError(SpecError):
    """A default of a ModelServer that refers to a Secret in a namespace other than the environment's."""

    reason = Reason.SECRET_NOT_FOUND

    def __init__(self, path: str, server: ObjectKey, what: str, namespace: str) -> None:
        """Initialize the message: `path` is the environment's own field, `what` describes what is not copied across."""
        self.path = path
        default = path.replace("spec.", "spec.defaults.", 1)
        super().__init__(
            f"{default} of ModelServer {server} refers to a Secret in namespace {server.namespace}, and {what} are "
            f"not copied to namespace {namespace}: set {path} of this environment to a Secret in its own namespace"
        )


class LicenseMissingError(SpecError):
    """An environment of Rasa Pro without a licence."""

    path = "spec.rasa.license"

    def __init__(self, server: ObjectKey) -> None:
        super().__init__(
            "spec.rasa.license is missing, and Rasa Pro does not start without a licence: put it into a Secret, and "
            "name Secret and key in spec.rasa.license.secretKeyRef, here or in spec.defaults of ModelServer "
            f"{server}"
        )
