"""The metrics about objects, promotions, watches and the queue."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest.mock import Mock

from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.controller.answer_times import AnswerTimes
from rasa_environments.controller.promotions import Promotions
from rasa_environments.controller.queue import DONE, Kind, Request, Result, WorkQueue
from rasa_environments.domain.lister import Lister
from rasa_environments.runtime.metrics import Metrics
from rasa_environments.runtime.object_metrics import LONGEST_LABEL, label
from rasa_environments.runtime.watches import Watches
from tests.reconcile.clock import settled
from tests.reconcile.objects import environment_body, tag

LIVE = ObjectKey("bots", "live")
SINCE = "2026-01-01T00:00:00Z"
MODEL = {
    "desiredModel": {"name": "new", "hash": "1"},
    "servedModels": [{"name": "new", "replicas": 2}, {"name": "old", "replicas": 1}],
}


def environment(**status: object) -> DeploymentEnvironment:
    """An environment called `live`, which pulls the tag `production`."""
    return DeploymentEnvironment.model_validate({**environment_body("live", tag="production"), "status": status})


def served(status: str) -> JsonObject:
    return {
        "type": "ModelServed",
        "status": status,
        "reason": "Served",
        "message": "",
        "lastTransitionTime": SINCE,
    }


@dataclass
class Scene:
    """The sources of the metrics."""

    lister: Lister = field(default_factory=Lister)
    queue: WorkQueue = field(default_factory=WorkQueue)
    promotions: Promotions = field(default_factory=Promotions)
    clock: Callable[[], float] = time.monotonic
    watches: Watches = field(default_factory=lambda: Watches({}))

    def __post_init__(self) -> None:
        self.answer_times = AnswerTimes(self.clock)
        self.metrics = Metrics(self.lister, self.queue, self.watches, self.promotions, self.answer_times)

    def scraped(self, name: str) -> dict[str, float]:
        """The series of a metric: value by labels."""
        lines = re.findall(
            rf"^rasa_environments_{name}(?:{{(.*)}})? (\S+)$", self.metrics.text().decode(), re.MULTILINE
        )
        return {labels: float(value) for labels, value in lines}


def test_an_environment_tells_which_model_it_should_serve_and_which_it_serves() -> None:
    scene = Scene()
    scene.lister.environments.put(environment(**MODEL))

    assert scene.scraped("model_info") == {
        'desired="new",environment="live",name="live",namespace="bots",served="new,old",tag="production"': 1
    }


def test_of_an_environment_without_a_model_the_labels_are_empty() -> None:
    scene = Scene()
    scene.lister.environments.put(environment())

    assert scene.scraped("model_info") == {
        'desired="",environment="live",name="live",namespace="bots",served="",tag="production"': 1
    }


def test_the_time_since_which_the_desired_model_is_served_is_reported() -> None:
    scene = Scene()
    scene.lister.environments.put(environment(conditions=[served("True")]))
    assert scene.scraped("model_served_since_timestamp_seconds") == {'name="live",namespace="bots"': 1767225600}

    scene.lister.environments.put(environment(conditions=[served("Unknown")]))

    assert scene.scraped("model_served_since_timestamp_seconds") == {}


def test_it_is_told_when_a_licence_expires() -> None:
    scene = Scene()
    scene.lister.environments.put(environment(licenseExpiryTime=SINCE))
    assert scene.scraped("license_expiry_timestamp_seconds") == {'name="live",namespace="bots"': 1767225600}

    scene.lister.environments.put(environment())

    assert scene.scraped("license_expiry_timestamp_seconds") == {}


def test_a_model_that_waits_is_told_with_its_reason() -> None:
    scene = Scene()
    status = {
        "candidateModel": {"name": "new", "hash": "1"},
        "conditions": [
            {"type": "Promoted", "status": "Unknown", "reason": "Soaking", "message": "", "lastTransitionTime": SINCE}
        ],
    }
    known = tag("live")
    scene.lister.tags.put(type(known).model_validate({**known.model_dump(), "status": status}))
    assert scene.scraped("promotion_waiting") == {'model="new",name="live",namespace="bots",reason="Soaking"': 1}

    scene.lister.tags.put(known)

    assert scene.scraped("promotion_waiting") == {}


def test_a_condition_tells_unknown_from_false() -> None:
    scene = Scene()
    scene.lister.environments.put(environment(conditions=[served("Unknown")]))

    (value,) = scene.scraped("condition").values()

    assert value == -1


def test_the_age_of_the_last_answer_grows_until_the_next() -> None:
    now = 100.0
    scene = Scene(clock=lambda: now)
    scene.lister.environments.put(environment())
    scene.answer_times.answered(LIVE)

    now = 130.0
    assert scene.scraped("served_answer_age_seconds") == {'name="live",namespace="bots"': 30}
    scene.answer_times.answered(LIVE)
    assert scene.scraped("served_answer_age_seconds") == {'name="live",namespace="bots"': 0}


def test_nothing_is_reported_of_an_environment_that_is_deleted() -> None:
    scene = Scene()
    scene.lister.environments.put(environment(**MODEL, conditions=[served("True")]))
    scene.answer_times.answered(LIVE)
    assert 'name="live"' in scene.metrics.text().decode()

    scene.lister.environments.remove(LIVE)

    assert 'name="live"' not in scene.metrics.text().decode()


def test_a_scrape_may_be_limited_to_some_metrics() -> None:
    scene = Scene()
    scene.lister.environments.put(environment(**MODEL))

    found = scene.metrics.text(["rasa_environments_model_info"]).decode()

    assert set(re.findall(r"^rasa_environments_\w+", found, re.MULTILINE)) == {"rasa_environments_model_info"}


def test_promotions_are_counted_by_what_came_of_them() -> None:
    scene = Scene()
    before = {
        "taggedModel": {"name": "old", "hash": "0"},
        "previousModel": {"name": "older", "hash": "1"},
    }
    for model, status in (("old", {}), ("new", before), ("older", before), ("old", before), ("old", before)):
        known = tag("live", model=model)
        scene.promotions.moved(type(known).model_validate({**known.model_dump(), "status": status}), model)
    scene.promotions.failed()

    assert scene.scraped("promotions_total") == {
        'result="promoted"': 2,
        'result="rolled_back"': 1,
        'result="failed"': 1,
        'result="rejected"': 0,
    }
    assert scene.scraped("tag_drift_total") == {"": 2}


async def test_the_age_of_each_watch_is_reported() -> None:
    watch = Mock(last_contact=time.monotonic() - 20)
    scene = Scene(watches=Watches({"modeltags": watch}))

    scene.metrics.sample()

    (age,) = scene.scraped("watch_age_seconds").values()
    assert age >= 20


async def test_the_first_in_the_queue_waits_only_where_somebody_works() -> None:
    scene = Scene()
    scene.queue.add(Request(Kind.MODEL_TAG, LIVE))

    scene.metrics.sample()

    assert scene.scraped("queue_length") == {"": 1}
    assert scene.scraped("queue_oldest_age_seconds") == {"": 0}


async def test_the_first_in_the_queue_tells_how_late_the_operator_is() -> None:
    scene, go_on = Scene(), asyncio.Event()

    async def handle(_: Request) -> Result:
        await go_on.wait()
        return DONE

    work = asyncio.create_task(scene.queue.run(handle, slots=1))
    for name in ("a", "b"):
        scene.queue.add(Request(Kind.MODEL_TAG, ObjectKey("bots", name)))
    await settled()
    scene.metrics.sample()
    (late,) = scene.scraped("queue_oldest_age_seconds").values()
    go_on.set()
    await settled()
    scene.metrics.sample()
    work.cancel()

    assert late > 0
    assert scene.scraped("queue_oldest_age_seconds") == {"": 0}


@given(st.text(alphabet=st.characters()))
def test_a_label_is_short_and_can_be_written(text: str) -> None:
    assert len(label(text)) <= LONGEST_LABEL
    label(text).encode()


def test_what_is_no_time_does_not_end_a_scrape() -> None:
    scene = Scene()
    scene.lister.environments.put(environment(conditions=[{**served("True"), "lastTransitionTime": "yesterday"}]))

    assert scene.scraped("model_served_since_timestamp_seconds") == {}
