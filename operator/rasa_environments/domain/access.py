"""Whether an object may use the ModelServer that it refers to."""

from __future__ import annotations

from collections.abc import Mapping

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.traffic import LabelRequirement, LabelSelector
from rasa_environments.domain.facts import Problem

Labels = Mapping[str, str]


def missing(server: ObjectKey) -> Problem:
    """Return the problem that the ModelServer does not exist."""
    return Problem(
        Reason.MODEL_SERVER_NOT_FOUND,
        f"ModelServer {server} not found: create it, or name another one in spec.modelServerRef",
        stalled=False,
    )


def never_valid(server: ObjectKey) -> Problem:
    """Return the problem that the ModelServer exists, and no version of its spec could be used so far."""
    return Problem(
        Reason.MODEL_SERVER_NOT_FOUND,
        f"ModelServer {server} has never had a valid spec: correct it as its condition Ready says",
        stalled=False,
    )


def allows(server: ModelServer, namespace: str, labels: Labels | None) -> bool:
    """Return whether objects of that namespace may use the ModelServer; `labels` are None if unknown."""
    access = server.spec.access_from
    if namespace == server.metadata.namespace:
        return True
    if access is None:
        return False
    if namespace in (access.namespaces or ()):
        return True
    return labels is not None and any(selects(selector, labels) for selector in access.namespace_selectors or ())


def selects(selector: LabelSelector, labels: Labels) -> bool:
    """Return whether a selector matches these labels; an empty one matches all."""
    required = (selector.match_labels or {}).items()
    return all(labels.get(key) == value for key, value in required) and all(
        _holds(requirement, labels) for requirement in selector.match_expressions or ()
    )


def _holds(requirement: LabelRequirement, labels: Labels) -> bool:
    """Return whether a requirement is met; a missing label is in no list.

    Source: k8s.io/apimachinery, labels.Requirement.Matches.
    """
    present, value = requirement.key in labels, labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return present and value in (requirement.values or ())
        case "NotIn":
            return not present or value not in (requirement.values or ())
        case "Exists":
            return present
        case "DoesNotExist":
            return not present


def unusable(server: ModelServer | Problem, namespace: str, labels: Labels | None) -> Problem | None:
    """Return why an object in `namespace`, which has these labels, cannot use the ModelServer, or None.

    `server` may be the problem that there is none (`Lister.server`).
    """
    if isinstance(server, Problem):
        return server
    if allows(server, namespace, labels):
        return None
    selectors = server.spec.access_from is not None and server.spec.access_from.namespace_selectors
    hint = ""
    if selectors and labels is None:
        hint = " by name: its labels are unknown, since the operator may not read namespaces or this one does not exist"
    return Problem(
        Reason.REF_NOT_PERMITTED,
        f"ModelServer {server.metadata.key} does not allow namespace {namespace}: add {namespace} to its "
        f"spec.accessFrom.namespaces{hint}",
    )
