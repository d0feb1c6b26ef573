"""The models parse what the API server sends."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rasa_environments.api.base import JsonObject, SecretKeyRef
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.problems import problems
from tests.api.objects import environment, model_tag

FILE = {"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}


def refused(manifest: JsonObject) -> tuple[str, ...]:
    with pytest.raises(ValidationError) as caught:
        DeploymentEnvironment.model_validate(manifest)
    return problems(caught.value)


def test_the_shortest_environment_pulls_the_tag_of_its_own_name() -> None:
    model = DeploymentEnvironment.model_validate(environment("staging"))

    assert (model.environment, model.tag, model.spec.replicas) == ("staging", "staging", 1)


def test_an_environment_with_a_name_of_its_own_pulls_that_tag() -> None:
    model = DeploymentEnvironment.model_validate(environment("staging", environment="Stage_1"))

    assert (model.environment, model.tag) == ("Stage_1", "Stage_1")


def test_a_tag_is_called_like_its_object_unless_it_says_otherwise() -> None:
    assert ModelTag.model_validate(model_tag("production")).tag == "production"
    assert ModelTag.model_validate(model_tag("production", tag="live")).tag == "live"


def test_a_field_that_nobody_knows_is_dropped() -> None:
    model = DeploymentEnvironment.model_validate(environment(unknown={"a": 1}))

    assert "unknown" not in model.spec.model_dump(by_alias=True)


def test_a_null_is_as_if_nothing_was_written() -> None:
    model = DeploymentEnvironment.model_validate(environment(replicas=None, tag=None))

    assert model.spec.model_fields_set == {"rasa"}
    assert model.spec.replicas == 1


@pytest.mark.parametrize("value", [{"replicas": "1"}, {"replicas": True}, {"replicas": 1.0}, {"suspend": "true"}])
def test_text_is_neither_a_number_nor_a_boolean(value: JsonObject) -> None:
    assert len(refused(environment(**value))) == 1


def test_every_problem_is_named_with_its_place() -> None:
    manifest = environment(
        eventBroker={"kafka": {"bootstrapServers": ["kafka"]}},
        resources={"limits": {"cpu": 1.5}},
        external={"url": "http://rasa:5005"},
        rasa={"imagePullSecrets": [{"name": "registry"}, {"name": "registry"}]},
    )

    assert refused(manifest) == (
        "spec.rasa.imagePullSecrets: duplicate value name='registry'",
        "spec.eventBroker.kafka.bootstrapServers[0]: must be host:port, for example kafka:9092, without a scheme",
        "spec.resources.limits.cpu: must be a whole number or text",
        "spec.external.authToken: is missing",
    )


def test_problems_of_a_part_begin_with_its_path() -> None:
    with pytest.raises(ValidationError) as caught:
        SecretKeyRef.model_validate({"name": "passwords"})

    assert problems(caught.value, "spec.authToken.secretKeyRef") == ("spec.authToken.secretKeyRef.key: is missing",)


def test_a_problem_does_not_repeat_the_value_which_may_be_a_secret() -> None:
    manifest = environment(actionEndpoint={"url": "http://user:secret@actions"})

    assert "secret@" not in " ".join(refused(manifest))


@pytest.mark.parametrize(
    "check",
    [
        {"conversations": []},
        {"conversations": [FILE] * 9},
        {"conversations": [{}]},
        {"conversations": [FILE], "timeoutSeconds": 29},
        {"conversations": [FILE], "timeoutSeconds": 7201},
        {"timeoutSeconds": 60},
    ],
)
def test_a_verification_has_conversations_or_a_job_and_a_time_limit(check: JsonObject) -> None:
    with pytest.raises(ValidationError):
        ModelTag.model_validate(model_tag(verification={"candidate": check}))
    with pytest.raises(ValidationError):
        ModelTag.model_validate(model_tag(verification={"live": check}))
