"""Services by name, for processes on this machine that would run in the cluster.

Does what DNS and kube-proxy do in a cluster: `production-rasa.bots.svc` resolves to the ready pods that the Service
selects, as the API server has them at that moment. It knows nothing else of the pods, and changes no request. The
requesting process is any Python; see service_names/sitecustomize.py.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from local.api_server import ApiServer, RefusedError
from rasa_environments.api.base import JsonObject


@contextlib.contextmanager
def service_network(kubeconfig: Path) -> Iterator[dict[str, str]]:
    """The variables with which a Python process finds the Services of that cluster."""
    with ApiServer(kubeconfig) as api, ThreadingHTTPServer(("127.0.0.1", 0), _handler(api)) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        names = Path(__file__).parent / "service_names"
        yield {"PYTHONPATH": str(names), "SERVICE_NETWORK": f"http://127.0.0.1:{server.server_address[1]}"}
        server.shutdown()


def addresses_of(api: ApiServer, host: str) -> list[str]:
    """Return the addresses of the ready pods behind `<service>.<namespace>.svc`; none if there is no such Service."""
    name, namespace = host.split(".")[:2]
    core = f"/api/v1/namespaces/{namespace}"
    service = api.find(f"{core}/services/{name}")
    if service is None:
        return []
    selector = ",".join(f"{label}={value}" for label, value in service["spec"]["selector"].items())
    pods = api.get(f"{core}/pods?labelSelector={quote(selector)}")["items"]
    return [pod["status"]["podIP"] for pod in pods if takes_requests(pod, service["spec"]["ports"])]


def takes_requests(pod: JsonObject, ports: list[JsonObject]) -> bool:
    """Return whether the pod is ready and not terminating. Raises ValueError for a Service that maps ports."""
    open_ports = {port["name"]: port["containerPort"] for item in pod["spec"]["containers"] for port in item["ports"]}
    for port in ports:
        if open_ports.get(port["targetPort"], port["targetPort"]) != port["port"]:
            raise ValueError(f"the Service's port {port['port']} leads to port {port['targetPort']} of its pods")
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any((entry["type"], entry["status"]) == ("Ready", "True") for entry in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _handler(api: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                body = json.dumps(addresses_of(api, self.path.removeprefix("/"))).encode()
            except (RefusedError, ValueError) as error:
                self.send_error(500, str(error))
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
