"""The reconciler of ModelTags: sets the tag on its model, verifies it, and corrects it when it drifts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.controller.queue import DONE, Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.domain.access import unusable
from rasa_environments.domain.conflicts import CONFLICT_SECONDS
from rasa_environments.domain.desired_model import DesiredModel, desired_model, reference_to_desired
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.live_verification import begun_with_tag, live_record
from rasa_environments.domain.tags import owned_by_older
from rasa_environments.domain.verification import Progress, verifying_model
from rasa_environments.judge.events import Record, record_nothing
from rasa_environments.judge.model_tag import ModelTagFacts, follower, judge
from rasa_environments.judge.tag_history import last_model
from rasa_environments.judge.transitions import transitions
from rasa_environments.reconcile.circumstances import circumstances_of
from rasa_environments.reconcile.clock import in_seconds, utc_now
from rasa_environments.reconcile.model_server import LONGEST_BACKOFF, too_slow
from rasa_environments.reconcile.ports import Connection, Connections, StatusWriter
from rasa_environments.reconcile.running_releases import ReleaseProbe
from rasa_environments.reconcile.tagging import Tagging
from rasa_environments.reconcile.verification.stages import Stages

PUT_SECONDS = 60.0
"""Seconds to set a tag and pull it once."""

RETRIED = frozenset({Reason.MODEL_SERVER_UNREACHABLE, Reason.UNEXPECTED_ANSWER})
"""Problems of a single request that the next listing may not show: retried with backoff."""


OF_VERIFICATIONS = frozenset({Reason.VERIFYING, Reason.MODEL_REJECTED})
"""Reasons of a tag that is not on its desired model, which is not a failed promotion."""


class ModelTagReconciler:
    """Keeps each tag on the model of its ModelTag."""

    def __init__(
        self,
        state: State,
        clients: Connections,
        statuses: StatusWriter,
        releases: ReleaseProbe,
        stages: Stages,
        record: Record = record_nothing,
        now: Callable[[], str] = utc_now,
    ) -> None:
        self._state = state
        self._clients = clients
        self._statuses = statuses
        self._stages = stages
        self._now = now
        self._tagging = Tagging(state, releases, record, now)

    async def reconcile(self, key: ObjectKey) -> Result:
        """Reconcile one ModelTag."""
        tag = self._state.lister.tags.get(key)
        if tag is None:
            self._tagging.forget(key)
            await self._stages.forget(key)
            return DONE
        if tag.metadata.deletion_timestamp is not None:
            return DONE
        server_key = server_of_tag(tag)
        server = self._state.lister.servers.get(server_key)
        observation = self._state.observations.get(server_key) or ServerObservation()
        if server is not None and self._to_be_recorded(tag, server):
            self._state.enqueue(Kind.MODEL_SERVER, server_key)
            return DONE  # A tag to be deleted later is recorded before it is set; afterwards the ModelTag is enqueued.
        decided = desired_model(tag, circumstances_of(self._state, tag, observation, self._now()))
        connected = await self._connected(tag, server, observation)
        desired, progress = await self._gated(tag, decided, connected, observation)
        before, tag = tag, await self._record_decision(tag, desired, progress)
        tagged = connected if isinstance(connected, Problem) else await self._set(*connected, tag, desired, observation)
        facts = await self._facts(tag, desired, tagged, observation, progress)
        status, conditions = judge(facts, tag, self._now())
        await self._write_status(tag, status, conditions)
        self._notify_action_servers(before, desired)
        return self._result(key, facts, observation)

    async def _record_decision(self, tag: ModelTag, desired: DesiredModel, progress: Progress) -> ModelTag:
        """Record that a model is let through before it gets the tag, and whether it is to be verified afterwards.

        What let it through may have passed by then. Raises ApiError.
        """
        update: dict[str, object] = {}
        if desired.is_decision(tag.status):
            model = reference_to_desired(desired, None, None, ServerObservation())
            update = {"desired_model": model, "candidate_model": None}
        announced, known = live_record(progress), tag.status.verifications or ()
        if announced is not None and announced not in known:
            update["verifications"] = list(progress.records)
        if not update:
            return tag
        return await self._statuses.patch(tag, tag.status.model_copy(update=update)) or tag

    async def _facts(
        self,
        tag: ModelTag,
        desired: DesiredModel,
        tagged: TaggedModel | Problem,
        observation: ServerObservation,
        progress: Progress,
    ) -> ModelTagFacts:
        """Return the facts about the ModelTag after its tag was set."""
        server_key, carrier = server_of_tag(tag), tagged if isinstance(tagged, TaggedModel) else None
        if carrier is not None:
            progress = begun_with_tag(progress, tag.status, carrier, self._now())
        await self._state.index_claims(server_key)
        return ModelTagFacts(
            tag=tag.tag,
            desired=reference_to_desired(desired, tag.status.desired_model, carrier, observation),
            decision=desired,
            answers=observation.problem is None,
            problem=_problem(tagged, desired, progress),
            progress=progress,
            tagged=carrier,
            last=last_model(tag.status),
            followers=tuple(map(follower, self._state.lister.eligible_followers(server_key, tag.tag))),
        )

    def _result(self, key: ObjectKey, facts: ModelTagFacts, observation: ServerObservation) -> Result:
        """Return when to reconcile again without events."""
        problem, waiting = facts.problem, facts.decision.waiting
        if problem is not None and problem.reason is Reason.TAG_CONFLICT:
            return Result(requeue_after=CONFLICT_SECONDS)
        seconds_left = self._tagging.seconds_left(key)
        if seconds_left is not None:
            return Result(requeue_after=seconds_left)
        if facts.progress.requeue_after is not None:
            return Result(requeue_after=facts.progress.requeue_after)
        server_is_well = observation.known and observation.problem is None
        failed = server_is_well and problem is not None and problem.reason in RETRIED
        if failed:
            return Result(failed=True, longest=LONGEST_BACKOFF)
        if waiting is None or waiting.until is None:
            return DONE
        return Result(requeue_after=max(0.0, (waiting.until - datetime.fromisoformat(self._now())).total_seconds()))

    def _to_be_recorded(self, tag: ModelTag, server: ModelServer) -> bool:
        """Return whether the ModelServer has yet to record that the tag is deleted with its ModelTag."""
        if tag.spec.deletion_policy != "Delete" or not self._state.lister.owns(tag):
            return False
        return all(entry.tag != tag.tag for entry in server.status.pending_tag_deletions or ())

    async def _gated(
        self,
        tag: ModelTag,
        desired: DesiredModel,
        connected: tuple[ModelServer, Connection] | Problem,
        observation: ServerObservation,
    ) -> tuple[DesiredModel, Progress]:
        """Return the model that the tag should carry now, and the progress of the verification of the next one.

        A model that waits for its verification, or failed, leaves the tag on the last one. Raises ApiError.
        """
        if isinstance(connected, Problem):
            return await self._stages.check_without_server(tag, desired, observation)
        unable = partial(self._tagging.unable_followers, connected[1], tag, desired.name or "", observation)
        return await self._stages.check(tag, desired, observation, unable)

    async def _connected(
        self, tag: ModelTag, server: ModelServer | None, observation: ServerObservation
    ) -> tuple[ModelServer, Connection] | Problem:
        """Return the model server and its client, or why there is none."""
        server_key = server_of_tag(tag)
        namespace, lister = tag.metadata.namespace, self._state.lister
        found = server or lister.server(server_key)
        if isinstance(found, Problem):
            return found
        refused_here = unusable(found, namespace, lister.labels_of(namespace))
        problem = refused_here or owned_by_older(tag, lister.tag_owner(server_key, tag.tag)) or observation.problem
        if problem is not None:
            return problem
        connection = await self._clients.connect(found)
        return connection if isinstance(connection, Problem) else (found, connection)

    async def _set(
        self,
        server: ModelServer,
        connection: Connection,
        tag: ModelTag,
        desired: DesiredModel,
        observation: ServerObservation,
    ) -> TaggedModel | Problem:
        """Set the tag if necessary; return its model, or why that failed."""
        request = Request(Kind.MODEL_TAG, tag.metadata.key)
        try:
            async with self._state.queue.outside(request, until=in_seconds(PUT_SECONDS)):
                tagged = await self._tagging.ensure(connection, tag, desired, observation)
        except TimeoutError:
            return too_slow(server, PUT_SECONDS)
        if isinstance(tagged, TaggedModel):
            self._tagging.succeeded(tag.metadata.key)
        return tagged

    async def _write_status(self, tag: ModelTag, status: ModelTagStatus, conditions: tuple[Condition, ...]) -> None:
        written = await self._statuses.write(tag, status, conditions)
        if written is None:
            return
        self._count_failure(tag, written)
        for each in self._state.lister.promoted_from(written):
            self._state.enqueue(Kind.MODEL_TAG, each.metadata.key)
        if verifying_model(written.status) != verifying_model(tag.status):
            for environment in self._state.lister.followers(server_of_tag(tag), tag.tag):
                self._state.enqueue(Kind.DEPLOYMENT_ENVIRONMENT, environment.metadata.key)

    def _notify_action_servers(self, tag: ModelTag, desired: DesiredModel) -> None:
        """Enqueue the environments whose actions go with a model that is only now let through."""
        before = tag.status.desired_model
        if tag.action_server_image is None or (before.name if before is not None else None) == desired.name:
            return
        for environment in self._state.lister.followers(server_of_tag(tag), tag.tag):
            self._state.enqueue(Kind.DEPLOYMENT_ENVIRONMENT, environment.metadata.key)

    def _count_failure(self, before: ModelTag, after: ModelTag) -> None:
        known = {(each.hash, each.rejected_time) for each in before.status.rejected or ()}
        if any((each.hash, each.rejected_time) not in known for each in after.status.rejected or ()):
            self._state.promotions.rejected()
        changes = transitions(before.status.conditions, after.status.conditions or ())
        tagged = next((change.after for change in changes if change.after.type == ConditionType.TAGGED), None)
        if tagged is not None and tagged.status == "False" and tagged.reason not in OF_VERIFICATIONS:
            self._state.promotions.failed()


def _problem(tagged: TaggedModel | Problem, desired: DesiredModel, progress: Progress) -> Problem | None:
    """Return why the tag is not on the model that it is to have: what that waits for, if the tag is in order."""
    problem = tagged if isinstance(tagged, Problem) else None
    if problem is None or (desired.name is None and progress.problem is not None):
        return progress.problem
    return problem
