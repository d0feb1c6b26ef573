"""The resources for the Rasa servers of a docker-compose file.

Source: the pages "Deployment Environments" of Rasa X 0.2x and 0.32, which add a service to docker-compose.override.yml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa_chart_import import kinds
from rasa_chart_import.chart_facts import version_of
from rasa_chart_import.compose import connections
from rasa_chart_import.compose.mapping import TABLE
from rasa_chart_import.compose.models import address_of, model_server, profile_of
from rasa_chart_import.compose.reading import SERVICES, prepared, rasa_servers
from rasa_chart_import.compose.server import Server, server_of
from rasa_chart_import.compose.texts import missing, option, secret
from rasa_chart_import.model_addresses import ModelAddress
from rasa_chart_import.names import Names
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues, looks_secret, text_of
from rasa_chart_import.single_server import environment_name
from rasa_chart_import.sources import HelmRelease, Made, Source, SourceName
from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.deployment_environment import Role
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.entries import present
from rasa_environments.desired.profiles import PROFILES

FULL = "-full"
VENDOR_IMAGE = "rasa/rasa"
LICENSES = ("RASA_LICENSE", "RASA_PRO_LICENSE")
ROLES = {"rasa-production": Role.PRODUCTION, "rasa-worker": Role.WORKER}


@dataclass
class Taken:
    """What environments have already, and no other may have."""

    environments: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)


def make(reader: Reader, helm: HelmRelease) -> Made:
    """Return the resources for all Rasa servers of the file."""
    names = Names(helm.name, helm.namespace, helm.name, f"{helm.name}-imported")
    secrets = SecretValues(names)
    services = reader.mapping(SERVICES)
    chosen = rasa_servers({SERVICES: services})
    for name in services:
        if name not in chosen:
            reader.unused((SERVICES, name), "it stays with docker-compose: it is no Rasa server")
    servers = [server_of(reader, name) for name in chosen]
    profile = profile_of(reader, servers)
    server = model_server(reader, servers, profile, secrets, names)
    taken = Taken()
    made = [_environment(reader, server, profile, secrets, names, taken) for server in servers]
    reader.remarks.append(
        "pods do not find the services of docker-compose by their names: give each host that is named here an address "
        "that the cluster reaches, or a Service of that name"
    )
    if server is None:
        return Made(made, secrets, names, ())
    return Made((server, *made), secrets, names, ("token",))


def _environment(
    reader: Reader, server: Server, profile: Profile, secrets: SecretValues, names: Names, taken: Taken
) -> JsonObject:
    place = (*server.place, "environment")
    address = address_of(reader, server)
    environment = _environment_of(reader, server, address, taken)
    name = environment_name(environment, "")
    tag = address.tag if address is not None and address.tag != environment else None
    if tag is not None and (PROFILES[profile].tag_is_environment or tag in taken.tags):
        reader.partly(
            (*place, "RASA_MODEL_SERVER"),
            f"each environment has a tag of its own: it follows the tag {environment}: put that on the model that it "
            "is to serve",
        )
        tag = None
    taken.tags.add(tag or environment)
    role = ROLES.get(server.name)
    spec = present(
        environment=environment if environment != name else None,
        tag=tag,
        role=role.value if role is not None and environment != role.lower() else None,
        replicas=_replicas(reader, server),
        profile=Profile.RASA_PRO.value if server.is_pro and profile is not Profile.RASA_PRO else None,
        rasa={**_image(reader, server, profile), **_license(reader, secrets, server), **server.command.spec} or None,
        model=connections.pulls(reader, place),
        authToken=secret(reader, secrets, (*place, "RASA_TOKEN"))
        or option(secrets, server.command.auth_token, "RASA_TOKEN"),
        jwt=connections.jwt(reader, secrets, place, server.command),
        trackerStore=_wrapped("sql", connections.database(reader, secrets, place)),
        eventBroker=_wrapped("rabbitmq", connections.broker(reader, secrets, place)),
        lockStore=_wrapped("redis", connections.redis(reader, secrets, place)),
        actionEndpoint=connections.actions(reader, place),
        podTemplate=_pod(reader, secrets, server),
    )
    metadata = {"name": name, "namespace": names.namespace}
    return {"apiVersion": API_VERSION, "kind": "DeploymentEnvironment", "metadata": metadata, "spec": spec}


def _environment_of(reader: Reader, server: Server, address: ModelAddress | None, taken: Taken) -> str:
    """Return RASA_ENVIRONMENT, else the tag, else what the service is called; a second one of a name gets another."""
    place = (*server.place, "environment", "RASA_ENVIRONMENT")
    own = reader.take(place, kinds.TAG)
    service = server.name.removeprefix("rasa-")
    wanted = own or (address.tag if address is not None and address.tag not in taken.environments else service)
    environment, number = wanted, 2
    while environment in taken.environments or environment_name(environment, "") in taken.names:
        environment, number = f"{wanted}-{number}", number + 1
    if own is not None and environment != own:
        reader.by_hand(place, f"another service has that name: this environment is called {environment}")
    taken.environments.add(environment)
    taken.names.add(environment_name(environment, ""))
    return environment


def _wrapped(kind: str, found: JsonObject | None) -> JsonObject | None:
    return {kind: found} if found is not None else None


def _replicas(reader: Reader, server: Server) -> int | None:
    found = reader.first([(*server.place, "deploy", "replicas"), (*server.place, "scale")], kinds.REPLICAS)
    return found if found != 1 else None


def _image(reader: Reader, server: Server, profile: Profile) -> JsonObject:
    """Return `version` or `image`."""
    place = (*server.place, "image")
    if not server.image:
        reader.by_hand(
            (*server.place, "build"), "push the image to a registry that the cluster pulls from: set spec.rasa.image"
        )
        reader.remarks.append(f"service {server.name} has no image: set spec.rasa.version of its environment")
        return {}
    repository, _, tag = server.image.rpartition(":")
    number = tag.removesuffix(FULL)
    major = (version_of(number) or (0,))[0]
    try:
        if repository == VENDOR_IMAGE and tag.endswith(FULL) and major in PROFILES[profile].majors:
            return {"version": kinds.VERSION.validate_python(number)}
        return {"image": kinds.IMAGE.validate_python(server.image)}
    except ValueError:
        reader.refuse(place, "it is no image such as rasa/rasa:3.6.21-full: set spec.rasa.version to what runs now")
        return {}


def _license(reader: Reader, secrets: SecretValues, server: Server) -> JsonObject:
    """Return `license` of Rasa Pro, which reads the first of its two variables that is set."""
    for name in LICENSES:
        found = secret(reader, secrets, (*server.place, "environment", name))
        if found is not None and server.is_pro:
            return {"license": found}
    return {}


def _pod(reader: Reader, secrets: SecretValues, server: Server) -> JsonObject | None:
    """Return `podTemplate`, with the variables that have no field of their own."""
    place = (*server.place, "environment")
    made = []
    for name, value in server.variables.items():
        entry = TABLE.entry_of((*place, name))
        if entry is None or entry.paths != ("services.*.environment",):
            continue
        if value is None:
            reader.remarks.append(
                f"{name} of service {server.name} has no value here: set it in spec.podTemplate if the server needs it"
            )
            continue
        plain = text_of(value)
        if missing(value) is not None or (looks_secret(name, plain) and plain):
            made.append({"name": name, "valueFrom": secret(reader, secrets, (*place, name))})
        else:
            made.append({"name": name, "value": plain})
    return {"spec": {"containers": [{"name": "rasa", "env": made}]}} if made else None


def _recognises(values: Mapping[str, Any]) -> bool:
    return bool(rasa_servers(values))


SOURCE = Source(
    name=SourceName.COMPOSE,
    title="docker-compose",
    table=TABLE,
    make=make,
    prepare=prepared,
    recognise=_recognises,
    free_form=((SERVICES,),),
    ignored=lambda path: path[0].startswith("x-"),
)
