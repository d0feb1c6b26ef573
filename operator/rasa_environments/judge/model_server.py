"""The verdicts on a ModelServer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.model_server import InventoryEntry, ModelServer, ModelServerStatus
from rasa_environments.judge.conditions import condition, reconciling, registered, stalled
from rasa_environments.judge.findings import Problem, RegistrationFact, ServerObservation


@dataclass(frozen=True)
class ModelServerFindings:
    """All that a pass found out about a ModelServer."""

    problem: Problem | None
    observation: ServerObservation
    can_write: bool
    environments: int
    tags: int
    inventory: tuple[InventoryEntry, ...]
    registration: RegistrationFact | None = None
    """What came of registering its environments; None where it has no registry."""
    registered: tuple[str, ...] = ()
    """Environments that this operator put into the registry."""


def judged(findings: ModelServerFindings, before: ModelServer) -> tuple[ModelServerStatus, tuple[Condition, ...]]:
    """The status without its conditions, and the conditions without their times."""
    observation = findings.observation
    status = ModelServerStatus(
        version=observation.version or before.status.version,
        environments=findings.environments,
        tags=findings.tags,
        models=models_held(observation, before.status),
        inventory=list(findings.inventory) or None,
        registered=list(findings.registered) or None,
    )
    return status, (
        ready(findings, before),
        reconciling(findings.problem),
        stalled(findings.problem),
        *registered(findings.registration),
    )


def models_held(observation: ServerObservation, before: ModelServerStatus) -> int | None:
    """How many models the server holds: the last known, while it cannot be asked, and None where it never tells."""
    if not observation.known:
        return before.models
    return len(observation.models) if observation.lists else None


def ready(findings: ModelServerFindings, server: ModelServer) -> Condition:
    """Whether the server was reached and took the credentials at the last check."""
    kind = ConditionType.READY
    if findings.problem is not None:
        return condition(kind, "False", findings.problem.reason, findings.problem.message)
    if not findings.observation.lists:
        message = "tags can be pulled; the server lists no models, so it is asked for each tag by itself"
        return condition(kind, "True", Reason.READY, message)
    if not findings.can_write:
        secret = server.spec.credentials_secret_ref
        where = f"the Secret {secret.name}" if secret else "a Secret named by spec.credentialsSecretRef"
        return condition(
            kind,
            "True",
            Reason.NO_WRITE_CREDENTIALS,
            f"models can be pulled; to put tags, add apiToken, or username and password, to {where}",
        )
    return condition(kind, "True", Reason.READY, "reached, and the credentials are accepted")


def inventory_of(
    claims: Sequence[InventoryEntry], before: Sequence[InventoryEntry], done: frozenset[str]
) -> tuple[InventoryEntry, ...]:
    """Tags that are to be deleted once their ModelTag is gone: those claimed now, and those still to be deleted.

    `done` are tags of `before` that are deleted, or are to stay.
    """
    entries = {entry.tag: entry for entry in before if entry.tag not in done}
    entries.update({entry.tag: entry for entry in claims})
    return tuple(entries[tag] for tag in sorted(entries))
