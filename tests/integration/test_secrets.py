"""Tokens and passwords.

Where they come from, where they are stored, and what happens when they are missing or changed.
"""

from __future__ import annotations

import base64

import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION
from tests.integration.conftest import furnish
from tests.integration.manifests import CREDENTIALS, environment, secret, secret_value
from tests.integration.model_server_process import API_TOKEN, TOKEN, ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space

PASSWORD = "hunter2-86c1"
DATABASE: JsonObject = {
    "trackerStore": {"sql": {"host": "db", "username": "rasa", "password": secret_value("db", "password")}}
}
DIGEST = "rasa-environments.io/config-digest"


def own_secret(space: Space, name: str = "production") -> dict[str, str]:
    """What the environment's own Secret holds."""
    data = space.child("Secret", name)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def digest(space: Space) -> str:
    """Return the digest that rolls the pods when it changes."""
    return str(space.child("Deployment")["spec"]["template"]["metadata"]["annotations"][DIGEST])


def variables(space: Space) -> dict[str, JsonObject]:
    """The variables of the server's container, by name."""
    container = space.child("Deployment")["spec"]["template"]["spec"]["containers"][0]
    return {entry["name"]: entry for entry in container["env"]}


def test_a_secret_that_is_missing_is_named_and_recovers_once_it_exists(space: Space) -> None:
    space.apply(environment(**DATABASE))
    space.wait_until_not_ready(
        "SecretNotFound",
        f"spec.trackerStore.sql.password: Secret {space.namespace}/db not found: create it with key password",
    )

    space.apply(secret("db", password=PASSWORD))

    space.wait_until_ready()
    assert own_secret(space)["db-password"] == PASSWORD


def test_a_key_that_is_missing_or_empty_is_named(space: Space) -> None:
    space.apply(secret("db", user="rasa"), environment(**DATABASE))
    reference = f"spec.trackerStore.sql.password: key password of Secret {space.namespace}/db"
    space.wait_until_not_ready(
        "SecretKeyNotFound", f"{reference} is missing (it holds user): set it, or refer to another key"
    )

    space.apply(secret("db", password=""))
    space.wait_until_not_ready("SecretKeyNotFound", f"{reference} is empty: set it, or refer to another key")

    space.apply(secret("db", password=PASSWORD))
    space.wait_until_ready()


def test_a_secret_that_goes_is_missed_and_the_pods_stay(space: Space) -> None:
    space.apply(secret("db", password=PASSWORD), environment(**DATABASE))
    space.wait_until_ready()
    before = digest(space)

    space.delete("Secret", "db")

    space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="SecretNotFound")
    assert digest(space) == before


def test_a_password_reaches_the_server_by_a_variable_and_never_by_the_configmap(space: Space) -> None:
    space.apply(secret("db", password=PASSWORD), environment(**DATABASE))
    space.wait_until_ready()

    configuration = space.child("ConfigMap")["data"]["endpoints.yml"]
    assert yaml.safe_load(configuration)["tracker_store"]["password"] == "${DB_PASSWORD}"
    source = {"secretKeyRef": {"name": "production-rasa", "key": "db-password"}}
    assert variables(space)["DB_PASSWORD"]["valueFrom"] == source


def test_a_changed_password_rolls_the_pods(space: Space) -> None:
    space.apply(secret("db", password=PASSWORD), environment(**DATABASE))
    space.wait_until_ready()
    before = digest(space)

    space.apply(secret("db", password="another-one"))

    space.eventually(lambda: digest(space) != before, "the pods to be rolled")
    assert own_secret(space)["db-password"] == "another-one"


def test_changed_credentials_of_the_model_server_roll_the_pods(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()
    before = digest(space)
    assert own_secret(space)["model-server-token"] == TOKEN

    space.apply(secret(CREDENTIALS, token=API_TOKEN, apiToken=API_TOKEN))

    space.eventually(lambda: digest(space) != before, "the pods to be rolled")
    assert own_secret(space)["model-server-token"] == API_TOKEN


def test_the_token_may_come_from_a_secret_of_the_user(space: Space) -> None:
    space.apply(secret("mine", value="0123-mine\n"), environment(authToken=secret_value("mine", "value")))
    space.wait_until_ready()
    assert space.token() == "0123-mine"

    space.apply(secret("mine", value="4567-mine"))

    space.eventually(lambda: space.token() == "4567-mine", "the token to follow the Secret")


def test_environments_may_share_the_token_of_their_model_server(
    empty_space: Space, model_server: ModelServerProcess
) -> None:
    space = empty_space
    space.apply(secret("shared", token="common-token"))
    furnish(space, model_server, authToken={"secretKeyRef": {"name": "shared", "key": "token"}})

    space.apply(environment(), environment("worker"))

    space.wait_until_ready("production", "worker")
    assert [space.token(name) for name in ("production", "worker")] == ["common-token", "common-token"]


def test_a_shared_token_that_is_missing_is_named_where_it_is_asked_for(
    empty_space: Space, model_server: ModelServerProcess
) -> None:
    space = empty_space
    furnish(space, model_server, authToken={"secretKeyRef": {"name": "shared", "key": "token"}})

    space.apply(environment())

    space.wait_until_not_ready(
        "SecretNotFound",
        f"ModelServer {space.namespace}/default: spec.authToken: Secret {space.namespace}/shared "
        "not found: create it with key token",
    )


def test_a_token_is_rotated_once_for_each_value_of_the_annotation(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()
    tokens = [space.token()]

    for time in ("2026-01-01", "2026-02-01"):
        space.apply(environment(annotations={ROTATE_TOKEN_ANNOTATION: time}))
        space.eventually(
            lambda time=time: space.status(ENVIRONMENT, "production").get("lastHandledRotateTokenAt") == time,  # type: ignore[misc]
            f"the rotation {time} to be acknowledged",
        )
        tokens.append(space.token())

    assert len(set(tokens)) == 3
    space.apply(environment(annotations={ROTATE_TOKEN_ANNOTATION: "2026-02-01"}, replicas=2))
    space.wait_until_ready()
    assert space.token() == tokens[-1]


def test_a_rotated_token_rolls_the_pods(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()
    before = digest(space)

    space.apply(environment(annotations={ROTATE_TOKEN_ANNOTATION: "now"}))

    space.eventually(lambda: digest(space) != before, "the pods to be rolled")


def test_a_namespace_in_a_free_form_reference_is_not_followed(space: Space, another_space: Space) -> None:
    another_space.apply(secret("slack", token=PASSWORD))
    smuggled = {"secretKeyRef": {"name": "slack", "key": "token", "namespace": another_space.namespace}}

    space.apply(environment(channels=[{"name": "slack", "config": {"slack_token": smuggled}}]))

    space.wait_until_not_ready(
        "SecretNotFound",
        f"spec.channels[slack].config.slack_token: Secret {space.namespace}/slack not found: create it with key token",
    )


def test_no_secret_value_is_in_any_other_object_or_log_line(space: Space) -> None:
    slack = "xoxb-slack-5fd2"
    space.apply(
        secret("db", password=PASSWORD),
        secret("slack", token=slack),
        environment(
            channels=[{"name": "slack", "config": {"slack_token": secret_value("slack", "token")}}], **DATABASE
        ),
    )
    space.wait_until_ready()
    salt = own_secret(space)["salt"]
    values = [PASSWORD, slack, TOKEN, API_TOKEN, space.token(), salt]
    assert set(own_secret(space).values()) == {PASSWORD, slack, TOKEN, space.token(), salt}

    seen = {path: space.api.request("GET", path).body for path in paths_of_all_but_secrets(space)}

    written = {place: yaml.safe_dump(body) for place, body in seen.items()}
    written["the operator's log"] = space.operator.log.read_text()
    encoded = [base64.b64encode(value.encode()).decode() for value in values]
    leaks = [(place, value) for place, text in written.items() for value in (*values, *encoded) if value in text]
    assert leaks == []
    assert sum(len(body["items"]) for body in seen.values()) > 10


def paths_of_all_but_secrets(space: Space) -> list[str]:
    """Return every kind of object that the API server keeps in a namespace, by its own discovery."""
    named = space.api.request("GET", "/apis").body["groups"]
    groups = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in named)]
    return [
        f"{group}/namespaces/{space.namespace}/{resource['name']}"
        for group in groups
        for resource in space.api.request("GET", group).body["resources"]
        if resource["namespaced"] and "list" in resource["verbs"] and resource["name"] != "secrets"
    ]
