"""User actions during which the operator is killed: each story starts at rest and consists of one action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION
from tests.integration.greeting_bot import GREETING
from tests.integration.manifests import RASA_VERSION, config_map, environment, model_tag
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_environments_file import RASA_1, RASA_X

TAG = "ModelTag"
ENTERPRISE = "RasaEnterprise-1.0"
FILE: JsonObject = {
    "profile": "RasaX-0.32",
    "environmentsFile": {"secretName": "rasa-x-environments", "deploymentName": "rasa-x"},
}


@dataclass(frozen=True)
class Story:
    """A user action; `prepare` runs before it and ends at rest."""

    name: str
    act: Callable[[Space], None]
    prepare: Callable[[Space], None] = lambda _: None
    server: JsonObject = field(default_factory=dict)
    """Additional fields of the ModelServer's spec."""
    has_bot: bool = False
    """Whether a bot answers for the Rasa servers of candidates."""
    answers: Mapping[str, str] | None = None
    """What the bot answers with each model instead of the greeting, if it also answers for the environment's server: it
    serves the model that has the tag."""
    is_over: Callable[[Space], bool] = lambda _: True
    """Whether the action is over, for one that writes nothing while a server starts."""


def everything() -> JsonObject:
    """An environment with children of many kinds."""
    return environment(
        podDisruptionBudget={"minAvailable": 1},
        networkPolicy={"from": "SameNamespace"},
        ingress={"hosts": [{"host": "chat.example.com"}]},
        replicas=2,
    )


def ready_with_tag(strategy: str = "InPlace") -> Callable[[Space], None]:
    """Create production, which follows a ModelTag on model A, and delete both."""

    def prepare(space: Space) -> None:
        space.apply(model_tag(model=MODEL_A, deletionPolicy="Delete"), environment(model={"updateStrategy": strategy}))
        space.wait_until_ready()
        space.wait_for_condition(TAG, "production", "Tagged", status="True")

    return prepare


def create(space: Space) -> None:
    space.apply(model_tag(model=MODEL_A), everything())


def change(space: Space) -> None:
    """Change some children, add one, and remove two."""
    space.apply(
        environment(
            service={"port": 80},
            rasa={"version": RASA_VERSION, "corsOrigins": ["https://example.com"]},
            replicas=2,
            autoscaling={"maxReplicas": 3},
            podDisruptionBudget={"minAvailable": 1},
        )
    )


def prepare_change(space: Space) -> None:
    create(space)
    space.wait_until_ready()
    space.wait_for_condition(TAG, "production", "Tagged", status="True")


def promote(space: Space) -> None:
    space.patch(TAG, "production", {"spec": {"model": MODEL_B}})


def actions(number: int) -> JsonObject:
    """The image of an action server."""
    return {"actionServer": {"image": f"registry.example.com/actions:{number}"}}


def prepare_actions(space: Space) -> None:
    """Create production with an action server, whose image its ModelTag names."""
    space.apply(model_tag(model=MODEL_A, **actions(1)), environment(**actions(0)))
    space.wait_until_ready()
    space.wait_for_condition(TAG, "production", "Tagged", status="True")


def promote_with_actions(space: Space) -> None:
    space.patch(TAG, "production", {"spec": {"model": MODEL_B, **actions(2)}})


def remove_actions(space: Space) -> None:
    space.apply(environment())


CHECK: JsonObject = {"conversations": [{"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}]}
"""The check by the conversations of the namespace."""


def prepare_verification(answer: str) -> Callable[[Space], None]:
    """Create production on model A, and a conversation that expects an answer of the next model."""

    def prepare(space: Space) -> None:
        case = {"test_case": "greeting", "steps": [{"user": "hello"}, {"bot": answer}]}
        space.apply(config_map("conversations", **{"tests.yaml": yaml.safe_dump({"test_cases": [case]})}))
        ready_with_tag()(space)

    return prepare


def promote_verified(space: Space) -> None:
    space.patch(TAG, "production", {"spec": {"model": MODEL_B, "verification": {"candidate": CHECK}}})


def is_verified(space: Space) -> bool:
    """Return whether the model was promoted or rejected, and its candidate is gone."""
    status = space.status(TAG, "production")
    is_promoted = status.get("taggedModel", {}).get("name") == MODEL_B
    candidate = [space.find(kind, "production-candidate") for kind in ("Deployment", "ConfigMap")]
    return (is_promoted or bool(status.get("rejected"))) and candidate == [None, None]


def prepare_rollback(space: Space) -> None:
    """Promote a verified model."""
    prepare_verification(GREETING)(space)
    promote_verified(space)
    space.eventually(lambda: is_verified(space), "the model to be verified")
    space.wait_for_condition(TAG, "production", "Tagged", status="True")


def roll_back(space: Space) -> None:
    space.patch(TAG, "production", {"spec": {"model": MODEL_A}})


def promote_live(on_failure: str) -> Callable[[Space], None]:
    """Promote the next model, which is verified with production itself."""

    def act(space: Space) -> None:
        verification = {"live": CHECK, "onFailure": on_failure}
        space.patch(TAG, "production", {"spec": {"model": MODEL_B, "verification": verification}})

    return act


def ends_live(result: str, model: str) -> Callable[[Space], bool]:
    """Whether the next model has this result, and the tag is on the model that follows from it."""

    def is_over(space: Space) -> bool:
        status = space.status(TAG, "production")
        verified = [(each["stage"], each.get("result")) for each in status.get("verifications") or ()]
        return ("Live", result) in verified and status["taggedModel"]["name"] == model

    return is_over


def live(name: str, result: str, on_failure: str, model: str) -> Story:
    """A promotion that is verified live; the tag ends on this model."""
    answers = {MODEL_B: GREETING if result == "Succeeded" else "Goodbye."}
    act, prepare = promote_live(on_failure), prepare_verification(GREETING)
    return Story(name, act, prepare, has_bot=True, answers=answers, is_over=ends_live(result, model))


def rotate(space: Space) -> None:
    space.patch(ENVIRONMENT, "production", {"metadata": {"annotations": {ROTATE_TOKEN_ANNOTATION: "now"}}})


def delete(space: Space) -> None:
    space.delete(TAG, "production")
    space.delete(ENVIRONMENT, "production")


def register(space: Space) -> None:
    space.apply(environment("staging"))


def prepare_registration(space: Space) -> None:
    space.apply(environment("development"))
    space.wait_for_condition(ENVIRONMENT, "development", "Registered", status="True")


def deregister(space: Space) -> None:
    space.delete(ENVIRONMENT, "development")


def prepare_file(space: Space) -> None:
    space.apply(RASA_X, environment(**RASA_1), environment("worker", **RASA_1))
    for name in ("production", "worker"):
        space.wait_for_condition(ENVIRONMENT, name, "Registered", status="True")


def add_to_file(space: Space) -> None:
    space.apply(environment("experimental", **RASA_1))


def prepare_all(space: Space) -> None:
    """Create one environment that will be promoted and rotated, and one that will be deleted."""
    space.apply(
        model_tag(model=MODEL_A),
        environment(),
        model_tag("staging", model=MODEL_A, deletionPolicy="Delete"),
        environment("staging"),
    )
    space.wait_until_ready("production", "staging")
    for name in ("production", "staging"):
        space.wait_for_condition(TAG, name, "Tagged", status="True")


def all_at_once(space: Space) -> None:
    promote(space)
    rotate(space)
    space.apply(model_tag("worker", model=MODEL_A, deletionPolicy="Delete"), environment("worker"))
    space.delete(TAG, "staging")
    space.delete(ENVIRONMENT, "staging")


ALL_AT_ONCE = Story("all-at-once", all_at_once, prepare_all)
VERIFIED = Story(
    "verified-promotion", promote_verified, prepare_verification(GREETING), has_bot=True, is_over=is_verified
)
ROLLED_BACK = live("live-rollback", "Failed", "Rollback", MODEL_A)
STORIES = (
    ALL_AT_ONCE,
    VERIFIED,
    ROLLED_BACK,
    live("live-promotion", "Succeeded", "Rollback", MODEL_B),
    live("live-hold", "Failed", "Hold", MODEL_B),
    Story("rejection", promote_verified, prepare_verification("Goodbye."), has_bot=True, is_over=is_verified),
    Story("rollback-after-verification", roll_back, prepare_rollback, has_bot=True),
    Story("create", create),
    Story("change", change, prepare_change),
    Story("promotion-in-place", promote, ready_with_tag()),
    Story("promotion-rolling", promote, ready_with_tag("RollingUpdate")),
    Story("promotion-with-actions", promote_with_actions, prepare_actions),
    Story("actions-removed", remove_actions, prepare_actions),
    Story("rotation", rotate, ready_with_tag()),
    Story("deletion", delete, ready_with_tag()),
    Story("registration", register, prepare_registration, {"profile": ENTERPRISE}),
    Story("deregistration", deregister, prepare_registration, {"profile": ENTERPRISE}),
    Story("environments-file", add_to_file, prepare_file, FILE),
)
