"""The check before a tag moves: conversations with the candidate of every environment, and then Jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Check
from rasa_environments.domain.candidates import runs_job
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.domain.verdicts import HeldConversations, Verdict, verdict_of_conversations, within
from rasa_environments.domain.verification import Progress, rejected_again
from rasa_environments.reconcile.verification.candidate_limits import CandidateLimits
from rasa_environments.reconcile.verification.candidates import Candidates
from rasa_environments.reconcile.verification.check_runner import CheckRunner
from rasa_environments.reconcile.verification.files import ConversationSet
from rasa_environments.reconcile.verification.jobs import TestedServer

START_SECONDS: Final = 10.0
"""Seconds between two looks at candidates that start; a change of a pod is noticed at once."""


class CandidateStage:
    """Carries on the verification of a model with candidates, and ends it."""

    def __init__(self, candidates: Candidates, runner: CheckRunner, limits: CandidateLimits) -> None:
        self._candidates = candidates
        self._runner = runner
        self._limits = limits

    async def forget(self, tag: ObjectKey) -> None:
        """End the verification for a ModelTag that is gone. Raises ApiError."""
        self._limits.release(tag)
        await self._runner.forget(tag)

    async def end(self, tag: ModelTag) -> None:
        """End the verification for a ModelTag that verifies no model now. Raises ApiError."""
        self._limits.release(tag.metadata.key)
        await self._runner.end(tag)

    async def advance(
        self,
        tag: ModelTag,
        check: Check,
        model: TaggedModel,
        found: ConversationSet,
        environments: Sequence[DeploymentEnvironment],
        begun: Progress,
    ) -> Progress:
        """Hold the next conversations, then look at the Jobs; return the progress, with the result if there is one.

        Raises ApiError.
        """
        key = tag.metadata.key
        ready = [each for one in environments if (each := self._candidates.ready(one, model)) is not None]
        await self._runner.converse(key, ready, self._runner.seconds_left(begun, check))
        held = self._runner.held(key, environments, found)
        all_answer = len(ready) == len(environments) and held.fault is None
        verdict = verdict_of_conversations(
            held,
            # A report names what fails in every environment.
            has_failed=held.has_failed and held.are_complete_with(one.environment for one in ready),
            unfinished=self._unfinished(check, model, environments, held),
            left=self._runner.seconds_left(begun, check),
            pause=0.0 if all_answer else START_SECONDS,
        )
        if verdict is None:
            servers = [self._tested(each, model) for each in environments if runs_job(tag, each)]
            verdict = await self._runner.run_jobs(tag, check, begun, servers, held.cases)
        if verdict.passed is None:
            return verifying(tag, model, environments, begun, verdict.requeue_after, verdict.message)
        return self._ended(tag, model, begun, verdict)

    def _ended(self, tag: ModelTag, model: TaggedModel, begun: Progress, verdict: Verdict) -> Progress:
        """Return the progress with the model passed or rejected; what ran for it ends once that is recorded."""
        self._limits.release(tag.metadata.key)
        ended = self._runner.ended(tag.metadata.key, begun, verdict)
        if verdict.passed:
            return ended.waiting(Reason.VERIFYING, f"model {model.name} has passed its verification", 0.0)
        return replace(rejected_again(tag, model.name, verdict.message, ended), requeue_after=0.0)

    def _tested(self, environment: DeploymentEnvironment, model: TaggedModel) -> TestedServer:
        """Return the candidate of an environment."""
        key = environment.metadata.key
        ready, secrets = self._candidates.ready(environment, model), self._candidates.secrets(key)
        if ready is None:
            obstacle = f"its candidate is not ready: {self._candidates.obstacle(key)}"
            return TestedServer(environment, None, secrets, obstacle)
        return TestedServer(environment, ready.url, secrets)

    def _unfinished(
        self, check: Check, model: TaggedModel, environments: Sequence[DeploymentEnvironment], held: HeldConversations
    ) -> str:
        """Return which candidate has not passed all conversations, and why; empty if all have."""
        late = next((each for each in environments if each.metadata.key == held.late), None)
        if late is None:
            return ""
        key, in_time = late.metadata.key, within(check.timeout_seconds, "Candidate")
        if self._candidates.ready(late, model) is None:
            return f"environment {key}: its candidate was not ready {in_time}: {self._candidates.obstacle(key)}"
        fault = held.faults.get(key)
        count = f"{held.count(key)} of {held.total} conversations were held {in_time}"
        return f"environment {key}: {count}{f': {fault}' if fault else ''}"


def verifying(
    tag: ModelTag,
    model: TaggedModel,
    environments: Sequence[DeploymentEnvironment],
    progress: Progress,
    requeue_after: float | None,
    waits_for: str = "",
) -> Progress:
    """Return the progress of a verification that goes on; `waits_for` is what the Jobs wait for."""
    beside = ", ".join(str(each.metadata.key) for each in environments[:3])
    more = f" and {len(environments) - 3} others" if len(environments) > 3 else ""
    now = f": {waits_for}" if waits_for else ""
    message = f"model {model.name} gets tag {tag.tag} once it has passed its verification beside {beside}{more}{now}"
    return progress.waiting(Reason.VERIFYING, message, requeue_after)
