"""The reconciler of ModelTags: sets the tag on its model, verifies it, and corrects it when it drifts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.controller.promotions import Move
from rasa_environments.controller.queue import DONE, Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.domain.access import unusable
from rasa_environments.domain.advice import problem_of, remedy_of
from rasa_environments.domain.compatibility import incompatible_with
from rasa_environments.domain.conflicts import CONFLICT_SECONDS
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.tags import confirmed, incompatible, owned_by_older, untagged
from rasa_environments.judge.events import Record, record_nothing, reference_to, tag_reverted
from rasa_environments.judge.model_tag import ModelTagFacts, follower, judge, last_model
from rasa_environments.judge.transitions import transitions
from rasa_environments.rasa.errors import EnvironmentNeededError, RasaError, UnknownModelError
from rasa_environments.reconcile.clock import in_seconds, utc_now
from rasa_environments.reconcile.model_server import LONGEST_BACKOFF, observed, too_slow
from rasa_environments.reconcile.ports import Connection, Connections, StatusWriter
from rasa_environments.reconcile.running_releases import ReleaseProbe
from rasa_environments.reconcile.tag_writes import TagWrite, TagWrites

logger = logging.getLogger(__name__)

PUT_SECONDS = 60.0
"""Seconds to set a tag and pull it once."""

ASKS_PRODUCTION = (
    "Rasa X asks the production environment first; see that it is registered, answers, and can load the model"
)
"""Why Rasa X may refuse a tag on a model that it lists."""

RETRIED = frozenset({Reason.MODEL_SERVER_UNREACHABLE, Reason.UNEXPECTED_ANSWER})
"""Problems of a single request that the next listing may not show: retried with backoff."""


@dataclass(frozen=True)
class Verified:
    """A tag that was pulled from a server, and its model."""

    connection: Connection
    tag: str
    model: TaggedModel

    def is_of(self, connection: Connection, tag: ModelTag) -> bool:
        """Return whether it is what the ModelTag requires of that server."""
        return (self.connection, self.tag, self.model.name) == (connection, tag.tag, tag.spec.model)


class ModelTagReconciler:
    """Keeps each tag on the model of its ModelTag."""

    def __init__(
        self,
        state: State,
        clients: Connections,
        statuses: StatusWriter,
        releases: ReleaseProbe,
        record: Record = record_nothing,
        now: Callable[[], str] = utc_now,
    ) -> None:
        self._state = state
        self._clients = clients
        self._statuses = statuses
        self._releases = releases
        self._record = record
        self._now = now
        self._verified: dict[ObjectKey, Verified] = {}
        self._writes = TagWrites()

    async def reconcile(self, key: ObjectKey) -> Result:
        """Reconcile one ModelTag."""
        lister = self._state.lister
        tag = lister.tags.get(key)
        if tag is None:
            self._verified.pop(key, None)
            self._writes.forget(key)
            return DONE
        if tag.metadata.deletion_timestamp is not None:
            return DONE
        server_key = server_of_tag(tag)
        server = lister.servers.get(server_key)
        observation = self._state.observations.get(server_key)
        if server is not None and self._to_be_recorded(tag, server):
            self._state.enqueue(Kind.MODEL_SERVER, server_key)
            return DONE  # A tag to be deleted later is recorded before it is set; afterwards the ModelTag is enqueued.
        tagged = await self._tagged(tag, server, observation or ServerObservation())
        if isinstance(tagged, TaggedModel):
            self._writes.forget(key)
        await self._state.index_claims(server_key)
        facts = ModelTagFacts(
            tag=tag.tag,
            model=tag.spec.model,
            answers=observation is None or observation.problem is None,
            problem=tagged if isinstance(tagged, Problem) else None,
            tagged=tagged if isinstance(tagged, TaggedModel) else None,
            last=last_model(tag.status),
            followers=tuple(map(follower, lister.eligible_followers(server_key, tag.tag))),
        )
        status, conditions = judge(facts, tag, self._now())
        await self._write_status(tag, status, conditions)
        return self._result(key, facts.problem, observation)

    def _result(self, key: ObjectKey, problem: Problem | None, observation: ServerObservation | None) -> Result:
        """Return when to reconcile again without events."""
        if problem is not None and problem.reason is Reason.TAG_CONFLICT:
            return Result(requeue_after=CONFLICT_SECONDS)
        seconds_left = self._writes.seconds_left(key)
        if seconds_left is not None:
            return Result(requeue_after=seconds_left)
        server_is_well = observation is not None and observation.problem is None
        failed = server_is_well and problem is not None and problem.reason in RETRIED
        return Result(failed=failed, longest=LONGEST_BACKOFF) if failed else DONE

    def _to_be_recorded(self, tag: ModelTag, server: ModelServer) -> bool:
        """Return whether the ModelServer has yet to record that the tag is deleted with its ModelTag."""
        if tag.spec.deletion_policy != "Delete" or not self._state.lister.owns(tag):
            return False
        return all(entry.tag != tag.tag for entry in server.status.pending_tag_deletions or ())

    async def _tagged(
        self, tag: ModelTag, server: ModelServer | None, observation: ServerObservation
    ) -> TaggedModel | Problem:
        """Return the model with the tag, after setting it if necessary, or why that failed."""
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
        if isinstance(connection, Problem):
            return connection
        request = Request(Kind.MODEL_TAG, tag.metadata.key)
        try:
            async with self._state.queue.outside(request, until=in_seconds(PUT_SECONDS)):
                return await self._ask(connection, tag, observation)
        except TimeoutError:
            return too_slow(found, PUT_SECONDS)

    async def _ask(
        self, connection: Connection, tag: ModelTag, observation: ServerObservation
    ) -> TaggedModel | Problem:
        """Return the server's answer; nothing is requested while the last answer is still valid."""
        tagged = observation.tags.get(tag.tag)
        if tag.spec.model is None:
            return tagged if tagged is not None else untagged(tag)
        listed = observation.models.get(tag.spec.model)
        if listed is not None and not listed.compatible:
            return incompatible(listed)
        if tagged is None or tagged.name != tag.spec.model:
            return await self._put(connection, tag, tag.spec.model, tagged, observation)
        if self._verified.get(tag.metadata.key) == Verified(connection, tag.tag, tagged):
            return tagged
        try:
            return await self._verify(connection, tag, tag.spec.model, listed)
        except RasaError as error:
            return refused(tag, error, listed)

    async def _put(
        self,
        connection: Connection,
        tag: ModelTag,
        model: str,
        tagged: TaggedModel | None,
        observation: ServerObservation,
    ) -> TaggedModel | Problem:
        """Set the tag and verify it, since a successful response proves nothing.

        If the tag was there before, or was set without being verified, a pull decides, rather than the listing.
        """
        key, listed = tag.metadata.key, observation.models.get(model)
        write = TagWrite(connection, tag.tag, model, listed)
        postponed = self._writes.postponed(key, write)
        if postponed is not None:
            return postponed
        last = self._verified.get(key)
        accepted = moved = self._writes.was_accepted(key, write)
        result: TaggedModel | Problem | None = None
        try:
            if accepted or (last is not None and last.is_of(connection, tag)):
                result = await self._verify(connection, tag, model, listed)
            if not isinstance(result, TaggedModel):
                unable = await self._unable_followers(connection, tag, model, observation)
                if unable is not None:
                    return unable
                moved, accepted = True, False
                await connection.put_tag(model, tag.tag)
                accepted = True
                result = await self._verify(connection, tag, model, listed)
                accepted = False
        except RasaError as error:
            asks = isinstance(error, UnknownModelError) and listed is not None
            result = refused(tag, error, listed, await connection.needs() if asks else None)
        if isinstance(result, Problem):
            self._writes.failed(key, write, result, accepted=accepted)
        elif moved:
            self._record_move(tag, model, tagged)
        return result

    async def _unable_followers(
        self, connection: Connection, tag: ModelTag, model: str, observation: ServerObservation
    ) -> Problem | None:
        """Return why the tag may not move: an environment that pulls it cannot load the model, unless that is allowed.

        Nothing is known about a model whose version the server does not list.
        """
        server_key, lister = server_of_tag(tag), self._state.lister
        await self._state.index_claims(server_key)
        followers = lister.eligible_followers(server_key, tag.tag)
        if not followers or tag.spec.allow_incompatible_model == model:
            return None
        listed = observation.models.get(model)
        if listed is None and observation.lists:  # It may have been uploaded since the last listing.
            listed = observed(await connection.models()).models.get(model)
        if listed is None or listed.version is None:
            return None
        running = await self._releases.ask(followers, listed.version)
        return incompatible_with(listed, running, tag.metadata.key)

    def _record_move(self, tag: ModelTag, model: str, tagged: TaggedModel | None) -> None:
        """Count and log that the tag was moved; a correction, which no status shows, is recorded as an Event."""
        move = self._state.promotions.moved(tag)
        came_from = f"taken from {tagged.name}" if tagged else "on no model before"
        fields = {
            "result": move.value,
            "tag": tag.tag,
            "model": model,
            "takenFrom": tagged.name if tagged else None,
            "promotedBy": tag.promoted_by,
        }
        logger.info("tag %s is on model %s, %s", tag.tag, model, came_from, extra={"fields": fields})
        if move is Move.PUT_BACK:
            elsewhere = tagged.name if tagged else None
            event = tag_reverted(tag, elsewhere, time=self._now(), server=server_of_tag(tag))
            self._record(reference_to(tag), (event,))

    async def _verify(
        self, connection: Connection, tag: ModelTag, model: str, listed: TaggedModel | None
    ) -> TaggedModel | Problem:
        """Pull the tag as a Rasa server would, and compare the hash."""
        answer = await connection.tag(tag.tag)
        pulled = None if answer is None else TaggedModel(answer.model, answer.hash)
        tagged = confirmed(tag, model, listed, pulled)
        if isinstance(tagged, Problem):
            return tagged
        server_key = server_of_tag(tag)
        self._verified[tag.metadata.key] = Verified(connection, tag.tag, tagged)
        self._state.observations.tag_written(server_key, tag.tag, tagged)
        for environment in self._state.lister.followers(server_key, tag.tag):
            desired = environment.status.desired_model
            if desired is None or desired.hash != tagged.hash:
                self._state.enqueue(Kind.DEPLOYMENT_ENVIRONMENT, environment.metadata.key)
        return tagged

    async def _write_status(self, tag: ModelTag, status: ModelTagStatus, conditions: tuple[Condition, ...]) -> None:
        written = await self._statuses.write(tag, status, conditions)
        if written is not None:
            self._count_failure(tag, written)

    def _count_failure(self, before: ModelTag, after: ModelTag) -> None:
        changes = transitions(before.status.conditions, after.status.conditions or ())
        if any(change.after.type == ConditionType.TAGGED and change.after.status == "False" for change in changes):
            self._state.promotions.failed()


def refused(
    tag: ModelTag, error: RasaError, listed: TaggedModel | None, needed: EnvironmentNeededError | None = None
) -> Problem:
    """Return why the tag was not set; Rasa X also answers 404 for a listed model while production does not answer.

    `needed` names the environment that Rasa X is known to be missing.
    """
    if not isinstance(error, UnknownModelError) or listed is None:
        return problem_of(error)
    why = ASKS_PRODUCTION if needed is None else f"{needed.problem}; {remedy_of(needed)}"
    said = error.said or error.status
    return Problem(
        Reason.TAG_REFUSED,
        f"the model server has model {listed.name}, and does not let it carry tag {tag.tag} ({said}): {why}",
        stalled=False,
    )
