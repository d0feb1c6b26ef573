"""A tag does not move to a model that an environment's version of Rasa cannot load, unless somebody allows it."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.models import models_of
from local.rasa import RELEASES
from rasa_environments.api.base import JsonObject
from tests.eventually import eventually
from tests.integration.manifests import environment, model_tag, secret
from tests.integration.model_server_front import MODELS, Front
from tests.integration.model_server_process import MODEL_A
from tests.integration.rasa_at_pod import PORT, ScriptedRasa, listening_rasa, scripted_rasa
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG, tagged_model, wait_until_tagged
from tests.integration.test_promotion_cli import Command, command

__all__ = ["command"]

NUMBERS = itertools.count(1)
OUTSIDE = "127.0.0.77"
OWN_IMAGE = {"image": "registry.example.com/rasa:bots"}


@pytest.fixture
def old_model(front: Front, tmp_path: Path) -> str:
    """A model that was trained with Rasa 2.8.34."""
    name = f"old-{next(NUMBERS)}"
    trained = models_of(RELEASES["2.8.34"]) / f"{MODEL_A}.tar.gz"
    front.behind.upload(Path(shutil.copy(trained, tmp_path / f"{name}.tar.gz")))
    return name


@pytest.fixture
def outside() -> Iterator[ScriptedRasa]:
    """A Rasa server 3.6 that runs elsewhere."""
    with listening_rasa(OUTSIDE, "token") as rasa:
        yield rasa


def refused(space: Space, model: str, by: str) -> str:
    """The message once the tag is refused; `by` is how the environment knows its version."""
    found = space.wait_for_condition(TAG, "production", "Tagged", status="False", reason="ModelIncompatible")
    message = str(found["message"])
    assert message.startswith(f"environment {space.namespace}/production {by} Rasa 3.6.21, which loads models of Rasa ")
    assert f" and model {model} was trained with Rasa 2.8.34: " in message
    return message


def is_reconciled(obj: JsonObject) -> bool:
    """Whether the status describes the spec."""
    return bool(obj["status"].get("observedGeneration") == obj["metadata"]["generation"])


def test_a_model_that_the_environment_cannot_load_leaves_the_tag_where_it_is(
    tag_space: Space, front: Front, old_model: str
) -> None:
    tag_space.apply(model_tag(model=MODEL_A), environment())
    wait_until_tagged(tag_space, MODEL_A)

    tag_space.patch(TAG, "production", {"spec": {"model": old_model}})

    refused(tag_space, old_model, "is to run")
    tag_space.wait_for_condition(TAG, "production", "Ready", status="False", reason="ModelIncompatible")
    assert tagged_model(tag_space) == MODEL_A
    assert front.behind.tags() == {"production": MODEL_A}
    assert front.count("PUT", f"{MODELS}/{old_model}/tags/production") == 0


def test_an_image_of_ones_own_is_asked_for_its_version(tag_space: Space, front: Front, old_model: str) -> None:
    tag_space.apply(environment(rasa=OWN_IMAGE))
    with scripted_rasa(tag_space) as rasa:
        tag_space.apply(model_tag(model=old_model))

        message = refused(tag_space, old_model, "runs")

        assert " loads models of Rasa 3.5.0 and later" in message, "what the server answers, not what a table says"
        rasa.version = {"version": "2.8.34", "minimum_compatible_version": "2.8.9"}
        wait_until_tagged(tag_space, old_model)
    assert front.behind.tags() == {"production": old_model}


def test_a_server_that_runs_elsewhere_is_asked_for_its_version(
    tag_space: Space, outside: ScriptedRasa, old_model: str
) -> None:
    token = {"secretKeyRef": {"name": "outside", "key": "token"}}
    tag_space.apply(
        secret("outside", token=outside.token),
        environment(external={"url": f"http://{OUTSIDE}:{PORT}", "authToken": token}),
        model_tag(model=old_model),
    )

    refused(tag_space, old_model, "runs")


def test_a_version_and_a_model_may_change_together(tag_space: Space, old_model: str) -> None:
    tag_space.apply(environment(rasa={"version": "2.8.34"}), model_tag(model=old_model))
    wait_until_tagged(tag_space, old_model)

    tag_space.apply(model_tag(model=MODEL_A), environment(rasa={"version": "3.6.21"}))

    wait_until_tagged(tag_space, MODEL_A)


def test_the_version_may_change_before_the_model_as_upgrade_plan_says(
    tag_space: Space, old_model: str, command: Command
) -> None:
    tag_space.apply(environment(rasa={"version": "2.8.34"}), model_tag(model=old_model))
    wait_until_tagged(tag_space, old_model)

    planned = command("upgrade-plan production --to 3.6.21 -o json")
    tag_space.apply(environment(rasa={"version": "3.6.21"}))
    assert eventually(lambda: is_reconciled(tag_space.get(ENVIRONMENT, "production")))
    between = tagged_model(tag_space)
    promoted = command(f"promote {MODEL_A} production --until tagged")

    assert json.loads(planned.stdout)["first"] == "Together"
    assert [step["action"] for step in json.loads(planned.stdout)["steps"]][-2:] == ["ChangeVersion", "Promote"]
    assert between == old_model
    assert promoted.returncode == 0, promoted.stderr
    assert tagged_model(tag_space) == MODEL_A


def test_the_tag_moves_once_the_environment_can_load_the_model(tag_space: Space, old_model: str) -> None:
    tag_space.apply(environment(), model_tag(model=old_model))
    refused(tag_space, old_model, "is to run")

    tag_space.apply(environment(rasa={"version": "2.8.34"}))

    wait_until_tagged(tag_space, old_model)


def test_the_command_says_why_and_promotes_anyway_if_told_to(
    tag_space: Space, front: Front, old_model: str, command: Command
) -> None:
    tag_space.apply(environment(), model_tag(model=MODEL_A))
    wait_until_tagged(tag_space, MODEL_A)

    without = command(f"promote {old_model} production")
    tags = front.behind.tags()
    allowed = command(f"promote {old_model} production --allow-incompatible --until tagged")
    again = command(f"promote {old_model} production --allow-incompatible --until tagged")

    assert without.returncode == 1
    assert (
        f"/production is to run Rasa 3.6.21, which loads models of Rasa 3.6.21 and later, and model {old_model} "
        in (without.stderr)
    )
    assert tags == {"production": MODEL_A}
    assert allowed.returncode == 0, allowed.stderr
    assert front.behind.tags() == {"production": old_model}
    assert "is promoted already" in again.stdout


def test_without_an_environment_a_tag_moves_to_any_model(tag_space: Space, old_model: str) -> None:
    tag_space.apply(model_tag(model=old_model))

    wait_until_tagged(tag_space, old_model)
