"""The gate before a tag: a model passes once its conversations were held with a candidate of every environment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Check, TestCase
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.domain.candidates import hosts, runs_job, share, tags_with_a_candidate
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.verification import (
    Progress,
    case_results,
    described_failure,
    failed,
    has_passed,
    in_progress,
    may_have_passed,
    recorded,
    rejected_again,
    rejection,
    seconds_left,
    started,
    succeeded,
    verifying_model,
    was_served,
)
from rasa_environments.domain.verification_jobs import verdict
from rasa_environments.reconcile.clock import in_seconds, utc_now
from rasa_environments.reconcile.verification.candidates import Candidates
from rasa_environments.reconcile.verification.files import ConversationFiles, ConversationSet
from rasa_environments.reconcile.verification.jobs import JOB_SECONDS, TestedServer, VerificationJobs
from rasa_environments.reconcile.verification.runs import ConversationRuns

Unable: TypeAlias = Callable[[], Awaitable[Problem | None]]
CONVERSATION_SECONDS: Final = 90.0
"""Seconds for one conversation with each candidate."""
RECHECK_SECONDS: Final = 30.0
"""Seconds between two looks at what nobody announces: ConfigMaps, and candidates of other ModelTags."""
START_SECONDS: Final = 10.0
"""Seconds between two looks at candidates that start; a change of a pod is noticed at once."""


class CandidateGate:
    """Decides whether a model may get a tag, and carries on its verification."""

    def __init__(
        self,
        state: State,
        files: ConversationFiles,
        candidates: Candidates,
        runs: ConversationRuns,
        jobs: VerificationJobs,
        limit: int,
        now: Callable[[], str] = utc_now,
    ) -> None:
        """Initialize: at most `limit` candidates run at the same time, and of those a namespace has its share."""
        self._state = state
        self._files = files
        self._candidates = candidates
        self._runs = runs
        self._jobs = jobs
        self._limit = limit
        self._now = now
        self._begun: set[ObjectKey] = set()
        """ModelTags whose verification began, also those whose status does not say so yet."""

    async def forget(self, tag: ObjectKey) -> None:
        """End the verification for a ModelTag that is gone. Raises ApiError."""
        self._discard(tag)
        await self._jobs.forget(tag)

    async def end(self, tag: ModelTag) -> None:
        """End the verification for a ModelTag that verifies no model now. Raises ApiError."""
        self._discard(tag.metadata.key)
        await self._jobs.end(tag)

    def _discard(self, tag: ObjectKey) -> None:
        """Discard the conversations of a verification that ended, and count its candidate no longer."""
        self._runs.forget(tag)
        self._begun.discard(tag)

    async def check(
        self, tag: ModelTag, desired: str | None, observation: ServerObservation, unable: Unable
    ) -> Progress:
        """Return the progress of the verification of the desired model; without a problem, it may get the tag.

        `unable` tells whether an environment could not even load it, which is asked before candidates are created.
        Raises ApiError.
        """
        progress, verification = recorded(tag, desired), tag.spec.verification
        if verification is None or desired is None:
            return await self._ended(tag, progress)
        if not observation.known:
            unlisted = f"model {desired} is verified once the model server is listed"
            return progress.waiting(Reason.PENDING, unlisted, START_SECONDS)
        tagged = observation.tags.get(tag.tag)
        model = observation.models.get(desired) or (tagged if tagged is not None and tagged.name == desired else None)
        if model is None:
            ended = await self._ended(tag, progress)
            return ended.waiting(Reason.MODEL_NOT_FOUND, _unlisted(tag, desired), RECHECK_SECONDS)
        rejected = rejection(progress, model)
        if rejected is not None:
            return rejected_again(tag, model.name, rejected.message, await self._ended(tag, progress))
        if verification.candidate is None or not model.compatible or was_served(tag, model, tagged):
            return await self._ended(tag, progress)
        return await self._verify(tag, verification.candidate, model, progress, unable)

    async def _ended(self, tag: ModelTag, progress: Progress) -> Progress:
        """Return the progress without a verification in progress. Raises ApiError."""
        await self.end(tag)
        return progress.idle()

    async def _verify(
        self, tag: ModelTag, check: Check, model: TaggedModel, progress: Progress, unable: Unable
    ) -> Progress:
        key = tag.metadata.key
        await self._state.index_claims(server_of_tag(tag))
        environments, obstacles = hosts(tag, self._state.lister)
        problem = self._impossible(tag, check, environments, obstacles)
        if problem is not None and not may_have_passed(progress, model):
            return await self._held(tag, progress, problem)  # Nothing is read for whoever has to wait anyway.
        found = self._runs.conversations(key, model, check) or await self._files.read(key, check)
        if isinstance(found, Problem):
            return await self._held(tag, progress, found)
        if has_passed(progress, model, found.digest):
            return await self._ended(tag, progress)
        if problem is None and verifying_model(tag.status) is None:
            problem = await unable() or await self._jobs.refusal(tag, check, model, environments)
        if problem is not None:
            return await self._held(tag, progress, problem)
        self._runs.begin(key, model, check, found)
        begun = started(progress, model, found.digest, self._now())
        if tag.status.verifications != list(begun.records):
            await self._jobs.end(tag)  # of an earlier verification
            return _verifying(tag, model, environments, begun, 0.0)  # Recorded first; then the candidates are created.
        return await self._continue(tag, check, model, found, environments, begun)

    async def _held(self, tag: ModelTag, progress: Progress, problem: Problem) -> Progress:
        """Return the progress of a verification that cannot go on: it starts anew once it can. Raises ApiError."""
        ended = await self._ended(tag, progress)
        return ended.waiting(problem.reason, problem.message, RECHECK_SECONDS, stalled=problem.stalled)

    async def _continue(
        self,
        tag: ModelTag,
        check: Check,
        model: TaggedModel,
        found: ConversationSet,
        environments: Sequence[DeploymentEnvironment],
        begun: Progress,
    ) -> Progress:
        """Hold the next conversations; return the progress with the result, if there is one."""
        key, left = tag.metadata.key, seconds_left(begun, self._now(), check.timeout_seconds)
        ready = [each for one in environments if (each := self._candidates.ready(one, model)) is not None]
        if left > 0 and ready:
            try:
                until = in_seconds(min(CONVERSATION_SECONDS, left))
                async with self._state.queue.outside(Request(Kind.MODEL_TAG, key), until=until):
                    await self._runs.advance(key, ready)
            except TimeoutError:
                left = seconds_left(begun, self._now(), check.timeout_seconds)
        known = self._runs.results(key)
        results = [(one.metadata.key, each) for one in environments for each in known.get(one.metadata.key, ())]
        cases = case_results(results)
        total = len(found.conversations)
        has_failed = bool(cases) and cases[0].failure is not None
        if has_failed and all(len(known.get(one.environment, ())) == total for one in ready):
            return self._failed(tag, model, begun, Reason.VERIFICATION_FAILED, described_failure(cases[0]), cases)
        if len(results) == len(environments) * total:
            if check.job_template is not None:
                return await self._run_jobs(tag, check, model, environments, begun, cases)
            return self._passed(tag, model, begun, cases)
        if left <= 0:
            message = self._unfinished(tag, check, model, found, environments)
            return self._failed(tag, model, begun, Reason.VERIFICATION_TIMED_OUT, message, cases)
        faults = any(self._runs.fault(key, one.metadata.key) for one in environments)
        goes_on = len(ready) == len(environments) and not faults
        return _verifying(tag, model, environments, begun, 0.0 if goes_on else min(START_SECONDS, left))

    async def _run_jobs(
        self,
        tag: ModelTag,
        check: Check,
        model: TaggedModel,
        environments: Sequence[DeploymentEnvironment],
        begun: Progress,
        cases: Sequence[TestCase],
    ) -> Progress:
        """Look at the Jobs, after all conversations; return the progress with the result, if there is one."""
        left = seconds_left(begun, self._now(), check.timeout_seconds)
        servers = [self._tested(each, model) for each in environments if runs_job(tag, each)]
        results = await self._jobs.results(tag, check, in_progress(begun, "Candidate"), servers, left)
        seen = verdict(results, cases, left, check.timeout_seconds, "Candidate")
        if seen.passed:
            return self._passed(tag, model, begun, seen.cases)
        if seen.passed is False:
            return self._failed(tag, model, begun, seen.reason, seen.message, seen.cases)
        return _verifying(tag, model, environments, begun, min(JOB_SECONDS, left), f": {seen.message}")

    def _tested(self, environment: DeploymentEnvironment, model: TaggedModel) -> TestedServer:
        """Return the candidate of an environment."""
        key = environment.metadata.key
        ready, secrets = self._candidates.ready(environment, model), self._candidates.secrets(key)
        if ready is None:
            return TestedServer(
                environment, None, secrets, f"its candidate is not ready: {self._candidates.obstacle(key)}"
            )
        return TestedServer(environment, ready.url, secrets)

    def _passed(self, tag: ModelTag, model: TaggedModel, begun: Progress, cases: Sequence[TestCase]) -> Progress:
        """Return the progress with the model passed; what ran for it ends once that is recorded."""
        self._discard(tag.metadata.key)
        passed = succeeded(begun, cases, self._now())
        return passed.waiting(Reason.VERIFYING, f"model {model.name} has passed its verification", 0.0)

    def _failed(
        self,
        tag: ModelTag,
        model: TaggedModel,
        begun: Progress,
        reason: Reason,
        message: str,
        cases: Sequence[TestCase],
    ) -> Progress:
        """Return the progress with the model rejected; what ran for it ends once that is recorded."""
        self._discard(tag.metadata.key)
        rejected = rejected_again(tag, model.name, message, failed(begun, reason, message, cases, self._now()))
        return replace(rejected, requeue_after=0.0)

    def _impossible(
        self, tag: ModelTag, check: Check, environments: Sequence[DeploymentEnvironment], obstacles: Sequence[str]
    ) -> Problem | None:
        """Return why no candidates can run for the tag now, or None: then they are counted from now on."""
        if not environments:
            why = "; ".join(obstacles) or "no environment pulls the tag"
            return Problem(
                Reason.NO_CANDIDATE,
                f"no candidate can run for tag {tag.tag} ({why}): create an environment that pulls it, or remove "
                "spec.verification",
            )
        if check.job_template is not None and not any(runs_job(tag, each) for each in environments):
            return Problem(
                Reason.NO_CANDIDATE,
                f"spec.verification.candidate.jobTemplate runs in namespace {tag.metadata.namespace} alone, and no "
                f"environment there pulls tag {tag.tag}: create one, or remove jobTemplate",
            )
        if verifying_model(tag.status) is None and not self._begins(tag):
            return self._no_room(tag)
        return None

    def _begins(self, tag: ModelTag) -> bool:
        """Count the candidate of the tag from now on, if its namespace may have one more."""
        own, others = self._used(tag)
        if own >= share(self._limit, others):
            return False
        self._begun.add(tag.metadata.key)
        return True

    def _used(self, tag: ModelTag) -> tuple[int, int]:
        """Return how many candidates run for other tags of the namespace, and how many for other namespaces."""
        used = {*self._begun, *tags_with_a_candidate(self._state.lister)} - {tag.metadata.key}
        own = sum(each.namespace == tag.metadata.namespace for each in used)
        return own, len(used) - own

    def _no_room(self, tag: ModelTag) -> Problem:
        own, others = self._used(tag)
        return Problem(
            Reason.NO_CANDIDATE,
            f"namespace {tag.metadata.namespace} has {own} of the {share(self._limit, others)} candidates that it may "
            f"have now ({others} of {self._limit} run for others): the verification starts when some have ended "
            "(--max-candidates of `rasa-environments run`)",
            stalled=False,
        )

    def _unfinished(
        self,
        tag: ModelTag,
        check: Check,
        model: TaggedModel,
        found: ConversationSet,
        environments: Sequence[DeploymentEnvironment],
    ) -> str:
        """Return which candidate did not pass all conversations in time, and why."""
        known, key = self._runs.results(tag.metadata.key), tag.metadata.key
        late = next(
            each.metadata.key
            for each in environments
            if len(known.get(each.metadata.key, ())) < len(found.conversations)
        )
        within = f"within {check.timeout_seconds} s (spec.verification.candidate.timeoutSeconds)"
        server = next((each for each in environments if each.metadata.key == late), None)
        if server is not None and self._candidates.ready(server, model) is None:
            return f"environment {late}: its candidate was not ready {within}: {self._candidates.obstacle(late)}"
        fault = self._runs.fault(key, late)
        held = f"{len(known.get(late, ()))} of {len(found.conversations)} conversations were held {within}"
        return f"environment {late}: {held}{f': {fault}' if fault else ''}"


def _verifying(
    tag: ModelTag,
    model: TaggedModel,
    environments: Sequence[DeploymentEnvironment],
    progress: Progress,
    requeue_after: float,
    now: str = "",
) -> Progress:
    """Return the progress of a verification that goes on; `now` is what it waits for."""
    beside = ", ".join(str(each.metadata.key) for each in environments[:3])
    more = f" and {len(environments) - 3} others" if len(environments) > 3 else ""
    message = f"model {model.name} gets tag {tag.tag} once it has passed its verification beside {beside}{more}{now}"
    return progress.waiting(Reason.VERIFYING, message, requeue_after)


def _unlisted(tag: ModelTag, model: str) -> str:
    return (
        f"model {model} is not listed by ModelServer {server_of_tag(tag)}, so it cannot be verified: upload it, or "
        "name one that it lists"
    )
