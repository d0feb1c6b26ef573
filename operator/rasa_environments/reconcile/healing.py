"""Restarts pods that have lost their model because somebody unloaded or replaced it through Rasa's API."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.deployment_environment import Healing as HealingMode
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import PODS
from rasa_environments.desired.context import Context
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.healing import ServingRecord, observe, remembered, to_restart
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.ports import ApiServer

logger = logging.getLogger(__name__)


class Healing:
    """What the pods of each environment have served, and the resulting restarts."""

    def __init__(self, api: ApiServer, intervals: Intervals) -> None:
        self._api = api
        self._intervals = intervals
        self._records: dict[ObjectKey, ServingRecord] = {}

    def forget(self, environment: ObjectKey) -> None:
        """Discard what is known about an environment that is gone."""
        self._records.pop(environment, None)

    async def heal(
        self, environment: DeploymentEnvironment, context: Context, facts: EnvironmentFacts
    ) -> EnvironmentFacts:
        """Return the facts with the pods that have lost their model, after deleting at most one of them.

        While the desired model is unknown, nothing is recorded or done.
        """
        key, wanted = environment.metadata.key, facts.wanted
        if wanted is None or facts.tag_problem is not None:
            return facts
        now = asyncio.get_running_loop().time()
        before = self._records.get(key) or remembered(environment, wanted, facts.pods)
        names = {f"pod {pod.name}": pod.name for pod in facts.pods}
        answers = {names[result.server]: result for result in facts.served if result.server in names}
        record = self._records[key] = observe(before, wanted, facts.pods, answers, now)
        mode = context.spec.model.healing if context.spec.model is not None else None
        enabled = mode != HealingMode.DISABLED.value
        pod = to_restart(record, facts.pods, now, self._patience(context)) if enabled else None
        if pod is not None:
            logger.warning("%s: pod %s has lost model %s and is restarted", key, pod, wanted.name)
            await self._restart(ObjectKey(key.namespace, pod))
        lost = tuple(sorted(f"pod {name}" for name in record.lost_since))
        return replace(facts, lost=lost, healing=enabled)

    async def _restart(self, pod: ObjectKey) -> None:
        try:
            await self._api.delete(PODS, pod)
        except ApiError as error:
            if error.status != 403:
                raise
            logger.warning("pod %s may not be deleted: %s", pod, error.message)

    def _patience(self, context: Context) -> float:
        """Return the seconds within which a moved tag is noticed here and pulled by the pods."""
        return 2 * self._intervals.model_server + 3 * context.pull_period_seconds
