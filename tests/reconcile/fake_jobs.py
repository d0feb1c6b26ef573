"""The Jobs of a cluster, as a verification runs them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import Resource


@dataclass
class FakeListing:
    """A listing."""

    items: list[JsonObject]


@dataclass
class FakeJobs:
    """Jobs that end as a test says, and their pods."""

    jobs: dict[ObjectKey, JsonObject] = field(default_factory=dict)
    pods: dict[str, list[JsonObject]] = field(default_factory=dict)
    """By the name of the Job."""
    fault: ApiError | None = None
    """The answer to every creation, if it fails."""
    created: list[ObjectKey] = field(default_factory=list)
    """Every Job that was ever created, in order."""
    requests: list[str] = field(default_factory=list)

    async def find(self, resource: Resource, key: ObjectKey) -> JsonObject | None:
        """The Job, or None."""
        self.requests.append(f"GET {key.name}")
        return self.jobs.get(key)

    async def create(self, resource: Resource, obj: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """Store the Job, unless it is only checked, or a fault is due."""
        self.requests.append("CHECK" if dry_run else "CREATE")
        if self.fault is not None:
            raise self.fault
        if not dry_run:
            key = ObjectKey(obj["metadata"]["namespace"], obj["metadata"]["name"])
            self.created.append(key)
            self.jobs[key] = deepcopy(obj)
        return obj

    async def delete(self, resource: Resource, key: ObjectKey) -> None:
        """Delete the Job."""
        self.requests.append(f"DELETE {key.name}")
        self.jobs.pop(key, None)

    async def list(self, resource: Resource, namespace: str | None = None, *, label_selector: str = "") -> FakeListing:
        """The pods of a Job."""
        return FakeListing(self.pods.get(label_selector.removeprefix("batch.kubernetes.io/job-name="), []))

    def ends(self, condition: str = "Complete", **details: str) -> None:
        """Every Job has ended with this condition."""
        for job in self.jobs.values():
            job["status"] = {"conditions": [{"type": condition, "status": "True", **details}]}

    def has_pod(self, **status: object) -> None:
        """Every Job has one pod with this status."""
        self.pods = {key.name: [{"metadata": {"name": f"{key.name}-x"}, "status": status}] for key in self.jobs}
