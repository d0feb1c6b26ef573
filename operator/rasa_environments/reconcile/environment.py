"""A DeploymentEnvironment: its children as they should be, and a status that tells the truth."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentSpec, EnvironmentStatus
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cluster.children import Outcome
from rasa_environments.cluster.errors import ApiError, BeingDeleted, NameTaken
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, DEPLOYMENTS, SECRETS, resource_of
from rasa_environments.desired.context import MODEL_HASH_ANNOTATION, Context, child_key
from rasa_environments.desired.environment import OPTIONAL_KINDS, children
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.desired.secret_variables import TOKEN_VARIABLE
from rasa_environments.judge.conditions import is_true
from rasa_environments.judge.environment import EnvironmentFindings, judged, suspended
from rasa_environments.judge.findings import Problem, ServerObservation, TaggedModel, deployment_facts
from rasa_environments.reconcile.directory import server_of_environment
from rasa_environments.reconcile.queue import DONE, Kind, Request, Result
from rasa_environments.reconcile.secret_values import SecretValues, gathered, secrets_of, wanted_variables
from rasa_environments.reconcile.served import ServedModels
from rasa_environments.reconcile.server_access import missing, unusable
from rasa_environments.reconcile.status import write_status
from rasa_environments.reconcile.surroundings import Surroundings

logger = logging.getLogger(__name__)

REFUSALS = frozenset({400, 403, 404, 413, 422})
"""Answers of the API server that the next try would get again: what is asked for has to change, a right or a quota."""
RETRIED = frozenset({Reason.REFUSED_BY_API_SERVER, Reason.NAME_TAKEN, Reason.WAITING_FOR_DELETION})
"""Problems whose end nobody announces: looked at again, ever more rarely."""
FOUNDATIONS = frozenset({"ServiceAccount", "Secret", "ConfigMap", "Service"})
"""Kinds that the pods need: without them nothing else is written."""


class Blocked(Exception):
    """The pass cannot go on: the problem says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class EnvironmentReconciler:
    """Brings each environment's children into line and writes its status."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._served = ServedModels(surroundings.http, surroundings.intervals)
        self._settled: dict[ObjectKey, tuple[str, SecretValues]] = {}

    async def reconcile(self, key: ObjectKey) -> Result:
        """One pass over one environment."""
        environment = self._surroundings.directory.environments.get(key)
        if environment is None:
            self._forget(key)
            return DONE
        if environment.metadata.deletion_timestamp is not None:
            return DONE
        if environment.spec.suspend:
            await self._write_status(environment, environment.status, suspended(environment.status))
            return DONE
        server = self._surroundings.directory.servers.get(server_of_environment(environment))
        if server is not None and self._surroundings.observations.get(server.metadata.key) is None:
            return DONE  # The ModelServer's first check queues its environments.
        findings, again = await self._look(environment, server)
        status, conditions = judged(findings, environment.status)
        await self._write_status(environment, status, conditions)
        if findings.problem is not None and findings.problem.reason in RETRIED:
            return Result(failed=True)
        return Result(again_after=again)

    async def _look(
        self, environment: DeploymentEnvironment, server: ModelServer | None
    ) -> tuple[EnvironmentFindings, float | None]:
        """What there is, after everything was done that can be done; and in how many seconds to look again."""
        key = environment.metadata.key
        wanted, tag_problem = wanted_model(environment, server, self._observation(server))
        findings = EnvironmentFindings(
            environment=environment.environment,
            tag=environment.tag,
            child=child_key(key),
            server=server_of_environment(environment),
            wanted=wanted,
            tag_problem=tag_problem,
        )
        try:
            context = await self._context(environment, server, wanted)
        except Blocked as blocked:
            return self._observed(findings, key, blocked.problem), None
        findings = replace(
            findings,
            url=context.url,
            token_rotated_at=context.token_rotated_at,
            model_required=context.model_required,
            replicas_without_shared_stores=replicas_without_shared_stores(context.spec),
            selector=",".join(f"{label}={value}" for label, value in context.selector.items()),
        )
        try:
            await self._settle(context)
        except Blocked as blocked:
            return self._observed(findings, key, blocked.problem), None
        findings = self._observed(findings, key, None)
        if findings.deployment is None or not findings.deployment.available_at_generation:
            return findings, None
        token = context.secret_values[TOKEN_VARIABLE]
        served, again = await self._served.ask(
            key, findings.pods, wanted=wanted.name if wanted else None, port=context.port, token=token
        )
        return replace(findings, served=served), again

    async def _context(
        self, environment: DeploymentEnvironment, server: ModelServer | None, wanted: TaggedModel | None
    ) -> Context:
        """Everything that the children are made from. Raises Blocked where something is missing or wrong."""
        directory, key = self._surroundings.directory, environment.metadata.key
        request = Request(Kind.DEPLOYMENT_ENVIRONMENT, key)
        server = usable(server, environment)
        rival = directory.rival(environment)
        if rival is not None:
            raise Blocked(conflict(environment, rival))
        try:
            spec = merged_spec(environment, server)
            variables = wanted_variables(server, spec)
        except SpecError as error:
            raise Blocked(Problem(Reason.INVALID_SPEC, str(error))) from error
        self._surroundings.references.set(request, secrets_of(variables, server))
        own = self._surroundings.children.observed(SECRETS, child_key(key))
        uid, settled = self._settled.get(key, ("", None))
        values = await gathered(
            self._surroundings.secrets,
            environment,
            server,
            variables,
            own=own,
            settled=settled if uid == environment.metadata.uid else None,
        )
        if isinstance(values, Problem):
            raise Blocked(values)
        self._settled[key] = (environment.metadata.uid, values)
        return Context(
            environment=environment,
            server=server,
            spec=spec,
            secret_values=values.values,
            token_rotated_at=values.token_rotated_at,
            model_hash=wanted.hash if wanted else self._rolled_for(key),
        )

    async def _settle(self, context: Context) -> None:
        """Brings the children into line, first what the pods need. Raises Blocked at what is in the way."""
        try:
            objects = children(context)
        except SpecError as error:
            raise Blocked(Problem(Reason.INVALID_SPEC, str(error))) from error
        foundations = [child for child in objects if child["kind"] in FOUNDATIONS]
        others = [child for child in objects if child["kind"] not in FOUNDATIONS]
        for group in (foundations, others):
            problems = await asyncio.gather(*(self._settle_child(child) for child in group))
            problem = next((found for found in problems if found is not None), None)
            if problem is not None:
                raise Blocked(problem)
        wanted = {child["kind"] for child in objects}
        uid = context.environment.metadata.uid
        for kind in OPTIONAL_KINDS:
            if kind not in wanted:
                await self._surroundings.children.remove(resource_of(kind), context.key, uid)

    async def _settle_child(self, child: JsonObject) -> Problem | None:
        kind, name = child["kind"], f"{child['metadata']['namespace']}/{child['metadata']['name']}"
        try:
            outcome = await self._surroundings.children.settle(child)
        except BeingDeleted as error:
            return Problem(Reason.WAITING_FOR_DELETION, str(error), stalled=False)
        except NameTaken as error:
            return Problem(
                Reason.NAME_TAKEN,
                f"{kind} {name} is there already and {described_owner(error.owner)}: "
                "delete or rename it, or name this environment otherwise",
            )
        except ApiError as error:
            if error.status in REFUSALS:
                return Problem(Reason.REFUSED_BY_API_SERVER, f"{kind} {name} is refused: {error.message}")
            raise
        if outcome is not Outcome.UNCHANGED:
            logger.info("%s %s is %s", kind, name, outcome.value)
        return None

    def _observed(self, findings: EnvironmentFindings, key: ObjectKey, problem: Problem | None) -> EnvironmentFindings:
        deployment = self._surroundings.children.observed(DEPLOYMENTS, child_key(key))
        return replace(
            findings,
            problem=problem,
            deployment=None if deployment is None else deployment_facts(deployment),
            pods=self._surroundings.pods.of(key),
        )

    def _observation(self, server: ModelServer | None) -> ServerObservation:
        found = self._surroundings.observations.get(server.metadata.key) if server is not None else None
        return found or ServerObservation()

    def _rolled_for(self, key: ObjectKey) -> str | None:
        """The model that the pods were rolled for last: kept while the server cannot say which one is wanted."""
        deployment = self._surroundings.children.observed(DEPLOYMENTS, child_key(key))
        if deployment is None:
            return None
        annotations: dict[str, str] = deployment["spec"]["template"]["metadata"].get("annotations") or {}
        return annotations.get(MODEL_HASH_ANNOTATION)

    async def _write_status(
        self, environment: DeploymentEnvironment, status: EnvironmentStatus, conditions: tuple[Condition, ...]
    ) -> None:
        surroundings = self._surroundings
        written = await write_status(
            surroundings.client,
            DEPLOYMENT_ENVIRONMENTS,
            environment.metadata,
            environment.status,
            status,
            conditions,
            surroundings.now(),
        )
        if written is not None:
            current = DeploymentEnvironment.model_validate(written)
            surroundings.directory.environments.refresh(current)
            self._tell_tag(current)

    def _tell_tag(self, environment: DeploymentEnvironment) -> None:
        """Queues the ModelTag that the environment follows; of one that is only coming up it is told when it is up."""
        key, starting = environment.metadata.key, is_true(environment.status.conditions, ConditionType.RECONCILING)
        for tag in self._surroundings.directory.claims(server_of_environment(environment), environment.tag):
            listed = {ObjectKey(follower.namespace, follower.name) for follower in tag.status.environments or ()}
            if key in listed or not starting:
                self._surroundings.queue.add(Request(Kind.MODEL_TAG, tag.metadata.key))

    def _forget(self, key: ObjectKey) -> None:
        self._served.forget(key)
        self._settled.pop(key, None)
        self._surroundings.references.set(Request(Kind.DEPLOYMENT_ENVIRONMENT, key), ())


def usable(server: ModelServer | None, environment: DeploymentEnvironment) -> ModelServer:
    """The server, if it is there and lets the environment's namespace use it; raises Blocked otherwise."""
    key = server_of_environment(environment)
    problem = unusable(server, key, environment.metadata.namespace)
    if problem is not None or server is None:
        raise Blocked(problem or missing(key))
    return server


def wanted_model(
    environment: DeploymentEnvironment, server: ModelServer | None, observation: ServerObservation
) -> tuple[TaggedModel | None, Problem | None]:
    """The model that carries the environment's tag: the last known, with the problem, where the server cannot say."""
    last = environment.status.model
    remembered = TaggedModel(last.wanted, last.wanted_hash) if last and last.wanted and last.wanted_hash else None
    key = server_of_environment(environment)
    problem = unusable(server, key, environment.metadata.namespace) or observation.problem
    if problem is None:
        return observation.tags.get(environment.tag), None
    return (observation.tags.get(environment.tag) if observation.known else remembered), problem


def conflict(environment: DeploymentEnvironment, rival: DeploymentEnvironment) -> Problem:
    """An older environment has the name, or the tag, already."""
    if rival.environment == environment.environment:
        return Problem(
            Reason.ENVIRONMENT_CONFLICT,
            f"RASA_ENVIRONMENT {environment.environment} is taken by environment {rival.metadata.key} "
            "on the same ModelServer: delete one of the two, or create this one with another spec.environment",
        )
    return Problem(
        Reason.TAG_CONFLICT,
        f"tag {environment.tag} is pulled by environment {rival.metadata.key} on the same ModelServer: "
        "each environment has a tag of its own, and a model may carry several; set another spec.tag",
    )


def replicas_without_shared_stores(spec: EnvironmentSpec) -> int:
    """How many replicas are wanted without a common lock store and tracker store; 0 where all is well."""
    replicas = spec.replicas if spec.autoscaling is None else spec.autoscaling.max_replicas
    endpoints = spec.endpoints or {}
    locked = spec.lock_store is not None or "lock_store" in endpoints
    tracked = spec.tracker_store is not None or "tracker_store" in endpoints
    return 0 if replicas < 2 or (locked and tracked) else replicas


def described_owner(owner: str | None) -> str:
    """Whose the object in the way is, in words."""
    return f"belongs to {owner}" if owner else "does not belong to this environment"
