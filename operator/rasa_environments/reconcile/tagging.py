"""Sets a tag on its desired model, and verifies by a pull that the server serves that model under it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.controller.promotions import Move
from rasa_environments.controller.queue import Kind
from rasa_environments.controller.state import State
from rasa_environments.domain.action_servers import following_action_servers, not_ready
from rasa_environments.domain.advice import remedy_of
from rasa_environments.domain.compatibility import incompatible_with
from rasa_environments.domain.desired_model import DesiredModel
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.tags import confirmed, incompatible, untagged
from rasa_environments.judge.events import Record, reference_to, tag_reverted
from rasa_environments.rasa.errors import EnvironmentNeededError, RasaError, UnknownModelError
from rasa_environments.reconcile.model_server import observed
from rasa_environments.reconcile.ports import Connection
from rasa_environments.reconcile.problems import problem_of
from rasa_environments.reconcile.running_releases import ReleaseProbe
from rasa_environments.reconcile.tag_writes import TagWrite, TagWrites

logger = logging.getLogger(__name__)

ASKS_PRODUCTION = (
    "Rasa X asks the production environment first; see that it is registered, answers, and can load the model"
)
"""Why Rasa X may refuse a tag on a model that it lists."""


@dataclass(frozen=True)
class Verified:
    """A tag that was pulled from a server, and its model."""

    connection: Connection
    tag: str
    model: TaggedModel

    def is_of(self, connection: Connection, tag: str, model: str) -> bool:
        """Return whether it is this tag of that server, on that model."""
        return (self.connection, self.tag, self.model.name) == (connection, tag, model)


class Tagging:
    """Sets tags on model servers; remembers which were verified, and which writes failed."""

    def __init__(self, state: State, releases: ReleaseProbe, record: Record, now: Callable[[], str]) -> None:
        self._state = state
        self._releases = releases
        self._record = record
        self._now = now
        self._verified: dict[ObjectKey, Verified] = {}
        self._writes = TagWrites()

    def forget(self, key: ObjectKey) -> None:
        """Discard what is known of a ModelTag that is gone."""
        self._verified.pop(key, None)
        self._writes.forget(key)

    def succeeded(self, key: ObjectKey) -> None:
        """Discard a failed write, since the tag is on its model."""
        self._writes.forget(key)

    def seconds_left(self, key: ObjectKey) -> float | None:
        """Return in how many seconds a failed write may be retried; None if there is nothing to wait for."""
        return self._writes.seconds_left(key)

    async def ensure(
        self, connection: Connection, tag: ModelTag, desired: DesiredModel, observation: ServerObservation
    ) -> TaggedModel | Problem:
        """Return the model with the tag, after setting it on the desired one if necessary, or why that failed.

        Without a desired model the tag is left where it is. Nothing is requested while the last answer is still valid.
        """
        tagged, model = observation.tags.get(tag.tag), desired.name
        if model is None:
            return tagged if tagged is not None else untagged(tag, desired.waiting)
        listed = observation.models.get(model)
        if listed is not None and not listed.compatible:
            return incompatible(listed)
        if tagged is None or tagged.name != model:
            return await self._put(connection, tag, model, tagged, observation)
        if self._verified.get(tag.metadata.key) == Verified(connection, tag.tag, tagged):
            return tagged
        try:
            return await self._verify(connection, tag, model, listed)
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
            if accepted or (last is not None and last.is_of(connection, tag.tag, model)):
                result = await self._verify(connection, tag, model, listed)
            if not isinstance(result, TaggedModel):
                unable = await self.unable_followers(connection, tag, model, observation)
                unready = unable or self._unready_action_server(tag, model)
                unready = unready or await _replaced_since(connection, tag, listed)
                if unready is not None:
                    return unready
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

    async def unable_followers(
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

    def _unready_action_server(self, tag: ModelTag, model: str) -> Problem | None:
        """Return why the tag may not move yet: an environment that pulls it does not run the actions of the model."""
        server_key, lister = server_of_tag(tag), self._state.lister
        server = lister.servers.get(server_key)
        if server is None or tag.action_server_image is None:
            return None
        followers = lister.eligible_followers(server_key, tag.tag)
        return not_ready(tag, model, following_action_servers(tag, server, followers))

    def _record_move(self, tag: ModelTag, model: str, tagged: TaggedModel | None) -> None:
        """Count and log that the tag was moved; a correction, which no status shows, is recorded as an Event."""
        move = self._state.promotions.moved(tag, model)
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
            event = tag_reverted(tag, model, elsewhere, time=self._now(), server=server_of_tag(tag))
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


async def _replaced_since(connection: Connection, tag: ModelTag, verified: TaggedModel | None) -> Problem | None:
    """Return that the content of a verified model was replaced since the server was last listed. Raises RasaError."""
    if tag.spec.verification is None or verified is None:
        return None
    listed = observed(await connection.models()).models.get(verified.name)
    if listed is not None and listed.hash == verified.hash:
        return None
    return Problem(
        Reason.HASH_MISMATCH,
        f"the content of model {verified.name} was replaced, or the model deleted, since it was verified: it is "
        "verified again once the model server is listed",
        stalled=False,
    )


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
