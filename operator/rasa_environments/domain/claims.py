"""What an environment or ModelTag needs exclusively: each claim with the key it is indexed under."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NewType

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.desired.uniqueness import databases, has_own_queue_and_database, ingress_hosts, queues
from rasa_environments.domain.access import Labels, allows

WILDCARD = "*."


ClaimKey = NewType("ClaimKey", str)
"""Index key of claims on one thing. A string, whose hash Python caches: keys are looked up far more often than
created."""
HOST, DOMAIN = "host ", "domain "


@dataclass(frozen=True)
class Contest:
    """Whatever comes first under the key has what this resource wants, too."""

    key: ClaimKey
    reason: Reason
    what: str
    held: bool = False
    """Whether this resource holds it already; then only an older holder takes precedence."""
    with_holders: bool = False
    """Whether only current holders count, rather than all that want it."""


@dataclass(frozen=True)
class Claims:
    """The claims of one resource."""

    filed: Mapping[ClaimKey, bool]
    """The keys under which the resource is indexed; True if it holds the thing already, so that age does not count."""
    contests: tuple[Contest, ...]


NO_CLAIMS = Claims({}, ())


def claims_of_tag(tag: ModelTag, server_key: ObjectKey, server: ModelServer | None, labels: Labels | None) -> Claims:
    """Return the claim on the tag, if the server allows the ModelTag's namespace, which has these labels."""
    if server is None or not allows(server, tag.metadata.namespace, labels):
        return NO_CLAIMS
    key = tag_key(server_key, tag.tag)
    return Claims({key: False}, (Contest(key, Reason.TAG_CONFLICT, f"tag {tag.tag}"),))


def tag_key(server: ObjectKey, tag: str) -> ClaimKey:
    """Return the key of the ModelTags for a tag."""
    return _key(server, "tag", tag)


def claims_of_environment(
    environment: DeploymentEnvironment,
    server_key: ObjectKey,
    server: ModelServer | None,
    labels: Labels | None,
    held: Collection[str],
) -> Claims:
    """Return claims for the name, tag, queues, database and Ingress hosts of the merged spec.

    An environment that may not use its server, by the `labels` of its namespace, claims nothing, but keeps the hosts in
    `held`, on which it has an Ingress.
    """
    hosts, contests = frozenset[str](), list[Contest]()
    if server is not None and allows(server, environment.metadata.namespace, labels):
        contests = list(_on_its_server(environment, server_key, server))
        hosts = ingress_hosts(environment, server)
    filed = {contest.key: False for contest in contests}
    for each in sorted({*held, *hosts}):
        for key in _keys_of_host(each):
            filed[key] = filed.get(key, False) or each in held
    for host in sorted(hosts):
        contest = Contest(_host(host), Reason.HOST_CONFLICT, f"host {host}", host in held)
        contests += [contest, *(replace(contest, key=key, with_holders=True) for key in _overlapping(host))]
    return Claims(filed, tuple(contests))


def _on_its_server(environment: DeploymentEnvironment, server_key: ObjectKey, server: ModelServer) -> Iterator[Contest]:
    name, tag = environment.environment, environment.tag
    yield Contest(_key(server_key, "environment", name), Reason.ENVIRONMENT_CONFLICT, f"RASA_ENVIRONMENT {name}")
    yield Contest(tag_key(server_key, tag), Reason.TAG_CONFLICT, f"tag {tag}")
    if not has_own_queue_and_database(server):
        return
    for host, queue in sorted(queues(environment, server)):
        yield Contest(_key(server_key, "queue", host, queue), Reason.QUEUE_CONFLICT, f"queue {queue} on {host}")
    for host, database in sorted(databases(environment, server)):
        what = f"database {database} on {host}"
        yield Contest(_key(server_key, "database", host, database), Reason.DATABASE_CONFLICT, what)


def _keys_of_host(host: str) -> Iterator[ClaimKey]:
    """Yield the key of the host itself, and of each domain above it, where a wildcard finds it."""
    yield _host(host)
    for domain in _domains(host):
        yield _inside(domain)


def _overlapping(host: str) -> Iterator[ClaimKey]:
    """Yield the wildcards that cover the host and, for a wildcard, what it covers.

    Kubernetes lets a wildcard stand for one label; some controllers let it stand for several, which is assumed here. A
    wildcard that is rejected because a host below it is taken must not block others, so only holders count.
    """
    for domain in _domains(host):
        yield _host(WILDCARD + domain)
    if host.startswith(WILDCARD):
        yield _inside(host.removeprefix(WILDCARD))


def concerned_by(key: ClaimKey) -> Iterator[ClaimKey]:
    """Yield the keys of claims that contest `key` although they are not indexed under it."""
    if key.startswith(HOST + WILDCARD):
        yield _inside(key.removeprefix(HOST + WILDCARD))
    elif key.startswith(DOMAIN):
        yield _host(WILDCARD + key.removeprefix(DOMAIN))


def _key(server: ObjectKey, *thing: str) -> ClaimKey:
    """Return the key of a thing of one ModelServer; no part of it can contain the separator."""
    return ClaimKey("\0".join((str(server), *thing)))


def _host(host: str) -> ClaimKey:
    return ClaimKey(HOST + host)


def _inside(domain: str) -> ClaimKey:
    return ClaimKey(DOMAIN + domain)


def _domains(host: str) -> Iterator[str]:
    """Yield the domains above a host: of a.b.c these are b.c and c."""
    _, dot, domain = host.partition(".")
    while dot:
        yield domain
        _, dot, domain = domain.partition(".")
