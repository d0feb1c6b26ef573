"""Nobody can run code, read a Secret or open access through an environment without the right to do so directly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from local.installation import ROOT
from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import EnvironmentDefaults, EnvironmentSpec
from tests.integration.escalation import (
    LOOT,
    PLAIN_TEXT,
    RUNS_CODE,
    SENTINEL,
    USES_ANY,
    by_certificate,
    may_not_set,
    may_not_use,
    named,
    named_by_server,
    new,
    own,
)
from tests.integration.manifests import environment, secret_value
from tests.integration.people import KNOWN, Team, refusal
from tests.integration.space import ENVIRONMENT

WRITTEN = {"environmentsFile.secretName"}
"""The path of a reference to a Secret that the operator writes, and does not read."""


def places(schema: JsonObject, path: str = "") -> Iterator[str]:
    """Yield the paths in a schema that refer to a Secret."""
    if "items" in schema:
        yield from places(schema["items"], f"{path}[]")
    for name, inner in schema.get("properties", {}).items():
        place = f"{path}.{name}".removeprefix(".")
        if name == "secretKeyRef":
            yield path
        elif "secret" in name.lower():
            yield place
        else:
            yield from places(inner, place)


def spec_schema(plural: str) -> JsonObject:
    """Return the schema of a kind's spec, as shipped."""
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


@pytest.mark.parametrize("place", named(LOOT))
def test_naming_a_secret_needs_the_right_to_get_it(team: Team, place: str) -> None:
    heidi = team.person("heidi")

    refused = new(heidi, **named(LOOT)[place])
    permitted = new(heidi, **named(KNOWN)[place])

    assert refusal(refused) == may_not_use(LOOT, namespace=team.namespace)
    assert permitted.accepted, permitted.body["message"]


def test_each_of_several_secrets_is_asked_for(team: Team) -> None:
    spec = {
        **named(KNOWN)["trackerStore.sql.password"],
        **named(LOOT)["eventBroker.sql.password"],
        **named("b")["jwt.key"],
    }

    answer = new(team.person("heidi"), **spec)

    assert refusal(answer) == may_not_use(LOOT, KNOWN, namespace=team.namespace)


def test_the_last_of_many_secrets_is_asked_for(team: Team) -> None:
    certificates = [{"hosts": ["chat.example.com"], "secretName": KNOWN}] * 15
    last = {"hosts": ["chat.example.com"], "secretName": LOOT}

    answer = new(team.person("heidi"), ingress={"hosts": [{"host": "chat.example.com"}], "tls": [*certificates, last]})

    assert refusal(answer) == may_not_use(KNOWN, LOOT, namespace=team.namespace)


def test_more_secrets_than_can_be_asked_for_need_the_right_to_get_all(team: Team) -> None:
    certificates = [{"hosts": ["chat.example.com"], "secretName": KNOWN}] * 16
    spec = {"ingress": {"hosts": [{"host": "chat.example.com"}], "tls": certificates}, **named(KNOWN)["jwt.key"]}

    refused, permitted = (new(team.person(name), **spec) for name in ("heidi", "alice"))

    right = ': needs the verb "get" on all secrets'
    assert refusal(refused) == may_not_set("more than 16 Secrets", right, team.namespace, "heidi")
    assert permitted.accepted, permitted.body["message"]


CODE: dict[str, tuple[JsonObject, str]] = {
    "podTemplate": ({"podTemplate": {"spec": {"serviceAccountName": "powerful"}}}, "spec.podTemplate"),
    "endpoints": ({"endpoints": {"nlg": {"url": "http://mine"}}}, "spec.endpoints"),
    "a channel of one's own": ({"channels": [{"name": "mine.Channel"}]}, "spec.channels"),
    "a cloud's identity": (
        {"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/admin"}}},
        "spec.serviceAccount",
    ),
    "image": ({"rasa": {"image": "mine"}}, "spec.rasa.image"),
    "source of images": (
        {"rasa": {"version": "3.13.25", "proImage": {"registry": "registry.example.com"}}},
        "spec.rasa.proImage",
    ),
    "arguments": ({"rasa": {"version": "3.6.21", "extraArgs": ["--debug"]}}, "spec.rasa.extraArgs"),
    "variables in arguments": (
        {"rasa": {"version": "3.6.21", "corsOrigins": ["$(RASA_TOKEN)"]}},
        "spec.rasa.corsOrigins",
    ),
    "registry": (named(KNOWN)["rasa.imagePullSecrets"], "spec.rasa.imagePullSecrets"),
    "image of actions": ({"actionServer": {"image": "mine"}}, "spec.actionServer.image"),
    "pods of actions": (
        {"actionServer": {"podTemplate": {"spec": {"serviceAccountName": "powerful"}}}},
        "spec.actionServer.podTemplate",
    ),
    "registry of actions": (named(KNOWN)["actionServer.imagePullSecrets"], "spec.actionServer.imagePullSecrets"),
}


@pytest.mark.parametrize(("spec", "field"), CODE.values(), ids=CODE)
def test_running_code_needs_the_right_to_create_pods(team: Team, spec: JsonObject, field: str) -> None:
    refused = new(team.person("grace"), **spec)
    permitted = new(team.person("alice"), **spec)

    assert refusal(refused) == may_not_set(field, RUNS_CODE, team.namespace)
    assert permitted.accepted, permitted.body["message"]


def test_which_release_of_rasa_runs_needs_no_right_to_create_pods(team: Team) -> None:
    rasa = {"version": "3.6.20", "port": 5006, "logLevel": "Debug", "workers": 2, "drainSeconds": 60}

    answer = new(team.person("grace"), rasa=rasa)

    assert answer.accepted, answer.body["message"]


def test_a_channel_of_rasa_itself_needs_no_right_to_create_pods(team: Team) -> None:
    answer = new(team.person("grace"), channels=[{"name": "rest"}, {"name": "socketio"}])

    assert answer.accepted, answer.body["message"]


def test_how_much_of_an_action_server_runs_needs_no_right_to_create_pods(team: Team) -> None:
    amounts = {
        "port": 5056,
        "replicas": 2,
        "resources": {"limits": {"memory": "1Gi"}},
        "podDisruptionBudget": {"maxUnavailable": 1},
    }

    answer = new(team.person("grace"), actionServer=amounts)

    assert answer.accepted, answer.body["message"]


def test_an_image_of_actions_that_comes_to_run_with_other_defaults_is_asked_for_again(team: Team) -> None:
    team.given(environment("any", suspend=True, actionServer={"image": "a"}, ignoreDefaults=["actionServer"]))

    answer = team.person("grace").change(ENVIRONMENT, "any", ignoreDefaults=None)

    assert refusal(answer) == may_not_set("spec.actionServer.image", RUNS_CODE, team.namespace)


FREE_FORM: dict[str, JsonObject] = {
    "podTemplate": {"podTemplate": {"spec": {"volumes": [{"name": "loot", "secret": {"secretName": LOOT}}]}}},
    "endpoints": {"endpoints": {"nlg": {"url": "http://mine", "token": secret_value(LOOT, "key")}}},
    "actionServer.podTemplate": {
        "actionServer": {"podTemplate": {"spec": {"volumes": [{"name": "loot", "secret": {"secretName": LOOT}}]}}}
    },
    "channels": {"channels": [{"name": "mine", "config": {"deep": [{"down": secret_value(LOOT, "key")}]}}]},
}


@pytest.mark.parametrize("field", FREE_FORM)
def test_a_free_form_field_needs_the_right_to_get_all_secrets(team: Team, field: str) -> None:
    answer = new(team.person("heidi"), **FREE_FORM[field])

    assert refusal(answer) == may_not_set(f"spec.{field}", USES_ANY, team.namespace, "heidi")


def test_a_channel_with_something_in_it_can_get_a_secret_of_the_defaults_that_it_does_not_name(team: Team) -> None:
    elsewhere = [{"name": "callback", "config": {"url": "http://mine"}}]

    answer = new(team.person("heidi"), channels=elsewhere)

    assert refusal(answer) == may_not_set("spec.channels", USES_ANY, team.namespace, "heidi")


SHARED: dict[str, JsonObject] = {
    "host of a database": {"trackerStore": {"sql": {"host": "mine", "username": "rasa"}}},
    "host of Redis": {"lockStore": {"redis": {"host": "mine"}}},
    "sentinels of Redis": {"lockStore": {"redis": {"sentinel": SENTINEL}}},
    "nodes of a Redis Cluster": {"trackerStore": {"redis": {"cluster": {"endpoints": ["mine:6379"]}}}},
    "Kafka without a login": {"eventBroker": {"kafka": {"bootstrapServers": ["mine:9092"]}}},
    "no TLS": {"eventBroker": {"rabbitmq": {"tls": PLAIN_TEXT}}},
    "another authority": {"trackerStore": {"sql": {"tls": by_certificate(KNOWN)}}},
    "another database by the certificate of the defaults": {
        "trackerStore": {"sql": {"database": "mine", "username": "rasa", "password": secret_value(KNOWN, "key")}}
    },
    "a certificate of the defaults where TLS is wanted": {
        "eventBroker": {
            "rabbitmq": {"host": "mine", "password": secret_value(KNOWN, "key"), "tls": {"mode": "Required"}}
        }
    },
    "action server": {"actionEndpoint": {"url": "http://mine/webhook"}},
    "method of the JWT": {"jwt": {"method": "HS256"}},
}
"""What can send a password from the ModelServer's defaults to another address, or log in with it."""


@pytest.mark.parametrize("case", SHARED)
def test_sending_a_password_of_the_defaults_elsewhere_needs_the_right_to_get_all_secrets(team: Team, case: str) -> None:
    (field,) = SHARED[case]

    refused = new(team.person("heidi"), **SHARED[case])
    permitted = new(team.person("alice"), **SHARED[case])

    assert refusal(refused) == (
        may_not_set(f"spec.{field}", USES_ANY, team.namespace, "heidi")
        + f"; with {field} in spec.ignoreDefaults, on the secrets that it names"
    )
    assert permitted.accepted, permitted.body["message"]


@pytest.mark.parametrize("case", SHARED)
def test_what_takes_nothing_from_the_defaults_needs_no_right_to_get_all_secrets(team: Team, case: str) -> None:
    answer = new(team.person("heidi"), ignoreDefaults=list(SHARED[case]), **SHARED[case])

    assert answer.accepted, answer.body["message"]


VARIABLES: dict[str, JsonObject] = {
    "user": {"eventBroker": {"rabbitmq": own({"host": "mine", "username": "${RASA_X_TOKEN}"})}},
    "queue": {"eventBroker": {"rabbitmq": own({"host": "mine", "queues": ["a", "$RASA_X_TOKEN"]})}},
    "master set": {"lockStore": {"redis": own({"sentinel": {**SENTINEL, "masterName": "${RASA_X_TOKEN}"}})}},
    "database": {"trackerStore": {"sql": own({"host": "mine", "username": "a", "database": "a$RASA_X_TOKEN"})}},
}
QUERIES: dict[str, JsonObject] = {
    "variable": {"application_name": "${RASA_X_TOKEN}"},
    "another host": {"host": "mine"},
    "no TLS": {"sslmode": "disable"},
    "a file for the asking": {"local_infile": "1"},
}
"""Parameters of a connection: with local_infile, PyMySQL sends any file of the pod to a server that asks for it."""


@pytest.mark.parametrize("spec", VARIABLES.values(), ids=VARIABLES)
def test_a_variable_in_a_text_needs_the_right_to_get_all_secrets(team: Team, spec: JsonObject) -> None:
    (field,) = spec

    answer = new(team.person("heidi"), ignoreDefaults=[field], **spec)

    assert refusal(answer) == may_not_set(f"spec.{field}", USES_ANY, team.namespace, "heidi")


@pytest.mark.parametrize("field", ["eventBroker", "trackerStore"])
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_parameters_of_a_connection_need_the_right_to_get_all_secrets(
    team: Team, query: JsonObject, field: str
) -> None:
    database = own({"host": "db", "username": "rasa", "query": query})

    refused, permitted = (
        new(team.person(name), ignoreDefaults=[field], **{field: {"sql": database}}) for name in ("heidi", "alice")
    )

    assert refusal(refused) == may_not_set(f"spec.{field}", USES_ANY, team.namespace, "heidi")
    assert permitted.accepted, permitted.body["message"]


@pytest.mark.parametrize(
    ("field", "value", "resource"),
    [
        ("ingress", {"hosts": [{"host": "chat.example.com"}]}, "ingresses.networking.k8s.io"),
        ("service", {"type": "NodePort", "nodePort": 30080}, "services"),
        ("service", {"type": "LoadBalancer", "loadBalancerClass": "example.com/public"}, "services"),
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


def test_an_identity_of_the_cloud_needs_the_rights_to_write_service_accounts(team: Team) -> None:
    account = {"annotations": {"iam.gke.io/gcp-service-account": "admin@example.com"}}

    right = ': needs the verbs "create" and "update" on serviceaccounts'
    for field, spec in (
        ("serviceAccount", {"serviceAccount": account}),
        ("actionServer.serviceAccount", {"actionServer": {"serviceAccount": account}}),
    ):
        refused, permitted = (new(team.person(name), **spec) for name in ("ivan", "heidi"))
        assert refusal(refused) == may_not_set(f"spec.{field}", right, team.namespace, "ivan")
        assert permitted.accepted, permitted.body["message"]


def test_what_stays_is_not_asked_for_again(team: Team) -> None:
    code: JsonObject = {"podTemplate": {"metadata": {"labels": {"a": "b"}}}, "rasa": {"image": "a", "version": "3.6.1"}}
    team.given(environment("any", suspend=True, **code, **named(LOOT)["trackerStore.sql.password"]))
    heidi = team.person("heidi")

    assert heidi.change(ENVIRONMENT, "any", replicas=2, model={"required": False}).accepted
    assert heidi.change(ENVIRONMENT, "any", rasa={"version": "3.6.20"}).accepted
    assert heidi.change(ENVIRONMENT, "any", podTemplate=None).accepted
    redirected = heidi.change(ENVIRONMENT, "any", trackerStore={"sql": {"host": "mine"}})
    assert refusal(redirected) == may_not_use(LOOT, namespace=team.namespace)


def test_an_environment_that_sets_everything_is_within_the_limits_of_cel(team: Team) -> None:
    everything: JsonObject = {}
    for spec in named(LOOT).values():
        everything |= spec
    del everything["actionEndpoint"]
    everything["podTemplate"] = {"metadata": {"annotations": {f"a{number}": "x" * 100 for number in range(1000)}}}
    everything["eventBroker"] = {"rabbitmq": {"host": "h", "queues": [f"q{number}" for number in range(16)]}}
    everything["trackerStore"] = {
        "sql": own({"host": "h", "username": "u", "query": {f"q{n}": "v" * 1000 for n in range(20)}})
    }
    everything["lockStore"] = {"redis": {"cluster": {"endpoints": [f"redis-{number}:6379" for number in range(32)]}}}
    everything["channels"] = [{"name": f"channel{number}", "config": {"a": "b"}} for number in range(32)]
    everything["ignoreDefaults"] = list(EnvironmentDefaults.model_json_schema()["properties"])
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
    assert fields - listed == {"podTemplate", "endpoints"}
