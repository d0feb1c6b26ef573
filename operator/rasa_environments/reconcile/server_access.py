"""Whether an object may use the ModelServer that it refers to."""

from __future__ import annotations

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.judge.findings import Problem


def missing(server: ObjectKey) -> Problem:
    """The ModelServer is not there."""
    return Problem(
        Reason.MODEL_SERVER_NOT_FOUND,
        f"ModelServer {server} is not there: create it, or name another one in spec.modelServerRef",
        stalled=False,
    )


def permits(server: ModelServer, namespace: str) -> bool:
    """Whether objects of that namespace may use the ModelServer."""
    return namespace == server.metadata.namespace or namespace in (server.spec.allowed_namespaces or ())


def unusable(server: ModelServer | None, key: ObjectKey, namespace: str) -> Problem | None:
    """Why an object in `namespace` cannot use the ModelServer `key`; None where it can."""
    if server is None:
        return missing(key)
    if not permits(server, namespace):
        return Problem(
            Reason.NAMESPACE_NOT_ALLOWED,
            f"ModelServer {key} does not let namespace {namespace} use it: add {namespace} to its "
            "spec.allowedNamespaces",
        )
    return None
