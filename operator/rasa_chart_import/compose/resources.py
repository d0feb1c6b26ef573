"""The resources for the Rasa servers of a docker-compose file.

Source: the pages "Deployment Environments" of Rasa X 0.2x and 0.32, which add a service to docker-compose.override.yml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rasa_chart_import import kinds
from rasa_chart_import.chart_facts import version_of
from rasa_chart_import.compose import connections
from rasa_chart_import.compose.command import Command, command_of
from rasa_chart_import.compose.mapping import TABLE
from rasa_chart_import.compose.reading import SERVICES, prepared, rasa_servers, with_defaults
from rasa_chart_import.compose.texts import fitting, secret, text
from rasa_chart_import.findings import Path
from rasa_chart_import.model_addresses import BASE, ModelAddress, taken_apart
from rasa_chart_import.names import Names
from rasa_chart_import.placeholders import placeholder_in
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues, looks_secret, text_of
from rasa_chart_import.single_server import environment_name
from rasa_chart_import.sources import HelmRelease, Made, Source, SourceName
from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.deployment_environment import Role
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.entries import present
from rasa_environments.desired.profiles import PROFILES

RASA_X = "http://rasa-x:5002"
"""Address of Rasa X in the vendor's docker-compose.yml."""
MODEL_SERVER = "default"
FULL = "-full"
VENDOR_IMAGE = "rasa/rasa"
ROLES = {"rasa-production": Role.PRODUCTION, "rasa-worker": Role.WORKER}


@dataclass(frozen=True)
class Server:
    """One Rasa server of the file."""

    name: str
    place: Path
    variables: Mapping[str, Any]
    command: Command


def make(reader: Reader, helm: HelmRelease) -> Made:
    """Return the resources for all Rasa servers of the file."""
    names = Names(helm.name, helm.namespace, helm.name, f"{helm.name}-imported")
    secrets = SecretValues(names)
    services = reader.mapping(SERVICES)
    chosen = rasa_servers({SERVICES: services})
    for name in services:
        if name not in chosen:
            reader.unused((SERVICES, name), "it stays with docker-compose: it is no Rasa server")
    servers = [_server(reader, name) for name in chosen]
    profile = _profile(reader, servers)
    taken: set[str] = set()
    made = [_environment(reader, server, profile, secrets, names, taken) for server in servers]
    reader.remarks.append(
        "pods do not find the services of docker-compose by their names: give each host that is named here an address "
        "that the cluster reaches, or a Service of that name"
    )
    return Made((_model_server(reader, servers, profile, secrets, names), *made), secrets, names, ("token",))


def _server(reader: Reader, name: str) -> Server:
    place = (SERVICES, name)
    return Server(name, place, reader.mapping((*place, "environment")), command_of(reader, (*place, "command")))


def _profile(reader: Reader, servers: list[Server]) -> Profile:
    """Return the profile by the command lines, else by the version of Rasa."""
    for server in servers:
        if server.command.config_endpoint:
            return Profile.RASA_X_0_32
        if server.command.is_x:
            return Profile.RASA_X_0_2
    majors = {(version_of(_tag(reader, server)) or (0,))[0] for server in servers}
    return Profile.RASA_X_0_2 if majors == {1} else Profile.RASA_ENTERPRISE_1_0


def _tag(reader: Reader, server: Server) -> str:
    image = reader.given((*server.place, "image"))
    return with_defaults(image).rpartition(":")[2] if isinstance(image, str) else ""


def _address(reader: Reader, server: Server) -> ModelAddress | None:
    place = (*server.place, "environment", "RASA_MODEL_SERVER")
    given = text(reader, place)
    if given is None:
        return None
    found = taken_apart(given)
    if found is None:
        reader.refuse(place, "a ModelServer takes an http(s) URL with a path, and no user name or query")
    return found


def _model_server(
    reader: Reader, servers: list[Server], profile: Profile, secrets: SecretValues, names: Names
) -> JsonObject:
    """Return the ModelServer that all servers pull from; others are told."""
    address: ModelAddress | None = None
    host: str | None = None
    for server in servers:
        found = _address(reader, server)
        if address is not None and found is not None and _base(found) != _base(address):
            reader.refuse((*server.place, "environment", "RASA_MODEL_SERVER"), "it pulls from another server: write it")
        address = address or found
        host = host or fitting(reader, (*server.place, "environment", "RASA_X_HOST"), BASE)
        secret(reader, secrets, (*server.place, "environment", "RASA_X_TOKEN"), names.credentials, "token")
    if address is not None:
        for server in servers:
            reader.unused((*server.place, "environment", "RASA_X_HOST"), "RASA_MODEL_SERVER has the address")
    if address is None and host is None:
        reader.assumed[("RASA_X_HOST",)] = RASA_X
    spec = present(
        url=address.url if address is not None else host or RASA_X,
        profile=profile.value,
        project=address.project if address is not None else None,
        modelPath=address.model_path if address is not None else None,
        credentialsSecretRef={"name": names.credentials},
    )
    metadata = {"name": MODEL_SERVER, "namespace": names.namespace}
    return {"apiVersion": API_VERSION, "kind": "ModelServer", "metadata": metadata, "spec": spec}


def _base(address: ModelAddress) -> tuple[str, str | None, str | None]:
    return address.url, address.model_path, address.project


def _environment(
    reader: Reader, server: Server, profile: Profile, secrets: SecretValues, names: Names, taken: set[str]
) -> JsonObject:
    place = (*server.place, "environment")
    address = _address(reader, server)
    own = reader.take((*place, "RASA_ENVIRONMENT"), kinds.TAG)
    environment = own or (address.tag if address is not None else server.name.removeprefix("rasa-"))
    name = environment_name(environment, "")
    while name in taken:
        name = f"{name}-2"
    taken.add(name)
    tag = address.tag if address is not None and address.tag != environment else None
    if tag is not None and PROFILES[profile].tag_is_environment:
        reader.partly(
            (*place, "RASA_MODEL_SERVER"),
            f"with the profile {profile} a tag is called as its environment: tag {environment}",
        )
        tag = None
    role = ROLES.get(server.name)
    spec = present(
        environment=environment if environment != name else None,
        tag=tag,
        role=role.value if role is not None and environment != role.lower() else None,
        replicas=_replicas(reader, server),
        rasa={**_image(reader, server, profile), **server.command.spec} or None,
        model=connections.pulls(reader, place),
        authToken=secret(reader, secrets, (*place, "RASA_TOKEN")),
        jwt=connections.jwt(reader, secrets, place),
        trackerStore=_wrapped("sql", connections.database(reader, secrets, place)),
        eventBroker=_wrapped("rabbitmq", connections.broker(reader, secrets, place)),
        lockStore=_wrapped("redis", connections.redis(reader, secrets, place)),
        actionEndpoint=connections.actions(reader, place),
        podTemplate=_pod(reader, secrets, server),
    )
    metadata = {"name": name, "namespace": names.namespace}
    return {"apiVersion": API_VERSION, "kind": "DeploymentEnvironment", "metadata": metadata, "spec": spec}


def _wrapped(kind: str, found: JsonObject | None) -> JsonObject | None:
    return {kind: found} if found is not None else None


def _replicas(reader: Reader, server: Server) -> int | None:
    found = reader.first([(*server.place, "deploy", "replicas"), (*server.place, "scale")], kinds.REPLICAS)
    return found if found != 1 else None


def _image(reader: Reader, server: Server, profile: Profile) -> JsonObject:
    """Return `version` or `image`; a variable with no default is told."""
    place = (*server.place, "image")
    given = reader.given(place)
    if not isinstance(given, str):
        reader.remarks.append(f"service {server.name} has no image: set spec.rasa.version of its environment")
        return {}
    whole = with_defaults(given)
    repository, _, tag = whole.rpartition(":")
    number = tag.removesuffix(FULL)
    if "$" in whole or version_of(number) is None:
        reader.by_hand(place, "is not carried over: it names no version; set spec.rasa.version to what runs now")
        return {}
    if whole != given:
        reader.partly(place, "spec.rasa, by the default of its variable: .env may set another version")
    major = (version_of(number) or (0,))[0]
    try:
        if repository == VENDOR_IMAGE and tag.endswith(FULL) and major in PROFILES[profile].majors:
            return {"version": kinds.VERSION.validate_python(number)}
        return {"image": kinds.IMAGE.validate_python(whole)}
    except ValueError:
        reader.refuse(place, "it is no image such as rasa/rasa:3.6.21-full")
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
                f"{name} of service {server.name} is taken from the shell: set it in spec.podTemplate"
            )
            continue
        plain = text_of(value)
        if placeholder_in(plain) is not None or (looks_secret(name, plain) and plain):
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
