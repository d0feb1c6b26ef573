"""Nobody runs code, reads a Secret or opens a way in through an object of ours that they could not by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.installation import ROOT
from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import EnvironmentDefaults, EnvironmentSpec
from tests.api.api_server import Answer
from tests.integration.manifests import environment, model_server, secret_value
from tests.integration.people import KNOWN, Person, Team, refusal
from tests.integration.space import ENVIRONMENT

SERVER = "ModelServer"
DRY = {"dryRun": "All"}
LOOT = "loot"
"""A Secret that neither grace nor heidi may get. Heidi may create pods, Services and Ingresses, and grace may not."""


def named(name: str) -> dict[str, JsonObject]:
    """By the place in a spec: an environment's spec that names a Secret there, and in no other place."""
    value = secret_value(name, "key")
    return {
        "actionEndpoint.token": {"actionEndpoint": {"url": "http://actions:5055/webhook", "token": value}},
        "authToken": {"authToken": value},
        "eventBroker.kafka.password": {
            "eventBroker": {"kafka": {"bootstrapServers": ["kafka:9092"], "username": "rasa", "password": value}}
        },
        "eventBroker.rabbitmq.password": {"eventBroker": {"rabbitmq": {"host": "rabbitmq", "password": value}}},
        "eventBroker.sql.password": {"eventBroker": {"sql": {"host": "db", "username": "rasa", "password": value}}},
        "external.authToken": {
            "external": {
                "url": "https://rasa.example.com",
                "authToken": {"secretKeyRef": {"name": name, "key": "token"}},
            }
        },
        "jwt": {"jwt": {"key": value}},
        "lockStore.redis.password": {"lockStore": {"redis": {"host": "redis", "password": value}}},
        "trackerStore.redis.password": {"trackerStore": {"redis": {"host": "redis", "password": value}}},
        "trackerStore.sql.password": {"trackerStore": {"sql": {"host": "db", "username": "rasa", "password": value}}},
        "ingress.tlsSecretName": {
            "ingress": {
                "hosts": [{"host": "chat.example.com"}],
                "tls": [{"hosts": ["chat.example.com"], "secretName": name}],
            }
        },
        "rasa.imagePullSecrets": {"rasa": {"version": "3.6.21", "imagePullSecrets": [{"name": name}]}},
    }


def named_by_server(name: str) -> dict[str, JsonObject]:
    """By the place in a ModelServer's spec: one that names the Secret there."""
    return {
        "authTokenSecretRef": {
            "credentialsSecretRef": None,
            "authToken": {"secretKeyRef": {"name": name, "key": "token"}},
        },
        "credentialsSecretRef": {"credentialsSecretRef": {"name": name}},
    }


WRITTEN = {"environmentsFile.secretName"}
"""Where a Secret is named that the operator writes, and does not read."""


def places(schema: JsonObject, path: str = "") -> Iterator[str]:
    """Where in a schema a Secret is named."""
    for name, inner in schema.get("properties", {}).items():
        place = f"{path}.{name}".removeprefix(".")
        if name == "secretKeyRef":
            yield path
        elif "secret" in name.lower():
            yield place
        else:
            yield from places(inner, place)


def spec_schema(plural: str) -> JsonObject:
    """The schema of a kind's spec, as it is shipped."""
    definition = yaml.safe_load((ROOT / "crds" / f"{plural}.yaml").read_text())
    schema: JsonObject = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def test_each_place_where_a_secret_is_named_is_tried_below() -> None:
    tried = named(LOOT).keys()
    server = spec_schema("modelservers")
    defaults = server["properties"].pop("defaults")

    assert set(places(spec_schema("deploymentenvironments"))) == tried
    assert set(places(defaults)) == tried - {"authToken", "external.authToken"}
    assert set(places(server)) == named_by_server(LOOT).keys() | WRITTEN


def new(person: Person, **spec: Any) -> Answer:
    """Asks whether they may create an environment with this in its spec."""
    return person.create(environment("any", suspend=True, **spec), **DRY)


def may_not_use(*secrets: str, namespace: str) -> str:
    """How it is told that heidi lacks the right to get these Secrets."""
    which = ", ".join(f'"{name}"' for name in secrets)
    return (
        f'user "heidi" may not use secrets {which} here: needs the verb "get" on each of them in namespace '
        f'"{namespace}"'
    )


def may_not_set(field: str, right: str, namespace: str, person: str = "grace") -> str:
    """How it is told that somebody lacks another right."""
    return f'user "{person}" may not set {field}{right} in namespace "{namespace}"'


RUNS_CODE = ', which runs code: needs the verb "create" on pods'
USES_ANY = ', which can use any Secret: needs the verb "get" on all secrets'


@pytest.mark.parametrize("place", named(LOOT))
def test_naming_a_secret_needs_the_right_to_get_it(team: Team, place: str) -> None:
    heidi = team.person("heidi")

    refused = new(heidi, **named(LOOT)[place])
    permitted = new(heidi, **named(KNOWN)[place])

    assert refusal(refused) == may_not_use(LOOT, namespace=team.namespace)
    assert permitted.accepted, permitted.body["message"]


@pytest.mark.parametrize("place", named_by_server(LOOT))
def test_a_model_server_needs_the_right_to_get_the_secrets_it_names(team: Team, place: str) -> None:
    heidi = team.person("heidi")

    refused = heidi.create(model_server("http://mine", **named_by_server(LOOT)[place]), **DRY)
    permitted = heidi.create(model_server("http://mine", **named_by_server(KNOWN)[place]), **DRY)

    assert refusal(refused) == may_not_use(LOOT, namespace=team.namespace)
    assert permitted.accepted, permitted.body["message"]


def test_each_of_several_secrets_is_asked_for(team: Team) -> None:
    spec = {**named(KNOWN)["trackerStore.sql.password"], **named(LOOT)["eventBroker.sql.password"], **named("b")["jwt"]}

    answer = new(team.person("heidi"), **spec)

    assert refusal(answer) == may_not_use(LOOT, KNOWN, namespace=team.namespace)


def test_three_registries_need_the_right_to_get_all_secrets(team: Team) -> None:
    rasa = {"version": "3.6.21", "imagePullSecrets": [{"name": KNOWN}, {"name": "b"}, {"name": "c"}]}

    answer = new(team.person("heidi"), rasa=rasa)

    assert refusal(answer) == may_not_set("spec.rasa.imagePullSecrets", USES_ANY, team.namespace, "heidi")


CODE: dict[str, tuple[JsonObject, str]] = {
    "podTemplate": ({"podTemplate": {"spec": {"serviceAccountName": "powerful"}}}, "spec.podTemplate"),
    "endpoints": ({"endpoints": {"nlg": {"url": "http://mine"}}}, "spec.endpoints"),
    "credentials": ({"channels": [{"name": "mine.Channel"}]}, "spec.credentials"),
    "image": ({"rasa": {"image": "mine"}}, "spec.rasa.image"),
    "arguments": ({"rasa": {"version": "3.6.21", "extraArgs": ["--debug"]}}, "spec.rasa.extraArgs"),
    "variables in arguments": (
        {"rasa": {"version": "3.6.21", "corsOrigins": ["$(RASA_TOKEN)"]}},
        "spec.rasa.corsOrigins",
    ),
    "registry": (named(KNOWN)["rasa.imagePullSecrets"], "spec.rasa.imagePullSecrets"),
}


@pytest.mark.parametrize(("spec", "field"), CODE.values(), ids=CODE)
def test_running_code_needs_the_right_to_create_pods(team: Team, spec: JsonObject, field: str) -> None:
    refused = new(team.person("grace"), **spec)
    permitted = new(team.person("alice"), **spec)

    assert refusal(refused) == may_not_set(field, RUNS_CODE, team.namespace)
    assert permitted.accepted, permitted.body["message"]


def test_which_release_of_rasa_runs_needs_no_right_to_create_pods(team: Team) -> None:
    rasa = {"version": "3.6.20", "port": 5006, "logLevel": "Debug"}

    answer = new(team.person("grace"), rasa=rasa)

    assert answer.accepted, answer.body["message"]


UNSEEN: dict[str, JsonObject] = {
    "trackerStore": {"sql": {"host": "mine", "username": "rasa"}},
    "eventBroker": {"rabbitmq": {"host": "mine", "username": "${RASA_X_TOKEN}", "password": secret_value(KNOWN, "k")}},
    "lockStore": {"redis": {"host": "mine"}},
    "actionEndpoint": {"url": "http://mine/webhook"},
}
"""What can send the password that the defaults of the ModelServer name, or a token, to another address."""


FREE_FORM: dict[str, JsonObject] = {
    "podTemplate": {"spec": {"volumes": [{"name": "loot", "secret": {"secretName": LOOT}}]}},
    "endpoints": {"nlg": {"url": "http://mine", "token": secret_value(LOOT, "key")}},
    "credentials": {"mine": {"deep": [{"down": secret_value(LOOT, "key")}]}},
}


@pytest.mark.parametrize("field", FREE_FORM)
def test_a_free_form_field_needs_the_right_to_get_all_secrets(team: Team, field: str) -> None:
    answer = new(team.person("heidi"), **{field: FREE_FORM[field]})

    assert refusal(answer) == may_not_set(f"spec.{field}", USES_ANY, team.namespace, "heidi")


@pytest.mark.parametrize("field", UNSEEN)
def test_sending_a_password_of_the_defaults_elsewhere_needs_the_right_to_get_all_secrets(
    team: Team, field: str
) -> None:
    refused = new(team.person("heidi"), **{field: UNSEEN[field]})
    permitted = new(team.person("alice"), **{field: UNSEEN[field]})

    assert refusal(refused) == may_not_set(f"spec.{field}", USES_ANY, team.namespace, "heidi")
    assert permitted.accepted, permitted.body["message"]


@pytest.mark.parametrize(
    ("field", "value", "resource"),
    [
        ("ingress", {"host": "chat.example.com", "tlsSecretName": KNOWN}, "ingresses.networking.k8s.io"),
        ("service", {"annotations": {"external-dns.alpha.kubernetes.io/hostname": "chat.example.com"}}, "services"),
    ],
)
def test_opening_a_way_in_needs_the_right_to_create_it(
    team: Team, field: str, value: JsonObject, resource: str
) -> None:
    refused = new(team.person("grace"), **{field: value})
    permitted = new(team.person("alice"), **{field: value})

    assert refusal(refused) == may_not_set(f"spec.{field}", f': needs the verb "create" on {resource}', team.namespace)
    assert permitted.accepted, permitted.body["message"]


def test_defaults_of_a_model_server_need_what_an_environment_needs(team: Team) -> None:
    grace, heidi = team.person("grace"), team.person("heidi")
    credentials: JsonObject = {"credentialsSecretRef": {"name": KNOWN}}

    code = grace.create(model_server("http://server", **credentials, defaults={"rasa": {"image": "mine"}}), **DRY)
    secret = heidi.create(model_server("http://server", **credentials, defaults=named(LOOT)["jwt"]), **DRY)
    plain = grace.create(model_server("http://server", **credentials, defaults={"rasa": {"version": "3.6.21"}}), **DRY)

    assert refusal(code) == may_not_set("spec.defaults.rasa.image", RUNS_CODE, team.namespace)
    assert refusal(secret) == may_not_use(LOOT, namespace=team.namespace)
    assert plain.accepted, plain.body["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://mine"},
        {"profile": "RasaX-0.32"},
        {"modelPath": "/mine/{tag}"},
        {"accessFrom": {"namespaces": ["mine"]}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_sending_the_token_of_a_model_server_elsewhere_needs_the_right_to_get_it(
    team: Team, change: JsonObject
) -> None:
    team.given(model_server("http://server"))

    answer = team.person("heidi").change(SERVER, "default", **change)

    assert refusal(answer) == may_not_use("model-server-credentials", namespace=team.namespace)


def test_having_a_deployment_restarted_needs_the_right_to_patch_it(team: Team) -> None:
    file: JsonObject = {"credentialsSecretRef": {"name": KNOWN}, "environmentsFile": {"deploymentName": "rasa-x"}}

    refused = team.person("grace").create(model_server("http://rasa-x", **file), **DRY)
    permitted = team.person("heidi").create(model_server("http://rasa-x", **file), **DRY)

    right = ', which restarts a Deployment: needs the verb "patch" on deployments.apps "rasa-x"'
    assert refusal(refused) == may_not_set("spec.environmentsFile", right, team.namespace)
    assert permitted.accepted, permitted.body["message"]


def test_what_stays_is_not_asked_for_again(team: Team) -> None:
    code: JsonObject = {"podTemplate": {"metadata": {"labels": {"a": "b"}}}, "rasa": {"image": "a", "version": "3.6.1"}}
    team.given(environment("any", suspend=True, **code, **named(LOOT)["trackerStore.sql.password"]))
    heidi = team.person("heidi")

    assert heidi.change(ENVIRONMENT, "any", replicas=2, model={"required": False}).accepted
    assert heidi.change(ENVIRONMENT, "any", rasa={"version": "3.6.20"}).accepted
    assert heidi.change(ENVIRONMENT, "any", podTemplate=None).accepted
    moved = heidi.change(ENVIRONMENT, "any", trackerStore={"sql": {"host": "mine"}})
    assert refusal(moved) == may_not_use(LOOT, namespace=team.namespace)


def test_an_environment_that_sets_everything_is_within_the_limits_of_cel(team: Team) -> None:
    everything: JsonObject = {}
    for spec in named(LOOT).values():
        everything |= spec
    everything["podTemplate"] = {"metadata": {"annotations": {f"a{number}": "x" * 100 for number in range(1000)}}}
    everything["eventBroker"] = {"rabbitmq": {"host": "h", "queues": [f"q{number}" for number in range(16)]}}
    everything["service"] = {"labels": {f"a{number}": "b" for number in range(60)}}

    permitted = new(team.person("alice"), **everything)
    refused = new(team.person("grace"), **everything)

    assert permitted.accepted, permitted.body["message"]
    assert "needs the verb" in refusal(refused)


def test_the_fields_that_need_no_more_than_promote_are_those_that_were_looked_at() -> None:
    policies = yaml.safe_load_all((ROOT / "manifests" / "promotion" / "escalation.yaml").read_text())
    variables = {each["name"]: each["expression"] for each in next(iter(policies))["spec"]["variables"]}
    listed = set(yaml.safe_load(variables["plain"])) | set(yaml.safe_load(variables["typed"]))
    fields = {field.alias or name for name, field in EnvironmentSpec.model_fields.items()}

    assert listed <= fields, "a field of these was renamed"
    assert {field.alias or name for name, field in EnvironmentDefaults.model_fields.items()} <= fields
    assert fields - listed == {"podTemplate", "endpoints", "credentials"}
