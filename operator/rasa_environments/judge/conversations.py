"""Where an environment stores its conversations, and what follows for its users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentSpec
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.profiles import rules_of
from rasa_environments.judge.conditions import condition

IN_MEMORY_TYPES = frozenset({"", "in_memory", "inmemorytrackerstore", "inmemorylockstore"})
"""Store types of endpoints.yml that keep everything in memory (source: rasa/core/tracker_store.py and lock_store.py of
Rasa 3.6)."""


@dataclass(frozen=True)
class Conversations:
    """Where conversations are stored."""

    servers: int
    """Number of Rasa processes that may answer a user: replicas times workers."""
    stored: bool
    """Whether there is a tracker store outside the process."""
    locked: bool
    """Whether there is a lock store outside the process."""
    configured_here: bool = True
    """Whether the environment's spec decides; a Rasa X 0.32 and external Rasa servers have configurations of their
    own."""


ELSEWHERE = Conversations(1, stored=False, locked=False, configured_here=False)


def conversations_of(spec: EnvironmentSpec, server: ModelServer) -> Conversations:
    """Return where a merged spec stores conversations."""
    if rules_of(server).configured_by_server:
        return ELSEWHERE
    replicas = spec.replicas if spec.autoscaling is None else spec.autoscaling.max_replicas or 1
    workers = (spec.rasa and spec.rasa.workers) or 1
    endpoints = spec.endpoints or {}
    return Conversations(
        servers=replicas * workers,
        stored=_is_kept("tracker_store", endpoints, typed=spec.tracker_store is not None),
        locked=_is_kept("lock_store", endpoints, typed=spec.lock_store is not None),
    )


def _is_kept(store: str, endpoints: Mapping[str, Any], *, typed: bool) -> bool:
    """Return whether a store is outside the process.

    An entry of spec.endpoints takes precedence over the typed field.
    """
    entry = endpoints.get(store)
    if not isinstance(entry, Mapping):
        return typed
    return str(entry.get("type") or "").lower() not in IN_MEMORY_TYPES


def conversations_persisted(conversations: Conversations) -> Condition:
    """Return the condition that conversations survive restarts and do not depend on which server answers."""
    kind = ConditionType.CONVERSATIONS_PERSISTED
    if not conversations.configured_here:
        message = "the stores are configured elsewhere: the spec does not decide where conversations are kept"
        return condition(kind, "Unknown", Reason.CONFIGURED_ELSEWHERE, message)
    several = conversations.servers > 1
    if not conversations.stored and several:
        return condition(
            kind,
            "False",
            Reason.NOT_SHARED,
            f"{conversations.servers} servers each keep their own conversations in memory: users lose their "
            "conversation when another one answers, and at each restart; set spec.trackerStore and spec.lockStore",
        )
    if not conversations.stored:
        message = "conversations are kept in memory and end with the pod; set spec.trackerStore"
        return condition(kind, "False", Reason.IN_MEMORY, message)
    if several and not conversations.locked:
        return condition(
            kind,
            "False",
            Reason.NO_LOCK_STORE,
            f"{conversations.servers} servers share conversations without a lock: two may handle one conversation at "
            "a time, and one of the answers is lost; set spec.lockStore",
        )
    return condition(kind, "True", Reason.PERSISTED, "conversations are kept in the tracker store")
