"""The environments: one for each entry of `rasa.versions` that the chart runs, or that is external."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rasa_chart_import import kinds
from rasa_chart_import.chart_facts import Version
from rasa_chart_import.findings import Path, shown
from rasa_chart_import.names import Names
from rasa_chart_import.rasa_x.chart import ALWAYS_RUN_BEFORE
from rasa_chart_import.rasa_x.chart import VERSIONS as OWN_VERSIONS
from rasa_chart_import.rasa_x.workload import own_pod_template
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import reference
from rasa_environments.api.base import API_VERSION, MAXIMUM_NAME_LENGTH, JsonObject
from rasa_environments.api.connections import CREATABLE_DATABASE
from rasa_environments.api.deployment_environment import SERVICE_NAME_PATTERN, Role
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.entries import present
from rasa_environments.desired.profiles import PROFILES

VERSIONS = ("rasa", "versions")
ROLES = {"rasaProduction": Role.PRODUCTION, "rasaWorker": Role.WORKER}


@dataclass(frozen=True)
class Planned:
    """An environment to be created."""

    place: Path
    environment: str
    name: str
    runs_elsewhere: bool


@dataclass
class Taken:
    """What environments have already, and no other may have."""

    tags: set[str] = field(default_factory=set)
    databases: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Surroundings:
    """What all environments have in common."""

    names: Names
    profile: Profile
    chart: Version
    database: JsonObject | None
    """What their databases have in common; None without a database."""


def environments(reader: Reader, around: Surroundings) -> list[JsonObject]:
    """Return a DeploymentEnvironment for each version, production and worker first."""
    planned = _planned(reader, around)
    taken = Taken()
    made = (_environment(reader, each, around, taken, {other.environment for other in planned}) for each in planned)
    return [environment for environment in made if environment is not None]


def _planned(reader: Reader, around: Surroundings) -> list[Planned]:
    versions = reader.mapping(VERSIONS)
    result: list[Planned] = []
    for key in dict.fromkeys([*OWN_VERSIONS, *versions]):
        place = (*VERSIONS, key)
        if key in versions and not isinstance(versions[key], Mapping):
            if versions[key] is None:
                reader.mapped(place, "no environment: null takes it away")
            else:
                reader.refuse(place, "it must be a mapping")
            continue
        runs_elsewhere = _runs_elsewhere(reader, place, around.chart)
        if runs_elsewhere is not None:
            environment = _environment_name(reader, place, {each.environment for each in result})
            name = _object_name(environment, key, {each.name for each in result})
            result.append(Planned(place, environment, name, runs_elsewhere))
    return result


def _runs_elsewhere(reader: Reader, place: Path, chart: Version) -> bool | None:
    """Return whether a version is external; None if there is none.

    `external` counts only if the version is disabled.
    """
    enabled = reader.take((*place, "enabled"), kinds.FLAG)
    enabled = chart < ALWAYS_RUN_BEFORE if enabled is None else enabled
    external = reader.take((*place, "external", "enabled"), kinds.FLAG) is True
    if external and not enabled:
        return True
    reader.unused((*place, "external"), "it does not run elsewhere")
    if enabled:
        return False
    reader.unused(place, "it is not enabled: no environment is made of it")
    if reader.given((*place, "enabled")) is None:
        reader.remarks.append(
            f"{shown((*place, 'enabled'))} is not in the file, and this release of the chart does not run it then: no "
            "environment is made of it; set it to true if its pods run"
        )
    else:
        reader.mapped((*place, "enabled"), "no environment is made of it")
    return None


def _environment(
    reader: Reader, planned: Planned, around: Surroundings, taken: Taken, all_names: set[str]
) -> JsonObject | None:
    spec = present(
        environment=planned.environment if planned.environment != planned.name else None,
        role=_role(planned.place[-1], planned.environment),
    )
    if planned.runs_elsewhere:
        external = _external(reader, planned.place, around)
        if external is None:
            return None
        spec["external"] = external
    else:
        tag = _tag(reader, planned, around, taken, all_names)
        spec |= _deployed(reader, planned.place, around, taken, tag)
    return {
        "apiVersion": API_VERSION,
        "kind": "DeploymentEnvironment",
        "metadata": {"name": planned.name, "namespace": around.names.namespace},
        "spec": spec,
    }


def _environment_name(reader: Reader, place: Path, taken: set[str]) -> str:
    """Return RASA_ENVIRONMENT: the name in the file, unless another environment has it."""
    wanted = reader.take((*place, "rasaEnvironment"), kinds.TAG)
    own = wanted or _kebab(place[-1].removeprefix("rasa")) or "environment"
    name, number = own[:50].strip("-._") if wanted is None else own, 2
    while name in taken:
        name, number = f"{own[:50]}-{number}", number + 1
    if wanted is not None and name != own:
        reader.by_hand((*place, "rasaEnvironment"), f"another environment has that name: this one is called {name}")
    return name


def _object_name(environment: str, key: str, taken: set[str]) -> str:
    fits = re.fullmatch(SERVICE_NAME_PATTERN, environment) and len(environment) <= MAXIMUM_NAME_LENGTH
    base = environment if fits else (_kebab(environment) or _kebab(key) or "environment")[:50].strip("-")
    name, number = base, 2
    while name in taken:
        name, number = f"{base[:50].strip('-')}-{number}", number + 1
    return name


def _kebab(text: str) -> str:
    """Return a valid name of a Service: lower-case letters, digits and hyphens, beginning with a letter."""
    words = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text).lower()).strip("-")
    return words if words[:1].isalpha() else words and f"environment-{words}"


def _role(key: str, environment: str) -> str | None:
    role = ROLES.get(key)
    return role.value if role is not None and environment != role.lower() else None


def _external(reader: Reader, place: Path, around: Surroundings) -> JsonObject | None:
    """Return an external Rasa server; None without a URL."""
    reader.unused(place, "it runs elsewhere: nothing is deployed")
    url = reader.first([(*place, "external", "host"), (*place, "external", "url")], kinds.URL)
    if url is None:
        reader.by_hand((*place, "external"), "no environment: it runs elsewhere, at no address that can be used")
        return None
    for part in ("url", "host"):
        if (*place, "external", part) not in reader.notes:
            reader.mapped((*place, "external", part), "DeploymentEnvironment: spec.external.url")
    for switch in ((*place, "enabled"), (*place, "external", "enabled")):
        reader.mapped(switch, "DeploymentEnvironment: spec.external")
    if (*place, "rasaEnvironment") not in reader.notes:
        reader.mapped((*place, "rasaEnvironment"), "DeploymentEnvironment: metadata.name, spec.environment")
    return {"url": url, "authToken": reference(around.names.secret, "rasaToken")}


def _deployed(reader: Reader, place: Path, around: Surroundings, taken: Taken, tag: str | None) -> JsonObject:
    """Return the spec of an environment whose Rasa servers the operator runs."""
    replicas = reader.take((*place, "replicaCount"), kinds.REPLICAS)
    if replicas == 0:
        reader.unused((*place, "replicaCount"), "1: the chart's template takes 0 for nothing said, and runs one")
    annotations = reader.take((*place, "service", "annotations"), kinds.TEXTS)
    resources = reader.take((*place, "resources"), kinds.RESOURCES)
    return present(
        tag=tag,
        replicas=replicas if replicas not in (None, 0, 1) else None,
        trackerStore=_own_database(reader, place, around, taken),
        service={"annotations": annotations} if annotations else None,
        resources=resources.model_dump(by_alias=True, exclude_none=True) if resources is not None else None,
        podTemplate=own_pod_template(reader, place, component=_component(reader, place)) or None,
    )


def _component(reader: Reader, place: Path) -> str | None:
    """Return the label that the chart's own NetworkPolicies admit, if it has them (templates/network-policy.yaml)."""
    if reader.take("networkPolicy.enabled", kinds.FLAG) is not True:
        return None
    name = reader.take((*place, "serviceName"), kinds.NAME)
    if name is not None:
        reader.partly(
            (*place, "serviceName"),
            "DeploymentEnvironment: spec.podTemplate.metadata.labels, which the chart's NetworkPolicies admit; the "
            "Service is called <environment>-rasa: change the address in whatever calls the old one",
        )
    return name


def _tag(reader: Reader, planned: Planned, around: Surroundings, taken: Taken, all_names: set[str]) -> str | None:
    """Return the model tag if it differs from the environment's name and is allowed to."""
    place, environment = (*planned.place, "modelTag"), planned.environment
    wanted = reader.take(place, kinds.TAG) or environment
    if wanted == environment:
        return None
    if PROFILES[around.profile].tag_is_environment:
        why = f"with the profile {around.profile} a tag is called as its environment"
    elif wanted in all_names | taken.tags:
        why = "that tag is another environment's, and each has one of its own"
    else:
        taken.tags.add(wanted)
        return wanted
    advice = f"it follows the tag {environment}: put that on the model that it is to serve"
    reader.by_hand(place, f"{why}: {advice}")
    if reader.given(place) is None:
        reader.remarks.append(f"{shown(place)} is {wanted} by the chart's default; {why}: {advice}")
    return None


def creates_databases(reader: Reader) -> bool:
    """Return whether Rasa can create the databases: it does so without quotes, so that a hyphen fails."""
    names = [
        reader.take((*VERSIONS, key, "trackerDatabase"), kinds.DATABASE)
        for key in dict.fromkeys([*OWN_VERSIONS, *reader.mapping(VERSIONS)])
    ]
    return all(name is None or CREATABLE_DATABASE.fullmatch(name) is not None for name in names)


def _own_database(reader: Reader, place: Path, around: Surroundings, taken: Taken) -> JsonObject | None:
    database = reader.take((*place, "trackerDatabase"), kinds.DATABASE)
    if database is None or around.database is None:
        return None
    if database in taken.databases and PROFILES[around.profile].own_queue_and_database:
        reader.by_hand(
            (*place, "trackerDatabase"),
            "another environment has that database, and each has one of its own: this one starts with an empty one, "
            "rasa_<environment>",
        )
        return None
    taken.databases.add(database)
    return {"sql": {"database": database}}
