"""Which environments have a candidate, and for which model."""

from __future__ import annotations

from collections.abc import Sequence

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Check
from rasa_environments.desired.profiles import rules_of
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Lister, server_of_environment, server_of_tag
from rasa_environments.domain.verification import verifying_model


def obstacle(environment: DeploymentEnvironment, server: ModelServer, tag: ModelTag) -> str | None:
    """Return why no candidate can run next to an environment for a tag that it pulls; None if one can."""
    if environment.spec.external is not None:
        return "its server runs elsewhere"
    if not _tests(tag, environment):
        return "it is in another namespace, where spec.verification.candidate.jobTemplate does not run"
    if environment.spec.suspend:
        return "it is suspended"
    if rules_of(server).configured_by_server:
        return f"with the profile {server.spec.profile}, Rasa X decides which model a server pulls"
    return None


def wanted_candidate(environment: DeploymentEnvironment, lister: Lister) -> ModelReference | None:
    """Return the model that the environment's candidate is to serve; None if it is to have no candidate."""
    tag = lister.followed(environment)
    server = lister.servers.get(server_of_environment(environment))
    if tag is None or server is None or tag.spec.verification is None or tag.metadata.deletion_timestamp is not None:
        return None
    if environment.metadata.deletion_timestamp is not None or obstacle(environment, server, tag) is not None:
        return None
    return verifying_model(tag.status)


def hosts(tag: ModelTag, lister: Lister) -> tuple[tuple[DeploymentEnvironment, ...], tuple[str, ...]]:
    """Return the environments that pull the tag and can have a candidate, and why the others cannot."""
    key = server_of_tag(tag)
    server = lister.servers.get(key)
    if server is None:
        return (), ()
    found = [(each, obstacle(each, server, tag)) for each in lister.eligible_followers(key, tag.tag)]
    obstacles = tuple(f"{each.metadata.key}: {why}" for each, why in found if why is not None)
    return tuple(each for each, why in found if why is None), obstacles


def no_host(
    tag: ModelTag, check: Check, environments: Sequence[DeploymentEnvironment], obstacles: Sequence[str]
) -> Problem | None:
    """Return that a check can run beside none of the environments that pull the tag, or None."""
    if not environments:
        why = "; ".join(obstacles) or "no environment pulls the tag"
        return Problem(
            Reason.NO_CANDIDATE,
            f"no candidate can run for tag {tag.tag} ({why}): create an environment that pulls it, or remove "
            "spec.verification",
        )
    if check.job_template is None or any(runs_job(tag, each) for each in environments):
        return None
    return Problem(
        Reason.NO_CANDIDATE,
        f"spec.verification.candidate.jobTemplate runs in namespace {tag.metadata.namespace} alone, and no "
        f"environment there pulls tag {tag.tag}: create one, or remove jobTemplate",
    )


def tags_with_a_candidate(lister: Lister) -> tuple[ObjectKey, ...]:
    """Return the ModelTags for which a candidate runs: one at most, since a tag has one environment."""
    return tuple(
        tag.metadata.key
        for tag in lister.tags
        if verifying_model(tag.status) is not None and tag.spec.verification is not None and hosts(tag, lister)[0]
    )


def share(limit: int, used_by_others: int = 0) -> int:
    """Return how many candidates a namespace may have at the same time: half of what others leave, rounded up.

    So no namespace can take what the next one needs.
    """
    return max(0, limit - used_by_others + 1) // 2


def _tests(tag: ModelTag, environment: DeploymentEnvironment) -> bool:
    """Return whether anything is tested beside an environment: Jobs run in the ModelTag's own namespace alone."""
    check = None if tag.spec.verification is None else tag.spec.verification.candidate
    return check is None or check.conversations is not None or runs_job(tag, environment)


def runs_job(tag: ModelTag, environment: DeploymentEnvironment) -> bool:
    """Return whether a jobTemplate of a ModelTag runs beside an environment.

    Whoever wrote the ModelTag was asked for `create` on jobs in its namespace, and in no other.
    """
    return environment.metadata.namespace == tag.metadata.namespace


def asks_for_live_job(tag: ModelTag) -> bool:
    """Return whether a Job tests the environments that pull the tag."""
    live = None if tag.spec.verification is None else tag.spec.verification.live
    return live is not None and live.job_template is not None


def tested_by_job(environment: DeploymentEnvironment, lister: Lister) -> bool:
    """Return whether a Job tests the environment itself, now or with the next model."""
    tag = lister.followed(environment)
    return tag is not None and asks_for_live_job(tag) and runs_job(tag, environment)
