"""The pods of each environment, reduced to the necessary facts."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.shapes import mapping, text
from rasa_environments.desired.context import CANDIDATE_LABEL, INSTANCE_LABEL
from rasa_environments.domain.facts import PodFacts, pod_facts


class Pods:
    """Pods by environment."""

    def __init__(self) -> None:
        self._environments: dict[ObjectKey, ObjectKey] = {}
        self._facts: dict[ObjectKey, dict[ObjectKey, PodFacts]] = {}

    def of(self, environment: ObjectKey) -> tuple[PodFacts, ...]:
        """Return the pods of the environment's Rasa servers, by name."""
        return tuple(pod for pod in self._all(environment) if not (pod.of_action_server or pod.of_candidate))

    def of_action_server(self, environment: ObjectKey) -> tuple[PodFacts, ...]:
        """Return the pods of the environment's action server, by name."""
        return tuple(pod for pod in self._all(environment) if pod.of_action_server)

    def of_candidate(self, environment: ObjectKey) -> tuple[PodFacts, ...]:
        """Return the pods of the environment's candidate, by name."""
        return tuple(pod for pod in self._all(environment) if pod.of_candidate)

    def put(self, key: ObjectKey, pod: JsonObject | None) -> tuple[ObjectKey, ...]:
        """Store a pod, or remove it (None); return the environments for which relevant facts changed.

        A pod belongs to the environment that its labels now name: people relabel pods to take them out of service.
        """
        before, now = self._environments.get(key), None if pod is None else environment_of(key, pod)
        moved = []
        if before is not None and before != now:
            self._remove(key, before)
            moved.append(before)
        if pod is not None and now is not None:
            facts = pod_facts(pod)
            pods = self._facts.setdefault(now, {})
            if pods.get(key) != facts:
                pods[key] = facts
                self._environments[key] = now
                moved.append(now)
        return tuple(moved)

    def _all(self, environment: ObjectKey) -> tuple[PodFacts, ...]:
        facts = self._facts.get(environment, {})
        return tuple(facts[key] for key in sorted(facts))

    def _remove(self, key: ObjectKey, environment: ObjectKey) -> None:
        del self._environments[key]
        pods = self._facts[environment]
        del pods[key]
        if not pods:
            del self._facts[environment]


def environment_of(key: ObjectKey, pod: JsonObject) -> ObjectKey | None:
    """Return namespace and name of the environment that a pod's labels name."""
    labels = mapping(mapping(pod.get("metadata")).get("labels"))
    name = text(labels.get(INSTANCE_LABEL)) or text(labels.get(CANDIDATE_LABEL))
    return None if name is None else ObjectKey(key.namespace, name)
