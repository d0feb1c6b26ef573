"""What makes a spec impossible to turn into objects."""

from __future__ import annotations

from typing import ClassVar

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason


class SpecError(ValueError):
    """A spec that the CRD lets through and that still cannot work: the message says what, where, and what to do."""

    reason: ClassVar[Reason] = Reason.INVALID_SPEC


class SecretElsewhere(SpecError):
    """A default of a ModelServer that names a Secret of another namespace than the environment's."""

    reason = Reason.SECRET_NOT_FOUND

    def __init__(self, path: str, server: ObjectKey, what: str, namespace: str) -> None:
        """`path` is the environment's own field, `what` names in words what stays in the server's namespace."""
        default = path.replace("spec.", "spec.defaults.", 1)
        super().__init__(
            f"{default} of ModelServer {server} names a Secret in namespace {server.namespace}, and {what} do not "
            f"cross into namespace {namespace}: set {path} of this environment to a Secret of its own namespace"
        )
