"""The pods of each environment, as little of them as is needed."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.desired.context import INSTANCE_LABEL
from rasa_environments.judge.findings import PodFacts, pod_facts


class Pods:
    """Pods by environment."""

    def __init__(self) -> None:
        self._environments: dict[ObjectKey, ObjectKey] = {}
        self._facts: dict[ObjectKey, dict[ObjectKey, PodFacts]] = {}

    def of(self, environment: ObjectKey) -> tuple[PodFacts, ...]:
        """The environment's pods, by name."""
        facts = self._facts.get(environment, {})
        return tuple(facts[key] for key in sorted(facts))

    def put(self, key: ObjectKey, pod: JsonObject | None) -> ObjectKey | None:
        """Keeps a pod, or forgets it (None); returns its environment where something that matters moved."""
        if pod is None:
            environment = self._environments.pop(key, None)
            if environment is None:
                return None
            pods = self._facts[environment]
            pods.pop(key, None)
            if not pods:
                del self._facts[environment]
            return environment
        environment = ObjectKey(key.namespace, pod["metadata"]["labels"][INSTANCE_LABEL])
        facts = pod_facts(pod)
        self._environments[key] = environment
        pods = self._facts.setdefault(environment, {})
        if pods.get(key) == facts:
            return None
        pods[key] = facts
        return environment


def pod_essentials(pod: JsonObject) -> JsonObject:
    """As much of a pod as a cache has to hold to know its versions apart."""
    metadata = pod["metadata"]
    return {
        "metadata": {name: metadata.get(name) for name in ("namespace", "name", "uid", "resourceVersion", "labels")}
    }
