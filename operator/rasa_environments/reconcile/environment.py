"""The reconciler of DeploymentEnvironments: applies their children and writes their status."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import (
    DeploymentEnvironment,
    EnvironmentStatus,
)
from rasa_environments.api.model_server import ModelServer, Registration
from rasa_environments.cluster.errors import OutdatedError, OwnerGoneError
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, DEPLOYMENTS, SECRETS
from rasa_environments.controller.queue import DONE, FAILED, Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.desired.context import Context, OperatorPods, action_server_key, candidate_key, child_key
from rasa_environments.desired.secret_variables import TOKEN_VARIABLE
from rasa_environments.desired.uniqueness import ingress_hosts
from rasa_environments.desired.verification_job import account_of_jobs
from rasa_environments.domain.candidates import tested_by_job, wanted_candidate
from rasa_environments.domain.conflicts import CONFLICT_SECONDS, CONFLICTS
from rasa_environments.domain.facts import (
    ActionServerFacts,
    DeploymentFacts,
    Problem,
    ServerObservation,
    TaggedModel,
    deployment_facts,
    rolled_out_model,
)
from rasa_environments.domain.generated import Issued, generate, issued_in
from rasa_environments.domain.lister import server_of_environment
from rasa_environments.domain.planning import plan
from rasa_environments.domain.resolving import Resolved, resolve
from rasa_environments.domain.secret_contents import SecretContents
from rasa_environments.domain.tags import wanted_model
from rasa_environments.judge.conditions import is_true
from rasa_environments.judge.environment import judge, suspended
from rasa_environments.judge.environment_facts import EnvironmentFacts, with_plan
from rasa_environments.judge.healing import pods_to_ask
from rasa_environments.judge.registration import remembered_registration
from rasa_environments.reconcile.candidate_children import apply_candidate, remove_candidate
from rasa_environments.reconcile.children import apply_child, apply_children
from rasa_environments.reconcile.ports import ChildApplier, SecretReader, StatusWriter
from rasa_environments.reconcile.probe import RasaProbe
from rasa_environments.reconcile.registration.registrar import request_registration

logger = logging.getLogger(__name__)

RETRIED = frozenset(
    {Reason.REFUSED_BY_API_SERVER, Reason.NAME_CONFLICT, Reason.WAITING_FOR_DELETION, Reason.CHILD_CONTENDED}
)
"""Problems whose end nobody announces: retried with backoff."""
CANDIDATE_SECONDS = 10.0
"""Seconds between two attempts to create a candidate."""
TOKEN_BYTES = 32
SECRET_ATTEMPTS = 3
"""How often the content of the Secret is determined before leaving it to the next reconciliation."""


@dataclass(frozen=True)
class EnvironmentOptions:
    """What the operator was told about all environments."""

    operator_pods: OperatorPods | None = None
    """The operator's own pods, which may reach those of environments."""
    accept_unchecked: bool = False
    """Whether a pod that cannot be asked counts as serving the desired model."""


class EnvironmentReconciler:
    """Reconciles each environment's children and writes its status."""

    def __init__(
        self,
        state: State,
        children: ChildApplier,
        secrets: SecretReader,
        statuses: StatusWriter,
        probe: RasaProbe,
        options: EnvironmentOptions,
    ) -> None:
        self._state = state
        self._children = children
        self._secrets = secrets
        self._statuses = statuses
        self._probe = probe
        self._options = options
        self._issued: dict[ObjectKey, tuple[str, Issued]] = {}
        """With the uid of the environment, the generated values that its Secret holds."""
        self._resolved: dict[ObjectKey, Resolved] = {}
        """What each environment was last found to be made from."""
        self._applied: dict[ObjectKey, Context] = {}
        """What its children were last made from, once they were correct."""
        self._begun: dict[ObjectKey, str] = {}
        """The uid of each environment for which children were created."""

    async def reconcile(self, key: ObjectKey) -> Result:
        """Reconcile one environment."""
        environment = self._state.lister.environments.get(key)
        if environment is None:
            self._forget(key)
            return DONE
        if environment.metadata.deletion_timestamp is not None:
            return DONE
        if wanted_candidate(environment, self._state.lister) is None:
            self._state.candidate_problems.set(key, None)
            await remove_candidate(self._children, environment)
        if environment.spec.suspend:
            await self._write_status(environment, environment.status, suspended(environment.status))
            return DONE
        server = self._state.lister.servers.get(server_of_environment(environment))
        try:
            facts, requeue_after = await self._reconcile_until_decided(environment, server)
        except OwnerGoneError as gone:
            logger.info("%s", gone.message)
            return FAILED
        status, conditions = judge(self._with_registration(facts, environment, server), environment.status)
        await self._write_status(environment, status, conditions)
        reason = facts.problem.reason if facts.problem else None
        if self._state.candidate_problems.get(key) is not None:
            requeue_after = min(CANDIDATE_SECONDS, requeue_after or CANDIDATE_SECONDS)
        return Result(
            requeue_after=CONFLICT_SECONDS if reason in CONFLICTS else requeue_after,
            failed=reason in RETRIED,
            outage=reason is Reason.REFUSED_BY_API_SERVER,  # a permission, quota or webhook affects others, too
        )

    async def _reconcile_until_decided(
        self, environment: DeploymentEnvironment, server: ModelServer | None
    ) -> tuple[EnvironmentFacts, float | None]:
        """Return the result of `_reconcile`, repeated if somebody else writes the Secret meanwhile."""
        secret = None
        for _ in range(SECRET_ATTEMPTS - 1):
            try:
                return await self._reconcile(environment, server, secret)
            except OutdatedError as outdated:
                secret = outdated.live
        return await self._reconcile(environment, server, secret)

    async def _reconcile(
        self, environment: DeploymentEnvironment, server: ModelServer | None, secret: JsonObject | None = None
    ) -> tuple[EnvironmentFacts, float | None]:
        """Do everything that can be done; return what there is then, and in how many seconds to reconcile again.

        `secret` is the environment's Secret if it was just read. Raises OutdatedError if it has changed by the time it
        is written, and OwnerGoneError if the environment was deleted.
        """
        key = environment.metadata.key
        observation = self._observation(server)
        facts, listed = self._initial_facts(environment, server, observation), observation.models.values()
        await self._state.index_claims(facts.server)
        if environment.spec.external is not None:
            problem = await self._apply_account_of_jobs(environment)
            if problem is not None:
                return self._observed(facts, key, problem), None
            outcome = await self._probe.ask_external(facts, environment, environment.spec.external, listed)
            return (self._observed(facts, key, outcome), None) if isinstance(outcome, Problem) else outcome
        own = secret or self._children.live(SECRETS, child_key(key))
        context = await self._plan(environment, facts.wanted, own)
        if isinstance(context, Problem):
            return self._observed(facts, key, context), None
        facts = with_plan(facts, context)
        problem = await self._apply_children(context, own)
        facts = self._observed(facts, key, problem)
        if problem is not None:
            return facts, None
        candidate = wanted_candidate(environment, self._state.lister)
        if candidate is not None:
            self._state.candidate_problems.set(key, await apply_candidate(self._children, context, candidate))
        available = facts.deployment is not None and facts.deployment.available_at_generation
        token = context.secret_values[TOKEN_VARIABLE]
        request_registration(self._state, environment, context.server, url=context.url, token=token, in_use=available)
        pods = pods_to_ask(facts.pods)
        if not available and all(pod.ready for pod in pods):
            return facts, None
        return await self._probe.ask_pods(context, facts, pods, listed)

    def _initial_facts(
        self, environment: DeploymentEnvironment, server: ModelServer | None, observation: ServerObservation
    ) -> EnvironmentFacts:
        """Return what is known before anything is done."""
        key = environment.metadata.key
        lister = self._state.lister
        found = server or lister.server(server_of_environment(environment))
        wanted, tag_problem = wanted_model(environment, found, lister.labels_of(key.namespace), observation)
        return EnvironmentFacts(
            environment=environment.environment,
            tag=environment.tag,
            child=child_key(key),
            server=server_of_environment(environment),
            wanted=wanted,
            tag_problem=tag_problem,
            license=self._probe.known_license(environment, server),
            ingress_hosts=frozenset(environment.status.ingress_hosts or ()),
            accept_unchecked=self._options.accept_unchecked,
        )

    async def _plan(
        self, environment: DeploymentEnvironment, wanted: TaggedModel | None, own: JsonObject | None
    ) -> Context | Problem:
        """Return what the children are made from, or what is missing or wrong."""
        key, lister = environment.metadata.key, self._state.lister
        resolved = resolve(environment, lister, self._resolved.get(key))
        if isinstance(resolved, Problem):
            return resolved
        self._resolved[key] = resolved
        lister.grant_hosts(environment, ingress_hosts(environment, resolved.server))
        contents = await self._secrets.read(Request(Kind.DEPLOYMENT_ENVIRONMENT, key), resolved.secrets)
        uid, issued = self._issued.get(key, ("", None))
        is_of_this = uid == environment.metadata.uid
        return plan(
            resolved,
            SecretContents(contents),
            generate(environment, own, issued if is_of_this else None, new_token),
            model_hash=wanted.hash if wanted else self._rolled_for(key),
            operator_pods=self._options.operator_pods,
            tested_by_job=tested_by_job(environment, lister),
        )

    async def _apply_children(self, context: Context, own: JsonObject | None) -> Problem | None:
        """Bring the children into their desired state; return what is in the way.

        They are made once for the same context: most reconciliations only look at statuses.
        """
        metadata = context.environment.metadata
        applied = self._applied.pop(metadata.key, None)
        if applied is not None and context.makes_the_same_as(applied) and self._are_correct(context):
            self._applied[metadata.key] = context
            return None
        is_new = self._begun.get(metadata.key) != metadata.uid
        self._begun[metadata.key] = metadata.uid
        problem = await apply_children(self._children, context, secret=own, owner_is_new=is_new)
        if problem is None:
            self._issued[metadata.key] = (metadata.uid, issued_in(context))
            self._applied[metadata.key] = context
        return problem

    async def _apply_account_of_jobs(self, environment: DeploymentEnvironment) -> Problem | None:
        """Create the ServiceAccount of Jobs that test a server which runs elsewhere; return what is in the way.

        It stays, since it can do nothing, and goes with the environment.
        """
        if not tested_by_job(environment, self._state.lister):
            return None
        owner = environment.metadata
        check = self._children.owner_check(DEPLOYMENT_ENVIRONMENTS, owner.key, owner.uid)
        return await apply_child(self._children, account_of_jobs(environment), check)

    def _are_correct(self, context: Context) -> bool:
        """Return whether all children are as they were last desired, and none is left that is to be deleted."""
        actions = action_server_key(context.environment.metadata.key)
        is_left = context.spec.action_server is None and self._children.live(DEPLOYMENTS, actions) is not None
        return not is_left and self._children.correct(context.key) and self._children.correct(actions)

    def _with_registration(
        self, facts: EnvironmentFacts, environment: DeploymentEnvironment, server: ModelServer | None
    ) -> EnvironmentFacts:
        """Return the facts with the result of the registration: the one in the status until this process has tried."""
        if server is None or server.registration is Registration.NONE:
            return facts
        known = self._state.registrations.result(environment.metadata.key)
        return replace(facts, registration=known or remembered_registration(environment))

    def _observed(self, facts: EnvironmentFacts, key: ObjectKey, problem: Problem | None) -> EnvironmentFacts:
        return replace(
            facts,
            problem=problem,
            deployment=self._deployment(child_key(key)),
            pods=self._state.pods.of(key),
            action_server=facts.action_server and self._action_server(facts.action_server, key),
        )

    def _action_server(self, facts: ActionServerFacts, key: ObjectKey) -> ActionServerFacts:
        pods = self._state.pods.of_action_server(key)
        return replace(facts, deployment=self._deployment(facts.child), pods=pods)

    def _deployment(self, child: ObjectKey) -> DeploymentFacts | None:
        deployment = self._children.live(DEPLOYMENTS, child)
        return None if deployment is None else deployment_facts(deployment)

    def _observation(self, server: ModelServer | None) -> ServerObservation:
        found = self._state.observations.get(server.metadata.key) if server is not None else None
        return found or ServerObservation()

    def _rolled_for(self, key: ObjectKey) -> str | None:
        """Return the model that the pods were last rolled out for, kept while the desired one is unknown."""
        deployment = self._children.live(DEPLOYMENTS, child_key(key))
        return None if deployment is None else rolled_out_model(deployment)

    async def _write_status(
        self, environment: DeploymentEnvironment, status: EnvironmentStatus, conditions: tuple[Condition, ...]
    ) -> None:
        current = await self._statuses.write(environment, status, conditions)
        if current is not None:
            self._notify_tag(current)

    def _notify_tag(self, environment: DeploymentEnvironment) -> None:
        """Enqueue the ModelTag that the environment follows, for an environment that is starting only once it is up."""
        key, starting = environment.metadata.key, is_true(environment.status.conditions, ConditionType.RECONCILING)
        tag = self._state.lister.followed(environment)
        if tag is None:
            return
        listed = any((each.namespace, each.name) == (key.namespace, key.name) for each in tag.status.environments or ())
        if listed or not starting:
            self._state.enqueue(Kind.MODEL_TAG, tag.metadata.key)

    def _forget(self, key: ObjectKey) -> None:
        self._children.forget(child_key(key))
        self._children.forget(action_server_key(key))
        self._children.forget(candidate_key(key))
        self._state.candidate_problems.set(key, None)
        self._probe.forget(key)
        for known in (self._issued, self._resolved, self._applied, self._begun):
            known.pop(key, None)
        self._state.registrations.withdraw(key)
        self._state.references.set(Request(Kind.DEPLOYMENT_ENVIRONMENT, key), ())


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_hex(TOKEN_BYTES)
