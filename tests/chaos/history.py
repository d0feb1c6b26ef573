"""The history of the children in a namespace, as the API server shows it to an administrator: each child and token."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from local.api_server import kubeconfig_client
from rasa_environments.cluster.resources import resource_of
from tests.integration.space import ALWAYS_THERE

Child = tuple[str, str]
"""Kind and name."""


class History:
    """Watches the children of every environment from one moment to another."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._uids: dict[Child, list[str]] = defaultdict(list)
        self._tokens: dict[str, list[str]] = defaultdict(list)
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(kind,), daemon=True) for kind in ALWAYS_THERE]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def created(self, kind: str, name: str) -> int:
        """Return how often a child of that name was created."""
        return len(self._uids[kind, name])

    def tokens(self, name: str) -> list[str]:
        """Return the tokens that a Secret has contained, in order."""
        return list(self._tokens[name])

    def _watch(self, kind: str) -> None:
        path = resource_of(kind).path(self._namespace)
        with kubeconfig_client(self._kubeconfig) as client:
            while not self._ends.is_set():
                try:
                    self._follow(client, kind, path)
                except httpx.HTTPError:
                    time.sleep(0.2)  # The test has stopped the API server.

    def _follow(self, client: httpx.Client, kind: str, path: str) -> None:
        """Record what exists and what changes in the next second, until stopped; list again after gaps."""
        listed = client.get(path).raise_for_status().json()
        for item in listed["items"]:
            self._take(kind, item)
        version = listed["metadata"]["resourceVersion"]
        while not self._ends.is_set():
            query = {"watch": "1", "timeoutSeconds": "1", "resourceVersion": version}
            with client.stream("GET", path, params=query) as answer:
                for line in answer.iter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    version = event["object"]["metadata"]["resourceVersion"]
                    self._take(kind, event["object"])

    def _take(self, kind: str, child: dict[str, Any]) -> None:
        name, uid = child["metadata"]["name"], child["metadata"]["uid"]
        if uid not in self._uids[kind, name]:
            self._uids[kind, name].append(uid)
        if kind == "Secret" and (written := child.get("data", {}).get("token")):
            token = base64.b64decode(written).decode()
            if self._tokens[name][-1:] != [token]:
                self._tokens[name].append(token)
