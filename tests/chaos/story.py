"""User actions during a fault, at the API server itself, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION
from tests.chaos.calls import Call
from tests.chaos.history import History
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A, MODEL_B, ModelServerProcess
from tests.integration.space import ALWAYS_THERE, ENVIRONMENT, Objects

TAG = "ModelTag"


@dataclass
class Story:
    """One environment is promoted, rotated and loses a child; one is deleted, and one created."""

    space: Objects
    server: ModelServerProcess
    history: History
    name: str
    _before: dict[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> str:
        """The environment that stays."""
        return f"{self.name}-kept"

    @property
    def left(self) -> str:
        """The environment that is deleted."""
        return f"{self.name}-left"

    @property
    def come(self) -> str:
        """The environment that is created."""
        return f"{self.name}-come"

    def prepare(self) -> None:
        """All is well before the fault."""
        for tag in (self.left, self.come):
            self.server.put_tag(MODEL_A, tag)
        self.space.apply(model_tag(self.kept, model=MODEL_A), environment(self.kept), environment(self.left))
        self.space.wait_until_ready(self.kept, self.left)
        self.space.wait_for_condition(TAG, self.kept, "Tagged", status="True")
        self._before = {"token": self.space.token(self.kept), "service": self._service_uid()}

    def act(self) -> None:
        """What users do."""
        self.space.apply(environment(self.come))
        self.space.patch(TAG, self.kept, {"spec": {"model": MODEL_B}})
        self.space.patch(ENVIRONMENT, self.kept, {"metadata": {"annotations": {ROTATE_TOKEN_ANNOTATION: self.name}}})
        self.space.delete(ENVIRONMENT, self.left)
        for kind in ALWAYS_THERE:
            self._collect(kind)
        self.space.delete("Service", f"{self.kept}-rasa")

    def _collect(self, kind: str) -> None:
        """Do the garbage collector's work, which in a new cluster may take 30 s to know a CRD."""
        self.space.api.request("DELETE", self.space.path(kind, f"{self.left}-rasa"))

    def pending(self) -> list[str]:
        """Return what has not recovered yet; empty once it has converged."""
        return [*self.pending_in_cluster(), *self._pending_promotion()]

    def pending_in_cluster(self) -> list[str]:
        """Return the same, without what needs the model server."""
        return [text for text, holds in self._facts() if not holds]

    def _facts(self) -> Iterator[tuple[str, bool]]:
        kept = self.space.find(ENVIRONMENT, self.kept) or {}
        secret = self.space.find_child("Secret", self.kept)
        yield (
            "the rotation is not acknowledged",
            (kept.get("status") or {}).get("lastHandledRotateTokenAt") == self.name,
        )
        yield (
            "the token is not rotated",
            secret is not None and self.space.token(self.kept) != self._before["token"],
        )
        yield "the deleted Service is not back", self._service_uid() not in {"", self._before["service"]}
        for kind in ALWAYS_THERE:
            yield f"the new environment has no {kind}", self.space.find_child(kind, self.come) is not None

    def is_promoted(self) -> bool:
        """Return whether the model server has the tag on the new model."""
        return self.server.tags().get(self.kept) == MODEL_B

    def _pending_promotion(self) -> list[str]:
        tag, kept = self.space.find(TAG, self.kept), self.space.find(ENVIRONMENT, self.kept)
        come = self.space.find(ENVIRONMENT, self.come)
        wanted = ((kept or {}).get("status") or {}).get("desiredModel", {}).get("name")
        tagged = ((tag or {}).get("status") or {}).get("taggedModel", {}).get("name")
        facts = {
            f"the tag is not on {MODEL_B}": self.is_promoted(),
            "the ModelTag is not Ready": is_ready(tag),
            f"the ModelTag is not on {MODEL_B}": tagged == MODEL_B,
            f"the environment does not want {MODEL_B}": wanted == MODEL_B,
            "the environment is not Ready": is_ready(kept),
            "the new environment is not Ready": is_ready(come),
        }
        return [text for text, holds in facts.items() if not holds]

    def side_effects(self) -> list[str]:
        """Return what has happened more often than it should have, once it has converged."""
        return [text for text, holds in self._once() if not holds]

    def _once(self) -> Iterator[tuple[str, bool]]:
        for name, times in ((self.kept, 2), (self.come, 1)):
            tokens = len(self.history.tokens(f"{name}-rasa"))
            yield f"{name} has had {tokens} tokens instead of {times}", tokens == times
        for kind in ALWAYS_THERE:
            kept = 2 if kind == "Service" else 1
            for name, times in ((self.kept, kept), (self.come, 1), (self.left, 1)):
                created = self.history.created(kind, f"{name}-rasa")
                yield f"the {kind} of {name} was created {created} times instead of {times}", created == times

    def puts(self, calls: list[Call]) -> list[Call]:
        """Return those of these calls to the model server that set the promoted tag."""
        return [call for call in calls if call.method == "PUT" and call.path.endswith(f"/{MODEL_B}/tags/{self.kept}")]

    def clear(self) -> None:
        """Deletes everything of this story."""
        for kind, names in ((TAG, (self.kept,)), (ENVIRONMENT, (self.kept, self.left, self.come))):
            for name in names:
                self.space.api.request("DELETE", self.space.path(kind, name))
        for tag in {self.kept, self.left, self.come} & self.server.tags().keys():
            self.server.delete_tag(tag)

    def _service_uid(self) -> str:
        service = self.space.find_child("Service", self.kept)
        return "" if service is None else str(service["metadata"]["uid"])


def is_ready(obj: JsonObject | None) -> bool:
    """Return whether an object is Ready at its current spec."""
    if obj is None:
        return False
    status = obj.get("status") or {}
    conditions = {entry["type"]: entry["status"] for entry in status.get("conditions") or ()}
    return status.get("observedGeneration") == obj["metadata"]["generation"] and conditions.get("Ready") == "True"
