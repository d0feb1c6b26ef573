"""Which image an action server runs, and whether a tag may move to its model already."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentStatus
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.domain.action_servers import (
    FollowingActionServer,
    following_action_servers,
    has_action_server,
    image_from,
    not_ready,
)
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Lister
from rasa_environments.domain.resolving import resolve
from tests.reconcile.objects import environment, environment_body, server, tag, tag_body

OWN, TAGGED = "actions:own", "actions:2"
ACTIONS: JsonObject = {"rasa": {"version": "3.6.21"}, "actionServer": {"image": OWN}}
READY = FollowingActionServer(ObjectKey("bots", "support"), TAGGED, "True", "it still runs actions:2")


def resolved_image(of: DeploymentEnvironment, *tags: ModelTag, **spec: Any) -> str | None:
    """The image that the environment's action server is to run."""
    lister = Lister()
    lister.put(server(**spec))
    for each in tags:
        lister.put(each)
    lister.put(of)
    resolved = resolve(of, lister)
    assert not isinstance(resolved, Problem), resolved.message
    actions = resolved.spec.action_server
    return None if actions is None else actions.image


def named(image: str | None = TAGGED, *, namespace: str = "bots", **spec: Any) -> ModelTag:
    """A ModelTag for the tag `support` that names an image."""
    spec = {"modelServerRef": {"name": "default", "namespace": "bots"}, **spec}
    return tag("support", namespace=namespace, **spec, **with_image(image))


def with_image(image: str | None) -> JsonObject:
    """The field of a ModelTag's spec that names an image, if there is one."""
    return {} if image is None else {"actionServer": {"image": image}}


def tagged(model: str | None, image: str | None = TAGGED) -> ModelTag:
    """A ModelTag for model-2, whose tag is on that model by the last status."""
    body = tag_body("support", model="model-2", **with_image(image))
    status = {} if model is None else {"status": {"taggedModel": {"name": model, "hash": "1"}}}
    return ModelTag.model_validate({**body, **status})


def test_an_action_server_runs_the_image_of_the_model_tag_instead_of_its_own() -> None:
    assert resolved_image(environment("support", **ACTIONS), named()) == TAGGED


def test_without_an_image_in_the_model_tag_it_runs_its_own() -> None:
    assert resolved_image(environment("support", **ACTIONS), named(None)) == OWN
    assert resolved_image(environment("support", **ACTIONS)) == OWN


def test_a_model_tag_in_another_namespace_has_no_say_in_what_code_runs_here() -> None:
    access = {"accessFrom": {"namespaces": ["elsewhere"]}}

    assert resolved_image(environment("support", **ACTIONS), named(namespace="elsewhere"), **access) == OWN


def test_only_the_model_tag_that_owns_the_tag_counts() -> None:
    older, newer = named("actions:older", age=2), tag("second", tag="support", actionServer={"image": "x"}, age=1)

    assert resolved_image(environment("support", **ACTIONS), newer, older) == "actions:older"


def test_an_environment_without_an_action_server_gets_none() -> None:
    assert resolved_image(environment("support", rasa={"version": "3.6.21"}), named()) is None


def test_a_model_tag_may_be_the_only_one_to_name_an_image() -> None:
    assert resolved_image(environment("support", rasa={"version": "3.6.21"}, actionServer={}), named()) == TAGGED


@pytest.mark.parametrize("namespace", ["bots", "elsewhere"])
def test_an_image_is_taken_in_its_own_namespace_alone(namespace: str) -> None:
    taken = image_from(named(namespace=namespace), environment("support", **ACTIONS))

    assert taken == (TAGGED if namespace == "bots" else None)


HELD = {"desiredModel": {"name": "model-0", "hash": "0"}, "candidateModel": {"name": "model-1", "hash": "1"}}
RUNS = {"actionServer": {"image": "actions:1"}}


@pytest.mark.parametrize(
    ("status", "runs", "expected"),
    [
        (HELD, RUNS, "actions:1"),
        (HELD, {}, None),
        ({"candidateModel": HELD["candidateModel"]}, RUNS, "actions:1"),
        ({"desiredModel": {"name": "model-1", "hash": "1"}}, RUNS, TAGGED),
        ({}, RUNS, TAGGED),
    ],
    ids=["held", "held, and none runs", "the first one held", "let through", "not seen yet"],
)
def test_while_its_model_is_held_an_image_is_not_taken(
    status: JsonObject, runs: JsonObject, expected: str | None
) -> None:
    tag_held = named().model_copy(update={"status": ModelTagStatus.model_validate(status)})
    running = environment("support", **ACTIONS).model_copy(update={"status": EnvironmentStatus.model_validate(runs)})

    assert image_from(tag_held, running) == expected


@pytest.mark.parametrize(
    ("own", "defaults", "asked"),
    [
        ({}, {}, False),
        ({"actionServer": {}}, {}, True),
        ({}, {"actionServer": {"image": OWN}}, True),
        ({"ignoreDefaults": ["actionServer"]}, {"actionServer": {"image": OWN}}, False),
        ({"actionEndpoint": {"url": "http://mine"}}, {"actionServer": {"image": OWN}}, False),
        ({"actionServer": {}}, {"actionEndpoint": {"url": "http://shared"}}, True),
    ],
)
def test_whether_there_is_an_action_server_is_as_the_merged_spec_says(
    own: JsonObject, defaults: JsonObject, asked: bool
) -> None:
    assert has_action_server(environment("support", **own), server(defaults=defaults)) is asked


def waited_for(namespace: str = "bots", **spec: Any) -> bool:
    """Whether the ModelTag `support` of the namespace bots waits for the environment."""
    follower = environment("support", namespace=namespace, **{**ACTIONS, **spec})
    return bool(following_action_servers(named(), server(), [follower]))


def test_an_environment_with_an_action_server_is_waited_for() -> None:
    assert waited_for()


def test_what_changes_no_more_or_does_not_take_the_image_is_not_waited_for() -> None:
    external = {"url": "http://elsewhere", "authToken": {"secretKeyRef": {"name": "a", "key": "b"}}}

    assert not waited_for(suspend=True)
    assert not waited_for(external=external)
    assert not waited_for(actionServer=None)
    assert not waited_for(namespace="elsewhere")


def test_an_environment_that_is_being_deleted_is_not_waited_for() -> None:
    body = environment_body("support", **ACTIONS)
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert following_action_servers(named(), server(), [DeploymentEnvironment.model_validate(body)]) == ()


def test_a_tag_moves_once_every_action_server_runs_the_image() -> None:
    assert not_ready(tagged("model-1"), "model-2", [READY, READY]) is None


@pytest.mark.parametrize(
    ("image", "available"), [("actions:1", "True"), (None, "Unknown"), (TAGGED, "False"), (TAGGED, "Unknown")]
)
@pytest.mark.parametrize("before", ["model-1", None])
def test_until_then_it_waits_and_names_who_for(image: str | None, available: Any, before: str | None) -> None:
    late = FollowingActionServer(ObjectKey("bots", "sales"), image, available, "0 of 1 pods available")

    problem = not_ready(tagged(before), "model-2", [READY, late])

    assert problem is not None
    assert (problem.reason, problem.stalled) == ("ActionServerNotReady", False)
    assert problem.message == (
        "tag support moves to model model-2 once the action server of environment bots/sales is available with image "
        "actions:2: 0 of 1 pods available"
    )


SERVERS = st.lists(
    st.builds(
        FollowingActionServer,
        st.just(ObjectKey("bots", "support")),
        st.sampled_from([None, "actions:1", TAGGED]),
        st.sampled_from(["True", "False", "Unknown"]),
        st.just(""),
    )
)


@given(servers=SERVERS, image=st.sampled_from([None, TAGGED]), model=st.sampled_from([None, "model-1", "model-2"]))
def test_it_moves_exactly_when_nobody_would_serve_the_model_with_other_actions(
    servers: list[FollowingActionServer], image: str | None, model: str | None
) -> None:
    all_run_it = all(each.image == image and each.available == "True" for each in servers)

    moves = not_ready(tagged(model, image), "model-2", servers) is None

    assert moves is (image is None or model == "model-2" or all_run_it)


def following(**status: Any) -> FollowingActionServer:
    """What an environment's status says of its action server."""
    body = {**environment_body("support", **ACTIONS), "status": status}
    (found,) = following_action_servers(named(), server(), [DeploymentEnvironment.model_validate(body)])
    return found


def condition(kind: str, status: str, message: str) -> JsonObject:
    """A condition."""
    return {"type": kind, "status": status, "reason": "R", "message": message, "lastTransitionTime": ""}


def test_what_an_environment_says_of_its_action_server_is_told() -> None:
    waits = condition("ActionServerAvailable", "False", "0 of 1 pods available")
    blocked = condition("Ready", "False", "Secret bots/crm not found")
    well = condition("ActionServerAvailable", "True", "1 of 1")
    runs = {"actionServer": {"image": "actions:1"}}

    assert following(conditions=[waits, blocked], **runs).message == "0 of 1 pods available"
    assert following(conditions=[well, blocked], **runs).message == "Secret bots/crm not found"
    assert following(conditions=[well], **runs).message == "it still runs actions:1"
    assert following().message == "it still runs none"
    assert following(conditions=[well], **runs).available == "True"


ROLLED_BACK: JsonObject = {
    "taggedModel": {"name": "model-2", "hash": "2"},
    "rejected": [
        {"name": "model-2", "hash": "2", "reason": "VerificationFailed", "message": "", "rejectedTime": "2026-01-01"}
    ],
    "history": [
        {"model": "model-2", "hash": "2", "taggedTime": "2026-01-02", "actionServerImage": TAGGED},
        {"model": "model-1", "hash": "1", "taggedTime": "2026-01-01", "actionServerImage": "actions:1"},
    ],
}


def test_a_tag_goes_back_from_a_rejected_model_whatever_the_action_server_runs() -> None:
    late = FollowingActionServer(ObjectKey("bots", "support"), "actions:1", "False", "it does not start")
    rejected = tagged("model-2").model_copy(update={"status": ModelTagStatus.model_validate(ROLLED_BACK)})

    assert not_ready(rejected, "model-1", [late]) is None
    assert not_ready(rejected, "model-3", [late]) is not None


def test_after_a_rejection_the_action_server_runs_the_image_of_the_model_that_has_the_tag_again() -> None:
    status = {**ROLLED_BACK, "desiredModel": {"name": "model-1", "hash": "1"}}
    known = tagged("model-2").model_copy(update={"status": ModelTagStatus.model_validate(status)})
    runs = environment("support", **ACTIONS)
    runs = runs.model_copy(update={"status": EnvironmentStatus.model_validate({"actionServer": {"image": TAGGED}})})

    assert image_from(known, runs) == "actions:1"
