"""The candidates of a value, from the kubeconfig, the API server and the model server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cli.completion.words import Source
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.impersonation import Impersonation
from rasa_environments.cluster.reading import LARGE_PAGES
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_SERVERS, MODEL_TAGS, NAMESPACES, Resource

DEFAULT_SERVER: Final = "default"
NAMES: Final[Mapping[Source, Resource]] = {
    Source.ENVIRONMENTS: DEPLOYMENT_ENVIRONMENTS,
    Source.MODEL_SERVERS: MODEL_SERVERS,
    Source.NAMESPACES: NAMESPACES,
}
Found = Callable[[Iterable[str]], None]
"""Takes candidates as soon as they are known."""


def credentials(given: Mapping[str, str]) -> CredentialSource:
    """Return where the command line takes its credentials from."""
    acting_as = Impersonation(given.get("--as", ""), tuple(groups(given)), given.get("--as-uid", ""))
    return CredentialSource(
        given.get("--kubeconfig"), given.get("--context"), given.get("--cluster"), given.get("--user"), acting_as
    )


def groups(given: Mapping[str, str]) -> list[str]:
    """Return the group to act as a member of; the last one counts."""
    return [given["--as-group"]] if "--as-group" in given else []


async def find(source: Source, given: Mapping[str, str], found: Found) -> None:
    """Find the candidates of a source. Raises ApiError, ConfigurationError and RasaError after what was found."""
    access = credentials(given)
    if source in (Source.CONTEXTS, Source.CLUSTERS, Source.USERS):
        found(_entries(access, source))
        return
    async with await Client.by(access, page_sizes=LARGE_PAGES) as client:
        namespace = given.get("--namespace") or client.namespace
        if source in NAMES:
            resource = NAMES[source]
            within = namespace if resource.namespaced else None
            async for page in client.pages(resource, within, metadata_only=True):
                found(item["metadata"]["name"] for item in page.items)
        elif source is Source.TAGS:
            for resource in (MODEL_TAGS, DEPLOYMENT_ENVIRONMENTS):
                found([tag_of(each) async for each in _objects(client, resource, namespace)])
        elif source is Source.HISTORY:
            await _history(client, ObjectKey(namespace, given.get("environment", "")), found)
        elif source is Source.MODELS:
            await _models(client, namespace, given, found)


def _entries(access: CredentialSource, source: Source) -> list[str]:
    """Return the names of the contexts, clusters or users of the kubeconfig."""
    known = access.kubeconfig_entries()
    if known is None:
        return []
    entries = {Source.CONTEXTS: known.contexts, Source.CLUSTERS: known.clusters, Source.USERS: known.users}
    return [entry.name for entry in entries[source]]


async def _objects(client: Client, resource: Resource, namespace: str) -> AsyncIterator[JsonObject]:
    async for page in client.pages(resource, namespace):
        for item in page.items:
            yield item


async def _history(client: Client, environment: ObjectKey, found: Found) -> None:
    """Find the models that the environment's tag had."""
    tag = tag_of(await client.get(DEPLOYMENT_ENVIRONMENTS, environment))
    async for each in _objects(client, MODEL_TAGS, environment.namespace):
        if tag_of(each) == tag:
            found(entry["model"] for entry in each.get("status", {}).get("history", ()))


async def _models(client: Client, namespace: str, given: Mapping[str, str], found: Found) -> None:
    """Find the models that ModelTags name, and those of the model servers that can be asked."""
    async for each in _objects(client, MODEL_TAGS, namespace):
        found(models_of(each))
    named = given.get("--model-server")
    servers = {ObjectKey(namespace, named)} if named else await _servers(client, namespace)
    for server in sorted(servers):
        with suppress(Exception):  # of another server, or of the ModelTags, there may be models all the same
            await _models_of_server(server, given, found)


async def _servers(client: Client, namespace: str) -> set[ObjectKey]:
    """Return the ModelServers that the environments of the namespace refer to; there is mostly one."""
    return {server_of(each) async for each in _objects(client, DEPLOYMENT_ENVIRONMENTS, namespace)}


async def _models_of_server(server: ObjectKey, given: Mapping[str, str], found: Found) -> None:
    # They bring in the models of our kinds, which take most of the time that a completion may.
    from rasa_environments.cli.cluster_options import ClusterOptions  # noqa: PLC0415
    from rasa_environments.cli.model_server_access import ModelServerOptions, model_server_client  # noqa: PLC0415

    kubeconfig, context, cluster, user = (
        given.get(f"--{name}") for name in ("kubeconfig", "context", "cluster", "user")
    )
    where = ClusterOptions(kubeconfig, context, cluster, user, given.get("--as"), groups(given), given.get("--as-uid"))
    options = ModelServerOptions(server.name, given.get("--url"))
    async with model_server_client(where, server.namespace, options) as client:
        found([model.name for model in await client.models()])


def tag_of(obj: JsonObject) -> str:
    """Return the tag of an environment or a ModelTag, as the API server has it."""
    spec = obj["spec"]
    return str(spec.get("tag") or spec.get("environment") or obj["metadata"]["name"])


def server_of(environment: JsonObject) -> ObjectKey:
    """Return the ModelServer that an environment refers to, as the API server has it."""
    reference = environment["spec"].get("modelServerRef") or {}
    namespace = reference.get("namespace") or environment["metadata"]["namespace"]
    return ObjectKey(namespace, reference.get("name") or DEFAULT_SERVER)


def models_of(tag: JsonObject) -> list[str]:
    """Return the models that a ModelTag names: the one that it sets, those it had, and the next."""
    status = tag.get("status", {})
    named = [
        tag["spec"].get("model"),
        *(status.get(each, {}).get("name") for each in ("taggedModel", "candidateModel")),
    ]
    return [model for model in (*named, *(entry["model"] for entry in status.get("history", ()))) if model]
