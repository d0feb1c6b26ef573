"""The reconciler of ModelServers: checks each once per interval for all its tags."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import replace

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer, PendingTagDeletion
from rasa_environments.controller.queue import DONE, Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.newest_model import is_outdated
from rasa_environments.domain.tags import changed_tags, is_as_reported
from rasa_environments.judge.model_server import ModelServerFacts, judge, pending_deletions
from rasa_environments.rasa.errors import NoListingError, RasaError, UnauthorizedError, UnexpectedAnswerError
from rasa_environments.rasa.listing import Model
from rasa_environments.reconcile.clock import in_seconds
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.model_identities import ModelIdentities
from rasa_environments.reconcile.orphaned_tags import RECHECK_SECONDS, OrphanedTags
from rasa_environments.reconcile.ports import Connection, Connections, StatusWriter
from rasa_environments.reconcile.problems import problem_of
from rasa_environments.reconcile.registration.registrar import Outcome, Registrar

OBSERVE_SECONDS = 60.0
"""Seconds for all requests of a check: the listing, or each tag individually, the version, and the write
credentials."""
IDENTIFY_SECONDS = 60.0
"""Seconds for the model files that a check reads; the next one reads the rest, and those that took longer."""

SAME_WORDS_SECONDS = 60.0
"""Seconds for which a problem keeps its words: those of a server that is away may differ from one check to the next,
and each change would be written into the statuses of all its tags and environments."""

LONGEST_BACKOFF = 5.0
"""Maximum seconds between two checks of a failing server, so that its return is noticed soon."""


class ModelServerReconciler:
    """Keeps the observation of each ModelServer up to date, and notifies the dependents of changes."""

    def __init__(
        self,
        state: State,
        clients: Connections,
        statuses: StatusWriter,
        registrar: Registrar,
        orphans: OrphanedTags,
        intervals: Intervals,
    ) -> None:
        self._state = state
        self._clients = clients
        self._statuses = statuses
        self._registrar = registrar
        self._orphans = orphans
        self._intervals = intervals
        self._identities = ModelIdentities()
        self._worded: dict[ObjectKey, float] = {}
        """When the problem of each server got its words (time of the event loop)."""

    async def reconcile(self, key: ObjectKey) -> Result:
        """Check one ModelServer."""
        state = self._state
        server = state.lister.servers.get(key)
        if server is None:
            await self._clients.forget(key)
            state.observations.forget(key)
            self._orphans.forget(key)
            self._identities.forget(key)
            self._worded.pop(key, None)
            state.references.set(Request(Kind.MODEL_SERVER, key), ())
            self._notify_all(key)
            return DONE
        before = state.observations.get(key)
        state.observations.listing_begins(key)
        observation = state.observations.listed(key, await self._observe(server, before))
        orphans = await self._orphans.delete(server, observation)
        outcome = await self._registrar.register(server, observation)
        server = state.lister.servers.get(key) or server
        await self._write_status(server, observation, orphans.done, outcome)
        self._notify(key, before, state.observations.get(key) or observation)
        await self._identify(server, observation)
        if observation.problem is not None or observation.write_problem is not None:
            return Result(failed=True, longest=LONGEST_BACKOFF)
        if orphans.recheck:
            return Result(requeue_after=RECHECK_SECONDS)
        return Result(requeue_after=self._intervals.model_server * random.uniform(0.9, 1.1))  # noqa: S311

    async def _observe(self, server: ModelServer, before: ServerObservation | None) -> ServerObservation:
        last = before or ServerObservation()
        connection = await self._clients.connect(server)
        if isinstance(connection, Problem):
            return replace(last, problem=connection)
        changed = self._clients.changed(server.metadata.key)
        fresh = changed or not last.known or last.problem is not None or last.write_problem is not None
        request = Request(Kind.MODEL_SERVER, server.metadata.key)
        try:
            async with self._state.queue.outside(request, until=in_seconds(OBSERVE_SECONDS)):
                observation = await self._tags(connection, server)
                version = await connection.version() if fresh else last.version
                check = fresh and observation.lists  # Without a listing, only writing a tag validates them.
                write_problem = await self._write_problem(connection, server) if check else None
        except RasaError as error:
            return self._with_problem(server, last, problem_of(error), changed=changed)
        except TimeoutError:
            return self._with_problem(server, last, too_slow(server, OBSERVE_SECONDS), changed=changed)
        return replace(observation, version=version, write_problem=write_problem)

    def _with_problem(
        self, server: ModelServer, last: ServerObservation, problem: Problem, *, changed: bool
    ) -> ServerObservation:
        """Return the last observation with the problem, in the words of before if the same one was told just now."""
        key, now, before = server.metadata.key, asyncio.get_running_loop().time(), last.problem
        is_same = before is not None and (before.reason, before.stalled) == (problem.reason, problem.stalled)
        if is_same and not changed and now - self._worded.get(key, -math.inf) < SAME_WORDS_SECONDS:
            return last
        self._worded[key] = now
        return replace(last, problem=problem)

    async def _tags(self, connection: Connection, server: ModelServer) -> ServerObservation:
        """Return the tagged models: from one listing or, if a server of spec.modelPath has none, tag by tag."""
        try:
            return observed(await connection.models())
        except NoListingError as none:
            if server.spec.model_path is None:
                raise
            unlisted = none
        lister, key = self._state.lister, server.metadata.key
        followed = {environment.tag for environment in lister.environments_of(key)}
        recorded = {entry.tag for entry in server.status.pending_tag_deletions or ()}
        tags = sorted(recorded | followed | {model_tag.tag for model_tag in lister.tags_of(key)})
        tagged, problems = await pulled(connection, tags)
        if not tags and isinstance(unlisted.cause, UnauthorizedError):
            raise unlisted
        identified = {tag: self._identities.identified(key, tag, model) for tag, model in tagged.items()}
        models = {model.name: model for model in identified.values()}
        return ServerObservation(models, identified, known=True, lists=False, tag_problems=problems)

    async def _identify(self, server: ModelServer, observation: ServerObservation) -> None:
        """Read the files of tags whose models have no names, and notify the environments that follow these tags."""
        connection = await self._clients.connect(server)
        if observation.lists or observation.problem is not None or isinstance(connection, Problem):
            return
        state, key = self._state, server.metadata.key

        def notify(tag: str, model: TaggedModel) -> None:
            state.observations.tag_written(key, tag, model)
            for environment in state.lister.followers(key, tag):
                state.enqueue(Kind.DEPLOYMENT_ENVIRONMENT, environment.metadata.key)

        async with state.queue.outside(Request(Kind.MODEL_SERVER, key)):
            await self._identities.read(
                key, connection, observation.tags.items(), notify, until=in_seconds(IDENTIFY_SECONDS)
            )

    async def _write_problem(self, connection: Connection, server: ModelServer) -> Problem | None:
        """Return why the write credentials, if any, are rejected; pulls are not affected by that."""
        if not self._clients.can_write(server.metadata.key):
            return None
        try:
            await connection.check_write()
        except RasaError as error:
            return problem_of(error)
        return None

    async def _write_status(
        self, server: ModelServer, observation: ServerObservation, done: frozenset[str], outcome: Outcome | None
    ) -> None:
        state, key = self._state, server.metadata.key
        tags = state.lister.tags_of(key)
        owned = [tag for tag in tags if tag.spec.deletion_policy == "Delete" and state.lister.owns(tag)]
        released = {tag.tag for tag in tags}  # tags of these ModelTags that are not claimed are to stay
        claims = [
            PendingTagDeletion(tag=tag.tag, namespace=tag.metadata.namespace, name=tag.metadata.name) for tag in owned
        ]
        facts = ModelServerFacts(
            observation=observation,
            can_write=self._clients.can_write(key),
            environments=len(state.lister.environments_of(key)),
            tags=len(tags),
            pending_tag_deletions=pending_deletions(claims, server.status.pending_tag_deletions or (), done | released),
            registration=outcome.summary if outcome else None,
            registered=tuple(sorted(outcome.registered)) if outcome else (),
        )
        status, conditions = judge(facts, server)
        if await self._statuses.write(server, status, conditions) is None:
            return
        recorded = {entry.tag for entry in server.status.pending_tag_deletions or ()}
        for tag in owned:
            if tag.tag not in recorded:
                state.enqueue(Kind.MODEL_TAG, tag.metadata.key)

    def _notify(self, key: ObjectKey, before: ServerObservation | None, now: ServerObservation) -> None:
        """Enqueue the dependents of the observation: all if the server's health changed, else those of moved tags."""
        if before is None or before.problem != now.problem:
            self._notify_all(key)
            return
        state, lister = self._state, self._state.lister
        for tag in changed_tags(before, now):
            for environment in lister.followers(key, tag):
                state.enqueue(Kind.DEPLOYMENT_ENVIRONMENT, environment.metadata.key)
        for model_tag in lister.tags_of(key):
            tagged = now.tags.get(model_tag.tag)
            if tagged is None or not is_as_reported(model_tag, tagged) or is_outdated(model_tag, now):
                state.enqueue(Kind.MODEL_TAG, model_tag.metadata.key)

    def _notify_all(self, key: ObjectKey) -> None:
        state, lister = self._state, self._state.lister
        for model_tag in lister.tags_of(key):
            state.enqueue(Kind.MODEL_TAG, model_tag.metadata.key)
        for environment in lister.environments_of(key):
            state.enqueue(Kind.DEPLOYMENT_ENVIRONMENT, environment.metadata.key)


async def pulled(connection: Connection, tags: Sequence[str]) -> tuple[dict[str, TaggedModel], dict[str, Problem]]:
    """Return the model of each tag, and the problems of tags whose model is unknown.

    Raises RasaError if the server cannot be asked at all, or answers no tag correctly.
    """
    tagged: dict[str, TaggedModel] = {}
    problems: dict[str, RasaError] = {}
    for tag in tags:
        try:
            answer = await connection.tag(tag)
        except (UnexpectedAnswerError, UnauthorizedError) as error:
            problems[tag] = error
        else:
            if answer is not None:
                tagged[tag] = TaggedModel(answer.model, answer.hash)
    if problems and len(problems) == len(tags):
        raise next(iter(problems.values()))
    return tagged, {tag: problem_of(error) for tag, error in problems.items()}


def too_slow(server: ModelServer, seconds: float) -> Problem:
    """Return the problem that the server does not answer all requests in time."""
    return Problem(
        Reason.MODEL_SERVER_UNREACHABLE,
        f"the model server did not answer all questions within {seconds:.0f} s; check its load, and `url` of "
        f"ModelServer {server.metadata.key}",
        stalled=False,
    )


def listed(model: Model) -> TaggedModel:
    """Return the facts about a model in the listing."""
    return TaggedModel(
        model.name,
        model.hash,
        trained_at=model.trained_at,
        version=model.version,
        compatible=model.is_compatible is not False,
        model_id=model.model_id,
        uploaded_at=model.uploaded_at,
    )


def observed(models: tuple[Model, ...]) -> ServerObservation:
    """Return the observation from a listing."""
    tagged = {model.name: listed(model) for model in models}
    tags = {tag: tagged[model.name] for model in models for tag in model.tags}
    return ServerObservation(models=tagged, tags=tags, known=True)
