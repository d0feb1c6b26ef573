"""A small client of the real API server for the tests of the resources."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.api_server import kubeconfig_client
from rasa_environments.api.base import GROUP, VERSION, JsonObject
from rasa_environments.cluster.decoding import decode

PLURALS = {
    "ModelServer": "modelservers",
    "DeploymentEnvironment": "deploymentenvironments",
    "ModelTag": "modeltags",
}
NAMESPACE = "api-tests"


@dataclass(frozen=True)
class Answer:
    """An answer of the API server."""

    status: int
    body: JsonObject

    @property
    def accepted(self) -> bool:
        """Whether the API server accepted the object."""
        return self.status < 300

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Field and message of each error."""
        return [(cause["field"], cause["message"]) for cause in self.body.get("details", {}).get("causes", [])]


class ApiServer:
    """A client with the administrator's rights from a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self._client = kubeconfig_client(kubeconfig)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(self, method: str, path: str, body: object = None, **options: Any) -> Answer:
        """Send one request; `options` are those of httpx."""
        response = self._client.request(method, path, json=body, **options)
        is_object = response.headers.get("Content-Type", "").startswith("application/json")
        body = decode(response.content, repair=True) if is_object else {"message": response.text}
        return Answer(response.status_code, body)

    def create(self, obj: JsonObject, *, dry_run: bool = True, strict: bool = False) -> Answer:
        """Create a custom resource; by default only as a dry run."""
        query = {"fieldValidation": "Strict" if strict else "Ignore", **({"dryRun": "All"} if dry_run else {})}
        return self.request("POST", collection(obj["kind"]), obj, params=query)

    def patch(self, kind: str, name: str, change: object, subresource: str = "") -> Answer:
        """Merge `change` into an object or its subresource."""
        content_type = {"Content-Type": "application/merge-patch+json"}
        return self.request("PATCH", f"{collection(kind)}/{name}{subresource}", change, headers=content_type)

    def delete(self, kind: str, name: str) -> Answer:
        """Delete an object."""
        return self.request("DELETE", f"{collection(kind)}/{name}")

    def apply(self, path: str, obj: Mapping[str, Any]) -> Answer:
        """Apply any object, taking over fields of others."""
        return self.request(
            "PATCH",
            path,
            obj,
            params={"fieldManager": "tests", "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
        )


def collection(kind: str) -> str:
    """Return the path of the objects of a kind in the namespace of these tests."""
    return f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/{PLURALS[kind]}"


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait until the condition holds, polling ever more slowly; fail after `seconds`, saying what was waited for."""
    start = time.monotonic()
    while not holds():
        waited = time.monotonic() - start
        assert waited < seconds, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(min(max(0.05, waited / 20), 0.25))
