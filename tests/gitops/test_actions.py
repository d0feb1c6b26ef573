"""The actions of Argo CD: when they are offered, what they change, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lupa.lua51 import LuaError  # type: ignore[import-untyped]

from local.gitops import Question, ask
from rasa_environments.api.base import JsonObject
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.promotion import rollback_target
from rasa_environments.domain.facts import RegistrationResult
from release.argo_cd import SCRIPTS
from tests.gitops import judged_objects as objects
from tests.gitops.sandbox import available, change, run, script

ENVIRONMENT, TAG = "DeploymentEnvironment", "ModelTag"
ALWAYS = {"suspend", "rotate-token"}
ANOTHERS = RegistrationResult("False", Reason.REGISTERED_BY_ANOTHER, "support is registered for another server")
MODELS = st.none() | st.sampled_from(["model-1", "model-2", "model-3"])


def environment(**spec: Any) -> JsonObject:
    """Return a healthy environment, as the API server shows it, including empty mappings."""
    obj = objects.environment_object(objects.WELL)
    metadata = {**obj["metadata"], "managedFields": [{"fieldsV1": {"f:spec": {"f:model": {}}}}]}
    return {**obj, "metadata": metadata, "spec": {**obj["spec"], "model": {}, **spec}}


def tag(wanted: str, status: JsonObject, annotations: dict[str, str] | None = None) -> JsonObject:
    """A ModelTag for this model, with this status."""
    obj = objects.new_object(TAG, model=wanted)
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations or {}}, "status": status}


def status_of(carried: str | None, previous: str | None) -> JsonObject:
    """Return the status of a tag that moved from one model to another."""
    named = {"taggedModel": carried, "previousModel": previous}
    return {field: {"name": name, "hash": "1"} for field, name in named.items() if name is not None}


def taken(action: str, obj: JsonObject) -> JsonObject:
    """The merge patch that the action makes."""
    return change(run(script(obj["kind"], action), obj), obj)


def test_an_environment_can_be_suspended_and_its_token_rotated() -> None:
    assert available(ENVIRONMENT, environment()) == ALWAYS


def test_a_suspended_environment_can_be_resumed_and_nothing_else() -> None:
    assert available(ENVIRONMENT, environment(suspend=True)) == {"resume"}


def test_an_environment_that_was_not_seen_yet_has_its_actions() -> None:
    assert available(ENVIRONMENT, objects.new_object(ENVIRONMENT)) == ALWAYS


@pytest.mark.parametrize(
    "spec",
    [
        {"external": {"url": "https://rasa.example.com"}},
        {"authToken": {"secretKeyRef": {"name": "tokens", "key": "token"}}},
    ],
    ids=lambda spec: next(iter(spec)),
)
def test_a_token_that_is_not_generated_is_not_rotated_here(spec: JsonObject) -> None:
    assert available(ENVIRONMENT, environment(**spec)) == {"suspend"}


def test_an_entry_of_somebody_else_can_be_taken_over() -> None:
    taken_name = objects.environment_object(replace(objects.WELL, registration=ANOTHERS))

    assert available(ENVIRONMENT, taken_name) == ALWAYS | {"adopt-registration"}


def test_suspend_and_resume_change_one_field() -> None:
    assert taken("suspend", environment()) == {"spec": {"suspend": True}}
    assert taken("resume", environment(suspend=True)) == {"spec": {"suspend": False}}


def test_a_token_is_rotated_by_an_annotation_with_the_time() -> None:
    patch = taken("rotate-token", environment())

    ((annotation, time),) = patch["metadata"].pop("annotations").items()
    assert annotation == "rasa-environments.io/rotate-token-at"
    assert time[4::3] == "--T::Z"
    assert patch == {"metadata": {}}


def test_an_entry_is_taken_over_by_an_annotation_beside_the_others() -> None:
    obj = environment()
    obj["metadata"]["annotations"] = {"team": "bots"}

    patch = taken("adopt-registration", obj)

    assert patch == {"metadata": {"annotations": {"rasa-environments.io/adopt-registration": "true"}}}


@given(wanted=MODELS.filter(bool), carried=MODELS, previous=MODELS)
def test_a_rollback_goes_where_that_of_the_command_line_goes(
    wanted: str, carried: str | None, previous: str | None
) -> None:
    status = status_of(carried, previous)
    obj = tag(wanted, status)
    target = rollback_target(ModelTag.model_validate(obj))

    assert available(TAG, obj) == (set() if target is None else {"rollback"})
    if target is None:
        with pytest.raises(LuaError, match=f"no model is known before {wanted}"):
            run(script(TAG, "rollback"), obj)
    else:
        assert taken("rollback", obj) == ({} if target.model == wanted else {"spec": {"model": target.model}})


@pytest.mark.parametrize("named", [None, "actions:3"])
@pytest.mark.parametrize("before", [None, "actions:1"])
def test_a_rollback_goes_to_the_actions_of_that_model(before: str | None, named: str | None) -> None:
    images = {"model-2": named, "model-1": before}
    history = [
        {"model": name, "hash": "1", "taggedTime": "", **({"actionServerImage": image} if image else {})}
        for name, image in images.items()
    ]
    obj = tag("model-2", {**status_of("model-2", "model-1"), "history": history})
    if named is not None:
        obj["spec"]["actionServer"] = {"image": named}

    spec = taken("rollback", obj)["spec"]

    wanted = rollback_target(ModelTag.model_validate(obj))
    assert wanted is not None
    assert ModelTag.model_validate({**obj, "spec": {**obj["spec"], **spec}}).action_server_image == before
    assert ModelTag.model_validate({**obj, "spec": {**obj["spec"], **wanted.spec}}).action_server_image == before


def test_a_rollback_is_not_in_the_name_of_who_promoted_before() -> None:
    promoted = status_of("model-2", "model-1")
    obj = tag("model-2", promoted, {"rasa-environments.io/promoted-by": "carol"})

    assert taken("rollback", obj) == {
        "spec": {"model": "model-1"},
        "metadata": {"annotations": {"rasa-environments.io/promoted-by": ""}},
    }


def test_argo_cds_own_lua_does_the_same(gitops: Path) -> None:
    objs = {ENVIRONMENT: environment(), TAG: tag("model-2", status_of("model-2", "model-1"))}
    cases = [(objs[path.parent.name], path.read_text()) for path in sorted(SCRIPTS.glob("*/*.lua"))]

    answers = ask(gitops, [Question(obj, text) for obj, text in cases])

    assert [answer.lua_error for answer in answers] == [""] * len(cases)
    for (obj, text), answer in zip(cases, answers, strict=True):
        expected = run(text, obj)
        annotations = answer.lua.get("metadata", {}).get("annotations", {})
        if "rasa-environments.io/rotate-token-at" in annotations:
            annotations = expected["metadata"]["annotations"]
            answer.lua["metadata"]["annotations"] = annotations
        assert answer.lua == expected
