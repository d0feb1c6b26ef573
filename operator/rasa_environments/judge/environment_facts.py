"""The facts that a reconciliation found about an environment."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rasa_environments.api.base import ObjectKey
from rasa_environments.desired.context import Context, action_server_key
from rasa_environments.desired.credentials import open_channels
from rasa_environments.desired.uniqueness import ingress_hosts
from rasa_environments.domain.facts import (
    ActionServerFacts,
    DeploymentFacts,
    LicenseFact,
    PodFacts,
    ProbeResult,
    Problem,
    RegistrationResult,
    TaggedModel,
)
from rasa_environments.judge.conversations import Conversations, conversations_of


@dataclass(frozen=True)
class EnvironmentFacts:
    """The facts that a reconciliation found about an environment."""

    environment: str
    tag: str
    child: ObjectKey
    server: ObjectKey
    problem: Problem | None = None
    url: str | None = None
    token_rotated_at: str | None = None
    model_required: bool = True
    conversations: Conversations | None = None
    """Where conversations are stored; None if not determined."""
    channels: tuple[str, ...] | None = None
    """Channels open to users; None if not determined."""
    wanted: TaggedModel | None = None
    """Model that has the tag: the last known one if `tag_problem` says why it cannot be determined."""
    tag_problem: Problem | None = None
    deployment: DeploymentFacts | None = None
    pods: tuple[PodFacts, ...] = ()
    served: tuple[ProbeResult, ...] = ()
    """Answers of the pods that are ready, or were."""
    lost: tuple[str, ...] = ()
    """Those of them that no longer serve the desired model, which they served before."""
    healing: bool = True
    """Whether such pods are restarted."""
    selector: str | None = None
    ingress_hosts: frozenset[str] = frozenset()
    """Hosts of its Ingress: the last ones while a problem prevents changes."""
    external: bool = False
    """Whether its Rasa server is external, and only monitored."""
    registration: RegistrationResult | None = None
    """Result of its registration; None if its model server has no registry."""
    action_server: ActionServerFacts | None = None
    """What is known of its action server; None if it has none, or `planned` is False."""
    planned: bool = False
    """Whether it is known what its children are made from."""
    license: LicenseFact | None = None
    """What is known of the licence of Rasa Pro; None if the environment needs none."""
    accept_unchecked: bool = False
    """Whether a pod that cannot be asked counts as serving the desired model."""


def action_server_facts(context: Context) -> ActionServerFacts | None:
    """Return what is known of the action server before it was looked at; None if the spec asks for none."""
    wanted = context.spec.action_server
    if wanted is None:
        return None
    return ActionServerFacts(action_server_key(context.environment.metadata.key), wanted.image or "")


def with_plan(facts: EnvironmentFacts, context: Context) -> EnvironmentFacts:
    """Return the facts with those that follow from what the children are made from."""
    return replace(
        facts,
        url=context.url,
        token_rotated_at=context.token_rotated_at,
        ingress_hosts=ingress_hosts(context.environment, context.server),
        model_required=context.model_required,
        conversations=conversations_of(context.spec, context.server),
        channels=open_channels(context),
        planned=True,
        action_server=action_server_facts(context),
        selector=",".join(f"{label}={value}" for label, value in context.selector.items()),
    )
