"""The verdicts on a ModelServer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.model_server import ModelServer, ModelServerStatus, PendingTagDeletion
from rasa_environments.domain.facts import RegistrationResult, ServerObservation
from rasa_environments.judge.registration import registered
from rasa_environments.judge.verdicts import Check, Verdict, condition_from, progress_of, verdict_of, verdicts_on


@dataclass(frozen=True)
class ModelServerFacts:
    """The facts that a reconciliation found about a ModelServer."""

    observation: ServerObservation
    can_write: bool
    environments: int
    tags: int
    pending_tag_deletions: tuple[PendingTagDeletion, ...]
    registration: RegistrationResult | None = None
    """Result of registering its environments; None if it has no registry."""
    registered: tuple[str, ...] = ()
    """Environments that this operator has registered."""


def judge(facts: ModelServerFacts, before: ModelServer) -> tuple[ModelServerStatus, tuple[Condition, ...]]:
    """Return the status without its conditions, and the conditions without their times."""
    observation, verdicts = facts.observation, tuple(verdicts_on(facts, VERDICTS))
    status = ModelServerStatus(
        version=observation.version or before.status.version,
        environment_count=facts.environments,
        tag_count=facts.tags,
        model_count=models_held(observation, before.status),
        pending_tag_deletions=list(facts.pending_tag_deletions) or None,
        registered_environments=list(facts.registered) or None,
    )
    return status, (
        condition_from(ConditionType.READY, verdicts[0] if verdicts else ready(facts.observation)),
        *progress_of(verdicts),
        condition_from(ConditionType.WRITABLE, writable(facts, before)),
        *registered(facts.registration),
    )


def models_held(observation: ServerObservation, before: ModelServerStatus) -> int | None:
    """Return the number of models on the server: the last known if it cannot be asked, None if it lists none."""
    if not observation.known:
        return before.model_count
    return len(observation.models) if observation.lists else None


def unreachable(facts: ModelServerFacts) -> Verdict | None:
    """Report why the server could not be asked."""
    return verdict_of(facts.observation.problem)


def write_credentials_rejected(facts: ModelServerFacts) -> Verdict | None:
    """Report why the server rejects the credentials for writing."""
    return verdict_of(facts.observation.write_problem)


VERDICTS: Final[tuple[Check[ModelServerFacts], ...]] = (unreachable, write_credentials_rejected)
"""Why a ModelServer is not ready; the first that applies decides Ready.

A server that cannot be asked was not asked about the credentials either.
"""


def ready(observation: ServerObservation) -> Verdict:
    """Return the verdict on a server that was reachable and accepted the credentials at the last check."""
    if observation.lists:
        return Verdict("True", Reason.READY, "the model server is reachable and accepts the credentials")
    return Verdict("True", Reason.READY, _without_a_listing(observation))


def _without_a_listing(observation: ServerObservation) -> str:
    by_itself = "the server lists no models, so it is asked for each tag by itself"
    if not observation.tag_problems:
        return f"tags can be pulled; {by_itself}"
    tag = min(observation.tag_problems)
    return f"{by_itself}; not every tag can be pulled, as {tag}: {observation.tag_problems[tag].message}"


def writable(facts: ModelServerFacts, server: ModelServer) -> Verdict:
    """Return whether the operator can write tags and register environments."""
    observation = facts.observation
    if not facts.can_write:
        secret = server.spec.credentials_secret_ref
        where = f"the Secret {secret.name}" if secret else "a Secret named by spec.credentialsSecretRef"
        return Verdict(
            "False",
            Reason.NO_WRITE_CREDENTIALS,
            f"models can only be pulled; to put tags, add apiToken, or username and password, to {where}",
        )
    if observation.problem is not None:
        return Verdict("Unknown", observation.problem.reason, observation.problem.message)
    if observation.write_problem is not None:
        return Verdict("False", observation.write_problem.reason, observation.write_problem.message)
    if not observation.lists:
        message = "the server lists no models: whether it takes tags shows when one is put"
        return Verdict("Unknown", Reason.PENDING, message)
    return Verdict("True", Reason.WRITABLE, "the credentials that write are accepted")


def pending_deletions(
    claims: Sequence[PendingTagDeletion], before: Sequence[PendingTagDeletion], done: frozenset[str]
) -> tuple[PendingTagDeletion, ...]:
    """Return the tags to delete once their ModelTag is gone: those requested now, and earlier ones not yet deleted.

    `done` are tags of `before` that were deleted, or are to stay.
    """
    entries = {entry.tag: entry for entry in before if entry.tag not in done}
    entries.update({entry.tag: entry for entry in claims})
    return tuple(entries[tag] for tag in sorted(entries))
