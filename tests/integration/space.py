"""A separate namespace for each test, and the steps that tests are written in."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.resources import resource_of
from tests.api.api_server import Answer, ApiServer, wait_until
from tests.integration.operator_process import OperatorProcess

T = TypeVar("T")

ENVIRONMENT = "DeploymentEnvironment"
OUR_KINDS = ("ModelServer", ENVIRONMENT, "ModelTag")
ALWAYS_THERE = ("ServiceAccount", "Secret", "ConfigMap", "Service", "Deployment")
ON_REQUEST = ("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress")
CHILD_KINDS = (*ALWAYS_THERE, *ON_REQUEST)
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
CONFIRM_DELETION = "rasa-environments.io/confirm-deletion"
"""The annotation that permits deleting a registered production or worker; its value is the name."""
SECONDS = 30.0


@dataclass(frozen=True)
class Objects:
    """A namespace that admits only pods of the level `restricted`, and operations on the objects in it."""

    api: ApiServer
    namespace: str

    def create_namespace(self) -> None:
        """Creates the namespace itself."""
        metadata = {"name": self.namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        answer = self.api.apply(f"/api/v1/namespaces/{self.namespace}", manifest)
        assert answer.accepted, answer.body["message"]

    def path(self, kind: str, name: str | None = None, subresource: str | None = None) -> str:
        """Where an object is, or all of a kind."""
        return resource_of(kind).path(self.namespace, name, subresource)

    def apply(self, *manifests: JsonObject) -> None:
        """Apply manifests as `kubectl apply --server-side` does: fields set only by an earlier one are removed."""
        for manifest in manifests:
            answer = self.try_to_apply(manifest)
            assert answer.accepted, answer.body["message"]

    def try_to_apply(self, manifest: JsonObject) -> Answer:
        """Applies a manifest that may be refused."""
        return self.api.apply(self.path(manifest["kind"], manifest["metadata"]["name"]), manifest)

    def find(self, kind: str, name: str) -> JsonObject | None:
        """The object, or None."""
        answer = self.api.request("GET", self.path(kind, name))
        return answer.body if answer.accepted else None

    def get(self, kind: str, name: str) -> JsonObject:
        """Return the object, which has to exist."""
        answer = self.api.request("GET", self.path(kind, name))
        assert answer.accepted, answer.body["message"]
        return answer.body

    def list(self, kind: str) -> list[JsonObject]:
        """All objects of a kind in the namespace."""
        items: list[JsonObject] = self.api.request("GET", self.path(kind)).body["items"]
        return items

    def patch(self, kind: str, name: str, change: object, subresource: str | None = None) -> JsonObject:
        """Merges a change into an object; null removes."""
        answer = self.api.request("PATCH", self.path(kind, name, subresource), change, headers=MERGE_PATCH)
        assert answer.accepted, answer.body["message"]
        return answer.body

    def delete(self, kind: str, name: str) -> None:
        """Deletes an object, as `kubectl delete` does; of an environment, that is confirmed before."""
        if kind == ENVIRONMENT:
            self.confirm_deletion(name)
        answer = self.api.request("DELETE", self.path(kind, name), {"propagationPolicy": "Background"})
        assert answer.accepted, answer.body["message"]

    def confirm_deletion(self, environment: str) -> None:
        """Confirm that a production or worker may be deleted."""
        self.patch(ENVIRONMENT, environment, {"metadata": {"annotations": {CONFIRM_DELETION: environment}}})

    def child(self, kind: str, environment: str = "production") -> JsonObject:
        """Return a child of an environment, which has to exist."""
        return self.get(kind, f"{environment}-rasa")

    def find_child(self, kind: str, environment: str = "production") -> JsonObject | None:
        """A child of an environment, or None."""
        return self.find(kind, f"{environment}-rasa")

    def token(self, environment: str = "production") -> str:
        """The environment's token."""
        return base64.b64decode(self.child("Secret", environment)["data"]["token"]).decode()

    def status(self, kind: str, name: str) -> JsonObject:
        """The object's status; empty where it has none yet."""
        status: JsonObject = self.get(kind, name).get("status") or {}
        return status

    def condition(self, kind: str, name: str, condition: str) -> JsonObject | None:
        """Return a condition of the object, if it is about the object's current spec."""
        found = self.get(kind, name)
        status = found.get("status") or {}
        if status.get("observedGeneration") != found["metadata"]["generation"]:
            return None
        return next((entry for entry in status.get("conditions") or () if entry["type"] == condition), None)

    @property
    def patience(self) -> float:
        """Time limit for waiting, in seconds."""
        return SECONDS

    def eventually(self, holds: Callable[[], T], what: str, seconds: float | None = None) -> T:
        """Return the result of `holds` once it is true; fail after the time limit, with the state of the objects."""
        results: list[T] = []

        def looked() -> bool:
            results[:] = [holds()]
            return bool(results[0])

        try:
            wait_until(looked, what, self.patience if seconds is None else seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.described()}") from None
        return results[0]

    def wait_for_condition(self, kind: str, name: str, condition: str, **wanted: str) -> JsonObject:
        """Return the condition once it has the given `status`, `reason` and `message`."""

        def matching() -> JsonObject | None:
            found = self.condition(kind, name, condition)
            return found if found is not None and wanted.items() <= found.items() else None

        found = self.eventually(matching, f"{condition} of {kind} {self.namespace}/{name} to be {wanted}")
        assert found is not None
        return found

    def wait_until_ready(self, *environments: str) -> None:
        """Wait until the environments (by default `production`) are Ready at their current spec.

        With no replicas, nothing serves a model: then wait until they are Available.
        """
        for name in environments or ("production",):
            idle = self.get(ENVIRONMENT, name)["spec"].get("replicas") == 0
            self.wait_for_condition(ENVIRONMENT, name, "Available" if idle else "Ready", status="True")

    def wait_until_not_ready(self, reason: str, message: str, environment: str = "production") -> None:
        """Wait until the environment reports that it is not ready, with exactly this reason."""
        self.wait_for_condition(ENVIRONMENT, environment, "Ready", status="False", reason=reason, message=message)

    def described(self) -> str:
        """Return the current custom resources, for the message of a failing test."""
        parts = [
            f"{kind} {item['metadata']['name']} (generation {item['metadata']['generation']}):\n"
            + yaml.safe_dump(item.get("status") or {}, sort_keys=False, width=160)
            for kind in OUR_KINDS
            for item in self.api.request("GET", self.path(kind)).body.get("items", [])
        ]
        return "\n".join([f"In namespace {self.namespace}:", *parts])

    def remove(self) -> None:
        """Delete the custom resources, which ends all checks.

        The namespace ends with the cluster: deleting it costs a lot.
        """
        for environment in self.list(ENVIRONMENT):
            if is_protected(environment):
                self.confirm_deletion(environment["metadata"]["name"])
        for kind in reversed(OUR_KINDS):
            self.api.request("DELETE", self.path(kind))


def is_protected(environment: JsonObject) -> bool:
    """Return whether a DeploymentEnvironment is a production or worker, by name or role."""
    name, spec = environment["metadata"]["name"], environment["spec"]
    names = {name.lower(), spec.get("environment", name).lower()}
    return bool(names & {"production", "worker"}) or spec.get("role", "Custom") != "Custom"


@dataclass(frozen=True)
class Space(Objects):
    """A namespace, and the operator that watches it."""

    operator: OperatorProcess

    def described(self) -> str:
        """Return the current custom resources and the end of the operator's log, for the message of a failing test."""
        return f"{super().described()}\nThe operator's log ends:\n{self.operator.tail()}"
