"""A status is written in one patch that leaves nothing of the previous one."""

from __future__ import annotations

import asyncio

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.domain.lister import Lister
from rasa_environments.reconcile.status import Statuses
from tests.reconcile.fakes import FakeApiServer

METADATA = {"name": "live", "namespace": "bots", "resourceVersion": "1", "generation": 3}


def model_tag(status: JsonObject) -> ModelTag:
    """A ModelTag with that status."""
    return ModelTag.model_validate({"metadata": METADATA, "spec": {"model": "a"}, "status": status})


async def patched(tag: ModelTag, status: ModelTagStatus) -> JsonObject:
    """Return what is written to turn the tag's status into that one."""
    api = FakeApiServer()
    await Statuses(api, Lister()).write(tag, status, ())
    (patch,) = api.statuses
    return patch


def test_a_status_of_another_shape_reads_as_empty() -> None:
    tag = model_tag({"tag": "live", "environments": [{"namespace": "bots", "name": "live", "ready": True}]})

    assert tag.status == ModelTagStatus(unreadable=True)


def test_a_status_of_another_shape_is_replaced_as_a_whole() -> None:
    tag = model_tag({"environments": [{"namespace": "bots", "name": "live", "ready": True}], "previousModel": "b"})

    patch = patch_of(tag)

    assert patch["environments"] is None
    assert patch["previousModel"] is None
    assert patch["tag"] == "live"
    assert "unreadable" not in patch


def test_of_a_status_that_can_be_read_only_what_differs_is_written() -> None:
    tag = model_tag({"tag": "live", "observedGeneration": 2, "conditions": []})

    assert patch_of(tag) == {"observedGeneration": 3}


def test_a_first_status_has_the_generation_before_all() -> None:
    environment = DeploymentEnvironment.model_validate(
        {"metadata": METADATA, "spec": {}, "status": {"observedGeneration": -1}}
    )

    assert environment.status.observed_generation == -1


def patch_of(tag: ModelTag) -> JsonObject:
    """The patch that makes a status with nothing but the tag."""
    return asyncio.run(patched(tag, ModelTagStatus(tag="live")))
