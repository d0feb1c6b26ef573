"""What an environment reports about a Deployment that is not in its desired state yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasa_environments.domain.facts import DeploymentFacts
from rasa_environments.judge.rollouts import missing_from

SETTLED = DeploymentFacts(wanted=2, replicas=2, updated=2, available=2, current=True, failure=None)


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        (replace(SETTLED, available=1), "1 of 2 pods available"),
        (replace(SETTLED, updated=1, replicas=3, available=3), "1 of 2 pods of the latest template"),
        (replace(SETTLED, replicas=3, available=3), "1 pods to be removed"),
        (replace(SETTLED, current=False), "its controller has not observed the latest change yet"),
    ],
)
def test_what_a_rollout_lacks_first_is_reported(deployment: DeploymentFacts, said: str) -> None:
    assert not deployment.available_at_generation
    assert missing_from(deployment) == said


def test_nothing_is_lacking_once_all_pods_are_of_the_latest_template() -> None:
    assert SETTLED.available_at_generation
