"""Reads the facts of an installation, and records what may not be read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from rasa_environments.api.base import GROUP, JsonObject, ObjectKey
from rasa_environments.api.crd import RESOURCES, definition
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.kinds import InvalidObjectError, parse
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.shapes import mapping, mappings
from rasa_environments.cli.diagnosis.facts import Facts, Lease, Operator, Policies
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import (
    ADMISSION_POLICIES,
    ADMISSION_POLICY_BINDINGS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENT_ENVIRONMENTS,
    DEPLOYMENTS,
    LEASES,
    MODEL_SERVERS,
    MODEL_TAGS,
    POD_MONITORS,
    SERVICE_MONITORS,
    Resource,
)

LEASE: Final = "rasa-environments"
OPERATOR_LABELS: Final = "app.kubernetes.io/name=rasa-environments,app.kubernetes.io/component=operator"
POLICIES: Final = frozenset(
    f"rasa-environments-{name}"
    for name in (
        "deletion",
        "environments",
        "escalation",
        "model-servers",
        "model-tags",
        "statuses",
        "operator-children",
        "operator-pods",
        "operator-writes",
    )
)
"""The admission policies in manifests/promotion and manifests/account."""
FRESH: Final = timedelta(seconds=10)
RENEWAL_SECONDS: Final = 4.0
"""Seconds after which an operator that is at work has renewed its Lease."""
NOT_FOUND: Final = 404
FORBIDDEN: Final = 403

T = TypeVar("T", ModelServer, ModelTag, DeploymentEnvironment)


class FactReader:
    """Reads facts as the user; of one namespace's resources, or of those in all."""

    def __init__(self, client: Client, namespace: str | None) -> None:
        self._client = client
        self._namespace = namespace
        self._unread: list[str] = []
        self._unreadable: list[str] = []

    async def read(self) -> Facts:
        """Return the facts. Raises ApiError if the API server does not answer."""
        definitions = await self._definitions()
        leases, operators, policies = await self._leases(), await self._operators(), await self._policies()
        servers = await self._resources(MODEL_SERVERS, ModelServer)
        tags = await self._resources(MODEL_TAGS, ModelTag)
        environments = await self._resources(DEPLOYMENT_ENVIRONMENTS, DeploymentEnvironment)
        return Facts(
            now=datetime.now(UTC),
            definitions=definitions,
            expected_definitions={f"{each.plural}.{GROUP}": definition(each) for each in RESOURCES},
            leases=leases,
            operators=operators,
            policies=policies,
            environments=environments,
            tags=tags,
            servers=servers,
            unreadable=tuple(self._unreadable),
            pod_monitors=await self._monitors(),
            unread=tuple(self._unread),
        )

    async def _definitions(self) -> dict[str, JsonObject | None] | None:
        found: dict[str, JsonObject | None] = {}
        for resource in RESOURCES:
            name = f"{resource.plural}.{GROUP}"
            try:
                found[name] = await self._client.find(CUSTOM_RESOURCE_DEFINITIONS, ObjectKey("", name))
            except ApiError as error:
                if error.status != FORBIDDEN:
                    raise
                self._unread.append(f"whether the CRDs are installed and current: {error.message}")
                return None
        return found

    async def _leases(self) -> tuple[Lease, ...] | None:
        """Return the Leases of operators; one that looks old is read again, since clocks differ."""
        before = await self._listed(LEASES, "whether an operator is at work", field_selector=f"metadata.name={LEASE}")
        if before is None:
            return None
        now = datetime.now(UTC)
        if all(_is_fresh(_renewed_at(item), now) for item in before):
            return tuple(_lease(item, renewed=True) for item in before)
        await asyncio.sleep(RENEWAL_SECONDS)
        after = await self._listed(LEASES, "whether an operator is at work", field_selector=f"metadata.name={LEASE}")
        times = {_key(item): _renewed_at(item) for item in before}
        return tuple(
            _lease(item, renewed=bool(_renewed_at(item)) and times.get(_key(item)) != _renewed_at(item))
            for item in after or ()
        )

    async def _operators(self) -> tuple[Operator, ...] | None:
        found = await self._listed(
            DEPLOYMENTS, "whether the operator's Deployment is available", label_selector=OPERATOR_LABELS
        )
        return None if found is None else tuple(map(operator_of, found))

    async def _policies(self) -> Policies | None:
        what = "whether admission policies are in force"
        policies = await self._listed(ADMISSION_POLICIES, what)
        bindings = await self._listed(ADMISSION_POLICY_BINDINGS, what) if policies is not None else None
        if policies is None or bindings is None:
            return None
        specs = [mapping(binding.get("spec")) for binding in bindings]
        return Policies(
            expected=POLICIES,
            existing=frozenset(item["metadata"]["name"] for item in policies),
            denying=frozenset(
                str(spec.get("policyName")) for spec in specs if "Deny" in (spec.get("validationActions") or ())
            ),
        )

    async def _monitors(self) -> int | None:
        """Return how many monitors select the operator; None without their CRDs, or if that is unknown."""
        found: list[JsonObject] = []
        for resource in (POD_MONITORS, SERVICE_MONITORS):
            try:
                found += (await self._client.list(resource)).items
            except ApiError as error:
                if error.status not in (FORBIDDEN, NOT_FOUND):
                    raise
                return None
        selectors = [mapping(mapping(mapping(each.get("spec")).get("selector")).get("matchLabels")) for each in found]
        return len([labels for labels in selectors if labels.get("app.kubernetes.io/name") == LEASE])

    async def _resources(self, resource: Resource, model: type[T]) -> tuple[T, ...]:
        """Return the objects of a kind; those that cannot be read are recorded."""
        items = await self._listed(resource, f"{resource.plural}", namespace=self._namespace)
        found: list[T] = []
        for item in items or ():
            try:
                parsed = parse(resource.kind, item)
            except InvalidObjectError as error:
                self._unreadable.append(f"{resource.kind} {_key(item)}: {error}")
                continue
            if isinstance(parsed, model):
                found.append(parsed)
        return tuple(found)

    async def _listed(
        self,
        resource: Resource,
        what: str,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Sequence[JsonObject] | None:
        """Return the objects; None if they may not be listed, or the API server does not know them."""
        try:
            listing = await self._client.list(
                resource, namespace, label_selector=label_selector, field_selector=field_selector
            )
        except ApiError as error:
            if error.status not in (FORBIDDEN, NOT_FOUND):
                raise
            if error.status == FORBIDDEN:
                self._unread.append(f"{what}: {error.message}")
            return None
        self._unreadable += [f"{resource.kind} {each.key}: {each.problem}" for each in listing.rejected]
        return listing.items


def operator_of(deployment: JsonObject) -> Operator:
    """Return what matters of an operator's Deployment."""
    template = mapping(mapping(mapping(deployment.get("spec")).get("template")).get("spec"))
    containers = mappings(template.get("containers"))
    variables = {
        variable.get("name"): variable.get("value") for each in containers for variable in mappings(each.get("env"))
    }
    arguments = [str(argument) for each in containers for argument in each.get("args") or ()]
    return Operator(
        key=_key(deployment),
        image=str(containers[0].get("image") or "") if containers else "",
        available=bool(mapping(deployment.get("status")).get("availableReplicas")),
        limited="RASA_ENVIRONMENTS_NAMESPACES" in variables or any("--namespace" in each for each in arguments),
        elects=variables.get("RASA_ENVIRONMENTS_LEADER_ELECT") == "true" or "--leader-elect" in arguments,
    )


def _lease(item: JsonObject, *, renewed: bool) -> Lease:
    return Lease(_key(item), str(mapping(item.get("spec")).get("holderIdentity") or ""), renewed, _renewed_at(item))


def _renewed_at(item: JsonObject) -> str:
    spec = mapping(item.get("spec"))
    return str(spec.get("renewTime") or "") if spec.get("holderIdentity") else ""


def _is_fresh(time: str, now: datetime) -> bool:
    try:
        return abs(now - datetime.fromisoformat(time).astimezone(UTC)) <= FRESH
    except ValueError:
        return False


def _key(item: JsonObject) -> ObjectKey:
    return ObjectKey(item["metadata"].get("namespace", ""), item["metadata"]["name"])
