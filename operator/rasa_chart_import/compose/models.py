"""The ModelServer for the Rasa servers of a docker-compose file, and its profile."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_chart_import.chart_facts import version_of
from rasa_chart_import.compose.reading import SERVICES
from rasa_chart_import.compose.server import Server
from rasa_chart_import.compose.texts import fitting, secret, text
from rasa_chart_import.model_addresses import BASE, ModelAddress, taken_apart
from rasa_chart_import.names import Names
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues
from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.entries import present

RASA_X = "http://rasa-x:5002"
"""Address of Rasa X in the vendor's docker-compose.yml."""
RASA_X_IMAGE = re.compile(r"(^|/)rasa-x(-ee)?(:|@|$)")
OF_RASA_X = ("RASA_X_HOST", "RASA_X_TOKEN", "RASA_ENVIRONMENT", "RASA_MODEL_SERVER")
"""Variables of a Rasa server that is beside Rasa X."""
MODEL_SERVER = "default"


def profile_of(reader: Reader, servers: Sequence[Server]) -> Profile:
    """Return the profile by the images and the command lines, else by the version of Rasa."""
    if servers and all(server.is_pro for server in servers):
        return Profile.RASA_PRO
    for server in servers:
        if server.command.config_endpoint:
            return Profile.RASA_X_0_32
        if server.command.is_x:
            return Profile.RASA_X_0_2
    if not is_beside_rasa_x(reader, servers):
        return Profile.OPEN_SOURCE
    majors = {(version_of(server.tag) or (0,))[0] for server in servers}
    return Profile.RASA_X_0_2 if majors == {1} else Profile.RASA_ENTERPRISE_1_0


def is_beside_rasa_x(reader: Reader, servers: Sequence[Server]) -> bool:
    """Return whether anything in the file says that there is a Rasa X."""
    services: Mapping[str, Any] = reader.mapping(SERVICES)
    images = [service.get("image") for service in services.values() if isinstance(service, Mapping)]
    return (
        any(isinstance(image, str) and RASA_X_IMAGE.search(image) for image in images)
        or any(server.command.is_x or server.command.config_endpoint for server in servers)
        or any(name in server.variables for server in servers for name in OF_RASA_X)
    )


def address_of(reader: Reader, server: Server) -> ModelAddress | None:
    """Return where a server pulls its model from."""
    place = (*server.place, "environment", "RASA_MODEL_SERVER")
    given = text(reader, place)
    if given is None:
        return None
    found = taken_apart(given)
    if found is None:
        reader.refuse(place, "a ModelServer takes an http(s) URL with a path, and no user name or query")
    return found


def model_server(
    reader: Reader, servers: Sequence[Server], profile: Profile, secrets: SecretValues, names: Names
) -> JsonObject | None:
    """Return the ModelServer that all servers pull from, and note others; None if they pull from none."""
    address: ModelAddress | None = None
    host: str | None = None
    for server in servers:
        found = address_of(reader, server)
        if address is not None and found is not None and _base(found) != _base(address):
            reader.refuse((*server.place, "environment", "RASA_MODEL_SERVER"), "it pulls from another server: write it")
        address = address or found
        host = host or fitting(reader, (*server.place, "environment", "RASA_X_HOST"), BASE)
        secret(reader, secrets, (*server.place, "environment", "RASA_X_TOKEN"), names.credentials, "token")
    if address is not None:
        for server in servers:
            reader.unused((*server.place, "environment", "RASA_X_HOST"), "RASA_MODEL_SERVER has the address")
    if address is None and host is None:
        if not is_beside_rasa_x(reader, servers):
            reader.remarks.append(
                f"the file names no model server: create ModelServer {MODEL_SERVER}, and tag a model with the name of "
                "each environment there (docs/how-to/serve-models-from-plain-files.md, store-models-in-a-bucket.md)"
            )
            return None
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
