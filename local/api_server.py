"""An administrator's plain requests to the API server of a kubeconfig."""

import base64
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from local.processes import ProcessFailedError

FIELD_MANAGER = "rasa-environments-local"


class RefusedError(ProcessFailedError):
    """The API server rejected a request; the message is its own, and `status` its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ApiServer:
    """Requests as the user of the kubeconfig's first context, which must have a token or a certificate."""

    def __init__(self, kubeconfig: Path) -> None:
        self._client = kubeconfig_client(kubeconfig)

    def get(self, path: str) -> dict[str, Any]:
        """Return the object or list at the path. Raises RefusedError."""
        return self._answered(self._client.get(path))

    def find(self, path: str) -> dict[str, Any] | None:
        """Return the object or list at the path, or None if there is none."""
        try:
            return self.get(path)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post the body to the path and return the response. Raises RefusedError."""
        return self._answered(self._client.post(path, json=body))

    def patch(self, path: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """Return the object at the path with some of its fields changed (RFC 7386). Raises Refused."""
        headers = {"Content-Type": "application/merge-patch+json"}
        return self._answered(self._client.patch(path, json=change, headers=headers))

    def delete(self, path: str) -> dict[str, Any]:
        """Delete the object at the path and return the response. Raises RefusedError."""
        return self._answered(self._client.delete(path))

    def apply(self, document: Mapping[str, Any], namespace: str = "default") -> dict[str, Any]:
        """Apply a document of any kind that the server knows (server-side apply), and return it as stored.

        `namespace` is the default for namespaced kinds. Raises RefusedError.
        """
        response = self._client.patch(
            self.path_of(document, namespace),
            params={"fieldManager": FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            content=yaml.safe_dump(dict(document)).encode(),
        )
        return self._answered(response)

    def path_of(self, document: Mapping[str, Any], namespace: str = "default") -> str:
        """Return the path of a document, by the server's own list of resources.

        Raises RefusedError for an unknown kind.
        """
        version, kind, metadata = document["apiVersion"], document["kind"], document["metadata"]
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        for resource in self.get(base)["resources"]:
            if resource["kind"] == kind and "/" not in resource["name"]:
                scope = f"/namespaces/{metadata.get('namespace', namespace)}" if resource["namespaced"] else ""
                return f"{base}{scope}/{resource['name']}/{metadata['name']}"
        raise RefusedError(404, f"the API server serves no {kind} of {version}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    @staticmethod
    def _answered(response: httpx.Response) -> dict[str, Any]:
        if response.is_success:
            return dict(response.json())
        is_status = response.headers.get("Content-Type", "").startswith("application/json")
        message = response.json().get("message", "") if is_status else response.text.strip()
        request = f"{response.request.method} {response.request.url.path}"
        raise RefusedError(response.status_code, f"{request} was answered with {response.status_code}: {message}")


def kubeconfig_client(kubeconfig: Path) -> httpx.Client:
    """Return an HTTP client for the server and user of the kubeconfig's first context, with token or certificate."""
    configuration = yaml.safe_load(kubeconfig.read_text())
    cluster = configuration["clusters"][0]["cluster"]
    user = configuration["users"][0]["user"]
    trust = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    if "client-certificate-data" in user:
        _load_certificate(trust, user)
    headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
    return httpx.Client(base_url=cluster["server"], headers=headers, verify=trust, trust_env=False, timeout=30)


def _load_certificate(trust: ssl.SSLContext, user: Mapping[str, str]) -> None:
    """Load the user's certificate into the client's context; ssl reads it from a file only."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")))
        file.flush()
        trust.load_cert_chain(file.name)
