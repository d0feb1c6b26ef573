"""A ModelTag whose models are verified once they have the tag, with the environment's server that serves them."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.queue import Result
from rasa_environments.rasa.replies import Reaction
from tests.reconcile.verification_scene import BAD, CHECK, GOOD, KEY, Scene


class LiveScene(Scene):
    """The tag `live` is on `old`; the spec asks for `new`. Bots answer by the model that they serve."""

    def __init__(self, *, candidate: bool = False, on_failure: str = "Rollback", **spec: Any) -> None:
        stages = {"live": CHECK, "onFailure": on_failure, **({"candidate": CHECK} if candidate else {})}
        self.answers: dict[str, Reaction] = {"old": GOOD}
        self.pulls = True
        super().__init__(**{"verification": stages, **spec})
        self.had_before("old")

    def had_before(self, *models: str) -> None:
        """The tag was on these models, the latest first."""
        history = [
            {"model": name, "hash": self.model_server.hashes[name], "taggedTime": "2026-01-01T00:00:00Z"}
            for name in models
        ]
        tagged = {"name": models[0], "hash": self.model_server.hashes[models[0]]}
        self.wants(taggedModel=tagged, desiredModel=tagged, history=history)

    async def reconcile(self) -> Result:
        """Reconcile the ModelTag, and then the environment, whose server serves what has the tag."""
        if self.pulls:
            self.rasa.model = self.model_server.tags.get("live")
        self.bots.answer = self.answers.get(self.rasa.model or "", GOOD)
        result = await super().reconcile()
        for each in self.state.lister.environments:
            self.has_pod(each.metadata.name)
        return result

    def has_pod(self, environment: str) -> None:
        """An environment's Deployment is available."""
        key = ObjectKey("bots", f"{environment}-rasa")
        deployment = self.children.objects.get(("Deployment", key))
        if deployment is None:
            return
        self.children.has_status("Deployment", key, replicas=1, updatedReplicas=1, availableReplicas=1)
        pod = {
            "metadata": {"name": f"{key.name}-1", "labels": deployment["spec"]["selector"]["matchLabels"]},
            "status": {
                "podIP": "10.0.0.2",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "rasa", "ready": True}],
            },
        }
        self.state.pods.put(ObjectKey("bots", f"{key.name}-1"), pod)

    async def settles(self) -> None:
        """Reconcile until nothing changes any more."""
        for _ in range(40):
            statuses = len(self.api.statuses)
            result = await self.reconcile()
            if self.candidate() is not None:
                self.has_ready_candidate()
            elif result.requeue_after != 0.0 and len(self.api.statuses) == statuses:
                return
        raise AssertionError("it does not come to rest")

    @property
    def stages(self) -> list[tuple[str, str, str | None]]:
        """Model, stage and result of all verifications, the latest first."""
        return [(each.name, each.stage, each.result) for each in self.tag.status.verifications or ()]

    @property
    def rejected(self) -> list[str]:
        """The names of rejected models."""
        return [each.name for each in self.tag.status.rejected or ()]


async def rejected_live(**more: Any) -> LiveScene:
    """A scene in which `new` has just failed."""
    scene = LiveScene(**more)
    scene.answers["new"] = BAD
    await scene.settles()
    return scene


__all__ = ["BAD", "CHECK", "GOOD", "KEY", "LiveScene", "rejected_live"]
