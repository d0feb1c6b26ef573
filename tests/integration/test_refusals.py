"""Mistakes that users can make, and exactly what the status reports."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import CREDENTIALS, environment, model_server, secret, secret_value
from tests.integration.model_server_process import API_TOKEN, TOKEN, ModelServerProcess
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, MERGE_PATCH, Space

REDIS = {"redis": {"host": "redis"}}
NAMELESS = (
    "spec.podTemplate.spec.containers[0] has no name, so it cannot be merged; "
    "the Rasa server's container is called rasa"
)
BROKEN_TEMPLATES: dict[str, tuple[Any, str]] = {
    "a container without a name": ({"spec": {"containers": [{"image": "x"}]}}, NAMELESS),
    "no list of containers": (
        {"spec": {"containers": "rasa"}},
        "spec.podTemplate.spec.containers must be a list, not text",
    ),
    "a container that is no mapping": (
        {"spec": {"containers": ["rasa"]}},
        "spec.podTemplate.spec.containers[0] must be a map, not text",
    ),
    "no spec": ({"spec": "rasa"}, "spec.podTemplate.spec must be a map, not text"),
    "the server removed": (
        {"spec": {"containers": [{"name": "rasa", "$patch": "delete"}]}},
        "spec.podTemplate removes the container rasa: keep it, and add others beside it",
    ),
    "the Service's label changed": (
        {"metadata": {"labels": {"app.kubernetes.io/name": "other"}}},
        "spec.podTemplate.metadata.labels may not change app.kubernetes.io/name=rasa: the Service selects pods by it",
    ),
    "another environment": (
        {"spec": {"containers": [{"name": "rasa", "env": [{"name": "RASA_ENVIRONMENT", "value": "other"}]}]}},
        "spec.podTemplate sets or removes RASA_ENVIRONMENT: set spec.environment instead",
    ),
}
REFUSED_TEMPLATES: dict[str, tuple[Any, str]] = {
    "a field that no pod has": ({"spec": {"nodeSelectors": {}}}, "spec.template.spec.nodeSelectors"),
    "a value that no pod takes": (
        {"spec": {"restartPolicy": "Never"}},
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ),
    "a value of another type": (
        {"spec": {"terminationGracePeriodSeconds": "long"}},
        "terminationGracePeriodSeconds",
    ),
    "a volume that is not there": (
        {"spec": {"containers": [{"name": "rasa", "volumeMounts": [{"name": "gone", "mountPath": "/gone"}]}]}},
        'spec.template.spec.containers[0].volumeMounts[4].name: Not found: "gone"',
    ),
}


@pytest.mark.parametrize(("template", "message"), BROKEN_TEMPLATES.values(), ids=BROKEN_TEMPLATES)
def test_a_podtemplate_that_breaks_the_pods_is_refused_and_the_old_pods_stay(
    space: Space, template: JsonObject, message: str
) -> None:
    space.apply(environment())
    space.wait_until_ready()
    before = space.child("Deployment")["metadata"]["generation"]

    replace_template(space, template)

    space.wait_until_not_ready("InvalidSpec", message)
    assert space.child("Deployment")["metadata"]["generation"] == before


@pytest.mark.parametrize(("template", "message"), REFUSED_TEMPLATES.values(), ids=REFUSED_TEMPLATES)
def test_what_the_api_server_refuses_is_reported_in_its_own_words_and_the_old_pods_stay(
    space: Space, template: JsonObject, message: str
) -> None:
    space.apply(environment())
    space.wait_until_ready()
    before = space.child("Deployment")["metadata"]["generation"]

    replace_template(space, template)

    refused = space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="RefusedByAPIServer")
    assert refused["message"].startswith(f"Deployment {space.namespace}/production-rasa is refused: ")
    assert message in refused["message"]
    assert space.child("Deployment")["metadata"]["generation"] == before
    space.patch(ENVIRONMENT, "production", {"spec": {"podTemplate": None}})
    space.wait_until_ready()


@pytest.mark.parametrize(("template", "message"), REFUSED_TEMPLATES.values(), ids=REFUSED_TEMPLATES)
def test_what_the_api_server_refuses_at_the_creation_is_reported_in_its_own_words(
    space: Space, template: JsonObject, message: str
) -> None:
    space.apply(environment(podTemplate=template))

    refused = space.wait_for_condition(ENVIRONMENT, "production", "Stalled", status="True", reason="RefusedByAPIServer")
    assert message in refused["message"]


@pytest.mark.parametrize("version", ["9.9.9", "1.10.26"])
def test_an_unknown_version_is_refused(space: Space, version: str) -> None:
    space.apply({**environment(), "spec": {"rasa": {"version": version}}})

    space.wait_until_not_ready(
        "InvalidSpec",
        f"spec.rasa.version {version} is not supported by the profile OpenSource, which runs Rasa 2.x and 3.x: "
        "set one of them, for example 3.6.21",
    )


def test_an_environment_without_version_and_image_is_refused_until_the_defaults_name_one(
    space: Space, model_server: ModelServerProcess
) -> None:
    space.apply({**environment(), "spec": {}})
    space.wait_until_not_ready(
        "InvalidSpec",
        "spec.rasa.version is missing: set it, for example to 3.6.21, or set spec.rasa.image, "
        f"here or in spec.defaults of ModelServer {space.namespace}/default",
    )

    furnish(space, model_server, defaults={"rasa": {"version": "3.6.21"}})

    space.wait_until_ready()


def test_a_hyphen_in_the_name_of_a_database_that_rasa_is_to_create_is_refused(space: Space) -> None:
    database = {"host": "db", "database": "rasa-experimental", "loginDatabase": "rasa"}

    space.apply(environment(trackerStore={"sql": database}))

    stalled = space.wait_for_condition(ENVIRONMENT, "production", "Stalled", status="True", reason="InvalidSpec")
    assert "spec.trackerStore.sql.database: must be letters, digits and _" in stalled["message"]
    space.apply(environment(trackerStore={"sql": {"host": "db", "database": "rasa-experimental"}}))
    space.wait_until_ready()


def test_what_is_not_a_url_is_refused_by_the_api_server(space: Space) -> None:
    answer = space.try_to_apply(model_server("rasa-x:5002", "other"))

    message = (
        'Invalid value: "rasa-x:5002": must be an http(s) URL with a host and no user name or query, for example '
        "http://rasa-x:5002 (tokens and passwords belong in the Secret of credentialsSecretRef)"
    )
    assert answer.causes == [("spec.url", message)]


def test_defaults_that_do_not_fit_the_environment_are_refused(space: Space, model_server: ModelServerProcess) -> None:
    furnish(space, model_server, defaults={"autoscaling": {"maxReplicas": 2}})

    space.apply(environment(autoscaling={"minReplicas": 3}))

    space.wait_until_not_ready(
        "InvalidSpec",
        f"with the defaults of ModelServer {space.namespace}/default: spec.autoscaling.minReplicas: "
        "may not be greater than maxReplicas (spec.ignoreDefaults names fields of the defaults to do without)",
    )


def test_replicas_without_shared_stores_work_and_a_condition_says_what_users_lose(space: Space) -> None:
    space.apply(environment(replicas=2))
    space.wait_until_ready()

    space.wait_for_condition(
        ENVIRONMENT,
        "production",
        "ConversationsPersisted",
        status="False",
        reason="NotShared",
        message="2 servers each keep their own conversations in memory: users lose their conversation when another "
        "one answers, "
        "and at each restart; set spec.trackerStore and spec.lockStore",
    )
    assert space.status(ENVIRONMENT, "production")["replicas"] == 2

    space.apply(environment(replicas=2, lockStore=REDIS, trackerStore=REDIS))
    space.wait_until_ready()
    space.wait_for_condition(ENVIRONMENT, "production", "ConversationsPersisted", status="True")


def test_a_tag_that_no_model_carries_is_named(space: Space) -> None:
    message = (
        f"no model on ModelServer {space.namespace}/default carries the tag experimental: promote one, "
        "for example `kubectl rasa promote MODEL experimental`"
    )

    space.apply(environment("experimental"))

    space.wait_until_not_ready("TagNotFound", message, "experimental")
    space.wait_for_condition(
        ENVIRONMENT, "experimental", "ModelAvailable", status="False", reason="TagNotFound", message=message
    )


def test_a_model_that_is_not_required_is_not_waited_for(space: Space) -> None:
    space.apply(environment("experimental", model={"required": False}))

    space.wait_for_condition(
        ENVIRONMENT,
        "experimental",
        "Ready",
        status="True",
        message="the Rasa server is available; no model is required",
    )


def test_a_model_server_that_is_missing_is_named_and_recovers_once_it_exists(
    empty_space: Space, model_server: ModelServerProcess
) -> None:
    space = empty_space
    space.apply(environment())
    space.wait_until_not_ready(
        "ModelServerNotFound",
        f"ModelServer {space.namespace}/default not found: create it, or name another one in spec.modelServerRef",
    )

    furnish(space, model_server)

    space.wait_until_ready()


def test_pods_stay_when_their_model_server_goes(space: Space, model_server: ModelServerProcess) -> None:
    space.apply(environment())
    space.wait_until_ready()
    before = space.child("Deployment")["metadata"]["generation"]

    space.delete("ModelServer", "default")

    space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="ModelServerNotFound")
    furnish(space, model_server)
    space.wait_until_ready()
    assert space.child("Deployment")["metadata"]["generation"] == before


def test_a_model_server_of_another_namespace_must_allow_it(
    empty_space: Space, another_space: Space, model_server: ModelServerProcess
) -> None:
    space, owner = empty_space, another_space
    furnish(owner, model_server)
    space.apply(environment(modelServerRef={"namespace": owner.namespace}))
    space.wait_until_not_ready(
        "RefNotPermitted",
        f"ModelServer {owner.namespace}/default does not allow namespace {space.namespace}: "
        f"add {space.namespace} to its spec.accessFrom.namespaces",
    )
    assert space.find_child("Secret") is None

    furnish(owner, model_server, accessFrom={"namespaces": [space.namespace]})

    space.wait_until_ready()


def test_of_the_secrets_of_another_namespace_only_the_token_to_pull_comes_here(
    empty_space: Space, another_space: Space, model_server: ModelServerProcess
) -> None:
    space, owner = empty_space, another_space
    owner.apply(secret("shared", password="from the owner", token="token of all"))
    space.apply(secret("redis", password="from the tenant"))
    lock_store = {"redis": {"host": "redis", "password": secret_value("shared", "password")}}
    furnish(
        owner,
        model_server,
        accessFrom={"namespaces": [space.namespace]},
        defaults={"lockStore": lock_store},
        authToken={"secretKeyRef": {"name": "shared", "key": "token"}},
    )

    space.apply(environment(modelServerRef={"namespace": owner.namespace}))
    space.wait_until_not_ready(
        "SecretNotFound",
        f"spec.defaults.lockStore.redis.password of ModelServer {owner.namespace}/default refers to a Secret in "
        f"namespace {owner.namespace}, and secret values are not copied to namespace {space.namespace}: set "
        "spec.lockStore.redis.password of this environment to a Secret in its own namespace",
    )
    assert space.find_child("Secret") is None

    own = {"redis": {"host": "redis", "password": secret_value("redis", "password")}}
    space.apply(environment(modelServerRef={"namespace": owner.namespace}, lockStore=own))

    space.wait_until_ready()
    data = {key: b64decode(value).decode() for key, value in space.child("Secret")["data"].items()}
    assert all(re.fullmatch("[0-9a-f]{64}", data.pop(generated)) for generated in ("token", "salt"))
    assert data == {"model-server-token": TOKEN, "redis-password": "from the tenant"}


def test_a_wrong_token_is_reported_on_the_model_server_and_on_its_environments(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()

    space.apply(secret(CREDENTIALS, token="wrong", apiToken=API_TOKEN))

    space.wait_for_condition("ModelServer", "default", "Ready", status="False", reason="Unauthorized")
    space.wait_for_condition(ENVIRONMENT, "production", "ModelAvailable", status="Unknown", reason="Unauthorized")
    space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="True")
    space.apply(secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN))
    space.wait_for_condition("ModelServer", "default", "Ready", status="True")
    space.wait_for_condition(ENVIRONMENT, "production", "ModelAvailable", status="True")


def replace_template(space: Space, template: JsonObject) -> None:
    """Set the whole podTemplate, including nulls, as `kubectl replace` does."""
    operations = [{"op": "add", "path": "/spec/podTemplate", "value": template}]
    headers = {"Content-Type": "application/json-patch+json"}
    answer = space.api.request("PATCH", space.path(ENVIRONMENT, "production"), operations, headers=headers)
    assert answer.accepted, answer.body["message"]


def test_pods_below_the_level_of_their_namespace_are_refused_until_it_allows_them(space: Space) -> None:
    space.apply(environment(podTemplate={"spec": {"hostNetwork": True}}))

    refused = space.wait_for_condition(ENVIRONMENT, "production", "Stalled", status="True", reason="RefusedByAPIServer")
    assert refused["message"].endswith(
        "pods must not set hostNetwork, hostPID or hostIPC, by the Pod Security level restricted: change "
        "spec.podTemplate of the environment, or have the namespace labelled "
        "rasa-environments.io/pod-security=baseline or privileged"
    )
    assert space.find_child("Deployment") is None

    labels = {"metadata": {"labels": {"rasa-environments.io/pod-security": "privileged"}}}
    space.api.request("PATCH", f"/api/v1/namespaces/{space.namespace}", labels, headers=MERGE_PATCH)
    space.eventually(lambda: space.find_child("Deployment") is not None, "the Deployment")


def test_nothing_is_made_in_a_protected_namespace(
    shared: Installation, operator: OperatorProcess, model_server: ModelServerProcess
) -> None:
    space = Space(shared.api, "openshift-tests", operator)
    space.create_namespace()
    furnish(space, model_server)

    space.apply(environment())

    refused = space.wait_for_condition(ENVIRONMENT, "production", "Stalled", status="True", reason="RefusedByAPIServer")
    assert refused["message"].endswith(
        'the operator writes nothing in the namespace "openshift-tests", which is protected: create environments and '
        "model servers in another one"
    )
    space.remove()
