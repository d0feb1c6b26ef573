"""All that a reconciliation found out about an environment."""

from __future__ import annotations

from dataclasses import dataclass

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.facts import (
    DeploymentFacts,
    PodFacts,
    Problem,
    RegistrationFact,
    ServedFact,
    TaggedModel,
)
from rasa_environments.judge.conversations import Conversations


@dataclass(frozen=True)
class EnvironmentFindings:
    """All that a pass found out about an environment."""

    environment: str
    tag: str
    child: ObjectKey
    server: ObjectKey
    problem: Problem | None = None
    url: str | None = None
    token_rotated_at: str | None = None
    model_required: bool = True
    conversations: Conversations | None = None
    """Where conversations are kept; None where that was not found out."""
    channels: tuple[str, ...] | None = None
    """Channels that reach users; None where that was not found out."""
    wanted: TaggedModel | None = None
    """Model that carries the tag: the last known, where `tag_problem` says that it cannot be asked for."""
    tag_problem: Problem | None = None
    deployment: DeploymentFacts | None = None
    pods: tuple[PodFacts, ...] = ()
    served: tuple[ServedFact, ...] = ()
    """Answers of the pods that are ready, or were."""
    lost: tuple[str, ...] = ()
    """Which of them have lost the wanted model, which they served before."""
    healing: bool = True
    """Whether such pods are restarted."""
    selector: str | None = None
    ingress_hosts: frozenset[str] = frozenset()
    """Hosts of its Ingress: the last ones, while a problem keeps it from being changed."""
    external: bool = False
    """Whether its Rasa server runs elsewhere, and is only asked."""
    registration: RegistrationFact | None = None
    """What came of its registration; None where its model server has no registry."""
    accept_unchecked: bool = False
    """Whether a pod that cannot be asked counts as one that serves the wanted model."""
