"""Nobody can read a Secret through a ModelServer or its defaults without the right to do so directly."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.escalation import (
    DRY,
    LOOT,
    RUNS_CODE,
    USES_ANY,
    may_not_set,
    may_not_use,
    named,
    named_by_server,
)
from tests.integration.manifests import environment, model_server
from tests.integration.people import KNOWN, Team, refusal
from tests.integration.space import ENVIRONMENT

SERVER = "ModelServer"


@pytest.mark.parametrize("place", named_by_server(LOOT))
def test_a_model_server_needs_the_right_to_get_the_secrets_it_names(team: Team, place: str) -> None:
    heidi = team.person("heidi")

    refused = heidi.create(model_server("http://mine", **named_by_server(LOOT)[place]), **DRY)
    permitted = heidi.create(model_server("http://mine", **named_by_server(KNOWN)[place]), **DRY)

    assert refusal(refused) == may_not_use(LOOT, namespace=team.namespace)
    assert permitted.accepted, permitted.body["message"]


def test_defaults_of_a_model_server_need_what_an_environment_needs(team: Team) -> None:
    grace, heidi = team.person("grace"), team.person("heidi")
    credentials: JsonObject = {"credentialsSecretRef": {"name": KNOWN}}

    code = grace.create(model_server("http://server", **credentials, defaults={"rasa": {"image": "mine"}}), **DRY)
    secret = heidi.create(model_server("http://server", **credentials, defaults=named(LOOT)["jwt.key"]), **DRY)
    plain = grace.create(model_server("http://server", **credentials, defaults={"rasa": {"version": "3.6.21"}}), **DRY)

    assert refusal(code) == may_not_set("spec.defaults.rasa.image", RUNS_CODE, team.namespace)
    assert refusal(secret) == may_not_use(LOOT, KNOWN, namespace=team.namespace)
    assert plain.accepted, plain.body["message"]


@pytest.mark.parametrize(
    "field", ["actionEndpoint.token", "eventBroker.rabbitmq.password", "trackerStore.sql.password"]
)
def test_an_address_in_defaults_needs_the_right_to_get_all_secrets(team: Team, field: str) -> None:
    """Environments of the namespace send their own passwords to it."""
    defaults = named(KNOWN)[field]

    refused, permitted = (
        team.person(name).create(
            model_server("http://server", credentialsSecretRef={"name": KNOWN}, defaults=defaults), **DRY
        )
        for name in ("heidi", "alice")
    )

    place = f"spec.defaults.{field.partition('.')[0]}"
    assert refusal(refused) == may_not_set(place, USES_ANY, team.namespace, "heidi")
    assert permitted.accepted, permitted.body["message"]


def test_taking_tls_away_from_defaults_needs_the_right_to_get_all_secrets(team: Team) -> None:
    tls = {"trackerStore": {"sql": {"tls": {"mode": "Required"}}}}
    team.given(model_server("http://server", credentialsSecretRef={"name": KNOWN}, defaults=tls))

    answer = team.person("heidi").change(SERVER, "default", defaults={"trackerStore": None})

    assert refusal(answer) == may_not_set("spec.defaults.trackerStore", USES_ANY, team.namespace, "heidi")


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://mine"},
        {"modelPath": "/mine/{tag}"},
        {"tls": {"mode": "Disabled"}},
        {"accessFrom": {"namespaces": ["mine"]}},
        {"accessFrom": {"namespaceSelectors": [{}]}},
    ],
    ids=str,
)
def test_sending_the_token_of_a_model_server_elsewhere_needs_the_right_to_get_it(
    team: Team, change: JsonObject
) -> None:
    team.given(model_server("http://server"))

    answer = team.person("heidi").change(SERVER, "default", **change)

    assert refusal(answer) == may_not_use("model-server-credentials", namespace=team.namespace)


REGISTRIES: dict[str, JsonObject] = {
    "by the API": {"registration": "API"},
    "by a file": {"registration": "File"},
    "in a Secret that one may get": {"registration": "File", "environmentsFile": {"secretName": KNOWN}},
    **{profile: {"profile": profile} for profile in ("RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0")},
}
GETS_TOKENS = (
    'the spec of a ModelServer with a registry, which gets the tokens of its environments: needs the verb "get" on all '
    "secrets"
)


@pytest.mark.parametrize("registry", REGISTRIES.values(), ids=REGISTRIES)
def test_a_registry_needs_the_right_to_get_all_secrets_since_it_gets_the_tokens_of_environments(
    team: Team, registry: JsonObject
) -> None:
    team.given(model_server("http://server", credentialsSecretRef={"name": KNOWN}))
    another = model_server("http://mine", "another", credentialsSecretRef={"name": KNOWN}, **registry)

    created = team.person("heidi").create(another, **DRY)
    changed = team.person("heidi").change(SERVER, "default", **registry)
    permitted = team.person("alice").create(another, **DRY)

    assert refusal(created) == refusal(changed) == may_not_set(GETS_TOKENS, "", team.namespace, "heidi")
    assert permitted.accepted, permitted.body["message"]


def test_another_address_of_a_registry_needs_the_right_to_get_all_secrets(team: Team) -> None:
    registry: JsonObject = {"profile": "RasaEnterprise-1.0", "credentialsSecretRef": {"name": KNOWN}}
    team.given(model_server("http://server", **registry))
    heidi = team.person("heidi")

    elsewhere = heidi.change(SERVER, "default", url="http://mine")
    nowhere_else = heidi.change(SERVER, "default", defaults={"rasa": {"version": "2.8.34"}})

    assert refusal(elsewhere) == may_not_set(GETS_TOKENS, "", team.namespace, "heidi")
    assert nowhere_else.accepted, nowhere_else.body["message"]


OTHER = {"modelServerRef": {"name": "other"}}


def test_going_to_another_model_server_needs_the_right_to_get_the_tokens_that_it_is_sent(team: Team) -> None:
    """It receives the token that the environment is registered with."""
    team.given(environment("any", suspend=True), environment("some", suspend=True, **named(LOOT)["authToken"]))
    heidi = team.person("heidi")

    with_a_generated_token = heidi.change(ENVIRONMENT, "any", **OTHER)
    with_its_own = heidi.change(ENVIRONMENT, "some", **OTHER)
    permitted = team.person("alice").change(ENVIRONMENT, "some", **OTHER)

    assert refusal(with_a_generated_token) == may_not_use("any-rasa", namespace=team.namespace)
    assert refusal(with_its_own) == may_not_use(LOOT, "some-rasa", namespace=team.namespace)
    assert permitted.accepted, permitted.body["message"]


STAYING: dict[str, tuple[JsonObject, str]] = {
    "address": ({"trackerStore": {"redis": {"host": "dev"}}}, "spec.trackerStore"),
    "channel": ({"channels": [{"name": "callback", "config": {"url": "http://dev"}}]}, "spec.channels"),
    "endpoints": ({"endpoints": {"nlg": {"url": "http://dev"}}}, "spec.endpoints"),
}
"""Written by somebody who had the right, but merged later with other defaults that contain secrets."""


@pytest.mark.parametrize(("spec", "place"), STAYING.values(), ids=STAYING)
def test_a_field_that_stays_but_comes_to_be_merged_with_other_defaults_is_asked_for_again(
    team: Team, spec: JsonObject, place: str
) -> None:
    (field,) = spec
    team.given(
        environment("any", suspend=True, ignoreDefaults=[field], **spec), environment("some", suspend=True, **spec)
    )
    heidi = team.person("heidi")

    no_more_ignored = heidi.change(ENVIRONMENT, "any", ignoreDefaults=None)
    ignored = heidi.change(ENVIRONMENT, "any", ignoreDefaults=["rasa", field])
    of_another_server = heidi.change(ENVIRONMENT, "some", **OTHER)

    expected = may_not_set(place, USES_ANY, team.namespace, "heidi")
    assert refusal(no_more_ignored).startswith(expected)
    assert refusal(of_another_server).startswith(expected)
    assert ignored.accepted, ignored.body["message"]


def test_dropping_a_default_whose_tls_protects_a_password_needs_the_right_to_get_it(team: Team) -> None:
    team.given(environment("any", suspend=True, **named(LOOT)["trackerStore.sql.password"]))

    answer = team.person("heidi").change(ENVIRONMENT, "any", ignoreDefaults=["trackerStore"])

    assert refusal(answer) == may_not_use(LOOT, namespace=team.namespace)


def test_dropping_a_default_that_the_spec_adds_nothing_to_needs_no_other_right(team: Team) -> None:
    team.given(environment("any", suspend=True))
    fields = ["channels", "ingress", "podTemplate", "trackerStore"]

    dropped = team.person("grace").change(ENVIRONMENT, "any", ignoreDefaults=fields)
    taken_again = team.person("grace").change(ENVIRONMENT, "any", ignoreDefaults=None)

    assert dropped.accepted, dropped.body["message"]
    assert taken_again.accepted, taken_again.body["message"]


def test_having_a_deployment_restarted_needs_the_right_to_patch_it(team: Team) -> None:
    file: JsonObject = {"credentialsSecretRef": {"name": KNOWN}, "environmentsFile": {"deploymentName": "rasa-x"}}

    refused = team.person("grace").create(model_server("http://rasa-x", **file), **DRY)
    permitted = team.person("heidi").create(model_server("http://rasa-x", **file), **DRY)

    right = ', which restarts a Deployment: needs the verb "patch" on deployments.apps "rasa-x"'
    assert refusal(refused) == may_not_set("spec.environmentsFile", right, team.namespace)
    assert permitted.accepted, permitted.body["message"]
