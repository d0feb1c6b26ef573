"""Finding secret values in anything that a cluster and its processes leave behind."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import yaml

from rasa_environments.api.base import JsonObject
from tests.api.api_server import ApiServer
from tests.integration.space import Space

NO_SECRETS = frozenset({"username"})
"""Keys in Secrets whose values are not secret."""


def found_in(text: str, secrets: Iterable[str]) -> set[str]:
    """Return those of the secret values that a text contains in any form."""
    return {secret for secret in secrets if any(form in text for form in forms(secret))}


def forms(secret: str) -> Iterator[str]:
    """Return a value as it is, as in a URL, and as in base64 of any text around it (RFC 4648)."""
    yield secret
    yield quote(secret, safe="")
    for skipped in range(3):
        encoded = base64.b64encode(b"\0" * skipped + secret.encode())
        whole = (len(secret) + skipped) // 3 * 4  # what does not depend on the text behind
        middle = encoded[-(-skipped * 8 // 6) : whole].decode()  # nor on the text before
        yield middle
        yield middle.translate(str.maketrans("+/", "-_"))


def secret_values(space: Space) -> set[str]:
    """Return every secret value in the Secrets of a namespace; of a file of environments, each token in it."""
    values = set()
    for item in space.list("Secret"):
        for key, encoded in (item.get("data") or {}).items():
            value = base64.b64decode(encoded).decode()
            if key.endswith(".yml"):
                values |= {entry["token"] for entry in yaml.safe_load(value)["rasa"].values()}
            elif key not in NO_SECRETS:
                values.add(value)
    return values


def all_objects(api: ApiServer, namespace: str, *, secrets: bool = False) -> str:
    """All objects of all kinds that the API server has in a namespace; or the Secrets alone."""
    texts = []
    for base in bases(api):
        for resource in api.request("GET", base).body["resources"]:
            name, listed = resource["name"], "list" in resource["verbs"]
            if listed and resource["namespaced"] and (base == "/api/v1" and name == "secrets") == secrets:
                texts.append(json.dumps(api.request("GET", f"{base}/namespaces/{namespace}/{name}").body))
    return "\n".join(texts)


def bases(api: ApiServer) -> list[str]:
    """The paths of the core group and of each version of each other group."""
    groups: list[JsonObject] = api.request("GET", "/apis").body["groups"]
    return ["/api/v1", *(f"/apis/{version['groupVersion']}" for group in groups for version in group["versions"])]
