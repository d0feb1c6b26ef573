"""Each rule, both ways: on the real API server and in pydantic, with the message that a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml
from pydantic import ValidationError

from rasa_environments.api.base import JsonObject
from rasa_environments.api.crd import files
from rasa_environments.api.problems import problems
from rasa_environments.api.rules import VALIDATIONS
from tests.api.api_server import ApiServer
from tests.api.objects import MODELS, SECRET, environment, model_server, model_tag

TAG = "must be letters, digits, '.', '_' and '-', and begin and end with a letter or digit, for example production"
URL = (
    "must be an http(s) URL with a host and no user name or query, for example http://rasa-x:5002"
    " (tokens and passwords belong into the Secret of credentialsSecretRef)"
)
API = "must not end in /api, which is added"
MODEL_PATH = "modelPath must begin with / and have no braces but {project} and {tag}, and no query"
MODEL_PATH_TAG = "modelPath must contain {tag}, for example /projects/{project}/models/tags/{tag}"
MODEL = "must be the name of a model, for example 20260101-120000: letters, digits, '.', '_' and '-'"
MODEL_FILE = "must be the name of a model without .tar.gz"
TAG_LENGTH = "metadata.name is the tag and must have at most 63 characters; for another tag set spec.tag"
NAME_LENGTH = "metadata.name must have at most 58 characters: its Service is called <name>-rasa"
NAME = "metadata.name must be letters, digits and hyphens and begin with a letter: its Service is called <name>-rasa"
ACTION_URL = (
    "must be an http(s) URL with a host and no user name or query, for example http://actions:5055/webhook"
    " (a token belongs into a Secret: set token)"
)
EXTERNAL_URL = (
    "must be an http(s) URL with a host and no user name or query, for example https://rasa.example.com"
    " (the token belongs into the Secret of tokenSecretRef)"
)
HOST = "must be a host name or address alone, for example rabbitmq.messaging.svc: no scheme, no port, no path"
HOST_AND_PORT = "must be host:port, for example kafka:9092, without a scheme"
DATABASE = (
    "must be letters, digits and _ (Rasa runs CREATE DATABASE without quotes, so a hyphen fails): "
    "write rasa_experimental, not rasa-experimental"
)
KEY_PREFIX = "must be letters and digits only: Rasa ignores any other prefix"
KAFKA_USER = "set username and password together, the password as {secretKeyRef: {name: <Secret>, key: <key in it>}}"
KAFKA_PROTOCOL = "SASL_PLAINTEXT and SASL_SSL want a username and password, PLAINTEXT and SSL none"
SQL_USER = "a password wants a username: set both, or neither"
BROKER = "set exactly one of rabbitmq, kafka, sql"
TRACKER = "set exactly one of sql, redis"
LOCK = "set redis"
ENDPOINTS = "models is written by the operator: set spec.model, or modelPath of the ModelServer"
POD_TEMPLATE = "podTemplate is {metadata, spec} of a pod: put containers under podTemplate.spec"
QUANTITY = "must be a quantity such as 2, 500m or 1Gi"
AMOUNT = "must be a number of pods such as 1, or a percentage such as '50%'"
INGRESS_HOST = "must be a host name in lower case, for example chat.example.com: no scheme, no port, no path"
INGRESS_PATH = "must be a path such as /webhooks: it begins with /, and no part of it is empty or begins with a dot"
CIDR = "must be a range of addresses such as 10.0.0.0/8 or fd00::/8"
REQUIREMENT = "In and NotIn need values, Exists and DoesNotExist take none"
PEER = "set either ipBlock, or namespaceSelector and podSelector, or one of the two"
BUDGET = "set either minAvailable or maxUnavailable"
AUTOSCALING = "minReplicas must not be greater than maxReplicas"
VERSION = "must be a whole version of Rasa, for example 3.6.21"
IMAGE = "must be an image, for example rasa/rasa:3.6.21-full"
ARGUMENT = "is set by the operator: use authToken, jwt, rasa.port, rasa.cors, endpoints or credentials of the spec"
ENVIRONMENT = "spec.environment cannot be changed: events are filed under it; create another environment instead"
EXTERNAL = (
    "spec.external cannot be added or taken away: the environment's own Rasa servers would be left behind; create "
    "another environment instead"
)


@dataclass(frozen=True)
class Refusal:
    """An object, the field that is wrong in it, and what is said."""

    manifest: JsonObject
    field: str
    message: str


def kafka(**fields: object) -> JsonObject:
    return environment(eventBroker={"kafka": {"bootstrapServers": ["kafka:9092"], **fields}})


def sql(**fields: object) -> JsonObject:
    return environment(trackerStore={"sql": {"host": "postgresql", **fields}})


def redis(**fields: object) -> JsonObject:
    return environment(lockStore={"redis": {"host": "redis", **fields}})


def peer(**fields: object) -> JsonObject:
    return environment(networkPolicy={"allowFrom": [fields]})


def cidr(value: str) -> JsonObject:
    return peer(ipBlock={"cidr": value})


def budget(**fields: object) -> JsonObject:
    return environment(podDisruptionBudget=fields)


def quantity(value: object) -> JsonObject:
    return environment(resources={"limits": {"memory": value}})


def ingress(**fields: object) -> JsonObject:
    return environment(ingress={"host": "chat.example.com", **fields})


def external(url: str, **fields: object) -> JsonObject:
    return environment(external={"url": url, "tokenSecretRef": {"name": "elsewhere", **fields}})


ACCEPTED = [
    model_server(),
    model_server(url="https://rasa-x.example.com:8443/base/"),
    model_server(url="http://rasa-x:65535"),
    model_server(modelPath="/api/projects/{project}/models/tags/{tag}"),
    model_server(defaults={"eventBroker": {"rabbitmq": {"host": "rabbitmq", "password": SECRET}}}),
    *(
        model_server(profile=profile, registration=registration)
        for profile, registration in zip(
            ("RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0", "ModelServer"),
            ("ConfigMap", "None", "API", None),
            strict=True,
        )
    ),
    model_server(environmentsFile={"secretName": "environments", "deploymentName": "rasa-x"}),
    model_server(environmentsFile={}),
    model_tag(),
    model_tag("a.tag"),
    model_tag("a" * 63),
    model_tag("a" * 64, tag="short"),
    model_tag(tag="Feature_1.2"),
    environment("a" * 58),
    environment(environment="Feature_1.2", tag="x"),
    external("https://rasa.example.com"),
    external("http://127.0.0.1:5005/rasa/", key="rasa-token"),
    environment(actionEndpoint={"url": "http://actions:5055/webhook", "token": SECRET}),
    environment(replicas=None, service={"annotations": {"dropped": None}}),
    environment(eventBroker={"rabbitmq": {"host": "10.0.0.1"}}),
    kafka(username="user", password=SECRET),
    kafka(username="user", password=SECRET, securityProtocol="SASL_SSL"),
    kafka(securityProtocol="SSL"),
    sql(host="::1", database="rasa_experimental"),
    sql(username="rasa", password=SECRET),
    redis(keyPrefix="production1"),
    environment(endpoints={"nlg": {"url": "http://nlg:5056"}, "event_broker": {"type": "file"}}),
    environment(credentials={"slack": {"slack_token": SECRET}}),
    environment(podTemplate={"spec": {"containers": [{"name": "rasa"}]}}),
    *(quantity(value) for value in (0, 2, "500m", "1Gi", "1.5", "1e3")),
    budget(minAvailable=1),
    budget(maxUnavailable="50%"),
    ingress(),
    ingress(host="*.example.com", path="/"),
    *(cidr(value) for value in ("10.0.0.0/8", "10.1.2.3/32", "fd00::/8", "0.0.0.0/0")),
    peer(namespaceSelector={"matchLabels": {}}, podSelector={"matchLabels": {"app": "chat"}}),
    peer(namespaceSelector={}),
    peer(podSelector={}),
    peer(podSelector={"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "chat"]}]}),
    peer(podSelector={"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}),
    environment(autoscaling={"minReplicas": 2, "maxReplicas": 2}),
    environment(rasa={"version": "3.6.21a1", "image": "localhost:5000/rasa@sha256:0"}),
    environment(rasa={"extraArgs": ["--debug", "--port-of-something"]}),
]

REFUSED = [
    *(
        Refusal(model_server(url=url), "spec.url", URL)
        for url in (
            "",
            "rasa-x:5002",
            "ftp://rasa-x",
            "http://",
            "http:///path",
            "http://user:password@rasa-x",
            "http://rasa-x?token=x",
            "http://rasa-x/#top",
            "http://rasa-x:65536",
            "http://rasa x",
            "http://rasa-x\n",
        )
    ),
    Refusal(model_server(url="http://rasa-x:5002/api"), "spec.url", API),
    Refusal(model_server(url="http://rasa-x:5002/api/"), "spec.url", API),
    Refusal(model_server(modelPath="models/{tag}"), "spec.modelPath", MODEL_PATH),
    Refusal(model_server(modelPath="/models/{tag}/{name}"), "spec.modelPath", MODEL_PATH),
    Refusal(model_server(modelPath="/models/{tag}?token=x"), "spec.modelPath", MODEL_PATH),
    Refusal(model_server(modelPath="/models/production"), "spec.modelPath", MODEL_PATH_TAG),
    Refusal(model_server(project="my project"), "spec.project", TAG),
    Refusal(
        model_server(defaults={"actionEndpoint": {"url": "actions:5055"}}),
        "spec.defaults.actionEndpoint.url",
        ACTION_URL,
    ),
    Refusal(model_tag(model="a model"), "spec.model", MODEL),
    Refusal(model_tag(model="20260101-120000.tar.gz"), "spec.model", MODEL_FILE),
    Refusal(model_tag(tag="-x"), "spec.tag", TAG),
    Refusal(model_tag("a" * 64), "", TAG_LENGTH),
    Refusal(environment("a" * 59), "", NAME_LENGTH),
    Refusal(environment("1st"), "", NAME),
    Refusal(environment("a.b"), "", NAME),
    Refusal(environment(environment="a b"), "spec.environment", TAG),
    Refusal(environment(tag=""), "spec.tag", TAG),
    Refusal(environment(actionEndpoint={"url": "http://actions/?token=x"}), "spec.actionEndpoint.url", ACTION_URL),
    *(
        Refusal(external(url), "spec.external.url", EXTERNAL_URL)
        for url in (
            "",
            "rasa.example.com",
            "https://",
            "https://user:password@rasa.example.com",
            "https://rasa.example.com?token=x",
            "https://rasa.example.com:65536",
        )
    ),
    Refusal(environment(eventBroker={"rabbitmq": {"host": "amqp://x"}}), "spec.eventBroker.rabbitmq.host", HOST),
    Refusal(sql(host="postgresql:5432"), "spec.trackerStore.sql.host", HOST),
    Refusal(redis(host=""), "spec.lockStore.redis.host", HOST),
    Refusal(kafka(bootstrapServers=["kafka"]), "spec.eventBroker.kafka.bootstrapServers[0]", HOST_AND_PORT),
    Refusal(sql(database="rasa-experimental"), "spec.trackerStore.sql.database", DATABASE),
    Refusal(sql(loginDatabase="1st"), "spec.trackerStore.sql.loginDatabase", DATABASE),
    Refusal(redis(keyPrefix="my-bot"), "spec.lockStore.redis.keyPrefix", KEY_PREFIX),
    Refusal(kafka(username="user"), "spec.eventBroker.kafka", KAFKA_USER),
    Refusal(kafka(password=SECRET), "spec.eventBroker.kafka", KAFKA_USER),
    Refusal(kafka(securityProtocol="SASL_SSL"), "spec.eventBroker.kafka", KAFKA_PROTOCOL),
    Refusal(kafka(securityProtocol="SSL", username="user", password=SECRET), "spec.eventBroker.kafka", KAFKA_PROTOCOL),
    Refusal(sql(password=SECRET), "spec.trackerStore.sql", SQL_USER),
    Refusal(environment(eventBroker={}), "spec.eventBroker", BROKER),
    Refusal(
        environment(eventBroker={"rabbitmq": {"host": "rabbitmq"}, "sql": {"host": "postgresql"}}),
        "spec.eventBroker",
        BROKER,
    ),
    Refusal(environment(trackerStore={}), "spec.trackerStore", TRACKER),
    Refusal(environment(lockStore={}), "spec.lockStore", LOCK),
    Refusal(environment(endpoints={"models": {"url": "http://elsewhere"}}), "spec.endpoints", ENDPOINTS),
    Refusal(environment(podTemplate={"containers": [{"name": "rasa"}]}), "spec.podTemplate", POD_TEMPLATE),
    *(Refusal(quantity(value), "spec.resources.limits[memory]", QUANTITY) for value in (-1, "", "1 Gi", "1GB", "-1Gi")),
    *(
        Refusal(budget(minAvailable=value), "spec.podDisruptionBudget.minAvailable", AMOUNT)
        for value in (-1, "1", "101%")
    ),
    Refusal(ingress(host="https://chat.example.com"), "spec.ingress.host", INGRESS_HOST),
    Refusal(ingress(host="Chat.example.com"), "spec.ingress.host", INGRESS_HOST),
    *(Refusal(ingress(path=path), "spec.ingress.path", INGRESS_PATH) for path in ("webhooks", "/a//b", "/a/../b")),
    *(
        Refusal(cidr(value), "spec.networkPolicy.allowFrom[0].ipBlock.cidr", CIDR)
        for value in (
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "010.0.0.0/8",
            "10.0.0.0/255.0.0.0",
            "::ffff:1.2.3.4/128",
        )
    ),
    Refusal(peer(), "spec.networkPolicy.allowFrom[0]", PEER),
    Refusal(
        peer(ipBlock={"cidr": "10.0.0.0/8"}, podSelector={"matchLabels": {}}), "spec.networkPolicy.allowFrom[0]", PEER
    ),
    *(
        Refusal(
            peer(podSelector={"matchExpressions": [{"key": "app", **requirement}]}),
            "spec.networkPolicy.allowFrom[0].podSelector.matchExpressions[0]",
            REQUIREMENT,
        )
        for requirement in (
            {"operator": "In"},
            {"operator": "NotIn", "values": []},
            {"operator": "Exists", "values": ["web"]},
        )
    ),
    Refusal(budget(), "spec.podDisruptionBudget", BUDGET),
    Refusal(budget(minAvailable=1, maxUnavailable=1), "spec.podDisruptionBudget", BUDGET),
    Refusal(environment(autoscaling={"minReplicas": 3, "maxReplicas": 2}), "spec.autoscaling", AUTOSCALING),
    Refusal(environment(rasa={"version": "3.6"}), "spec.rasa.version", VERSION),
    Refusal(environment(rasa={"version": "latest"}), "spec.rasa.version", VERSION),
    Refusal(environment(rasa={"image": "rasa/rasa: latest"}), "spec.rasa.image", IMAGE),
    *(
        Refusal(environment(rasa={"extraArgs": ["--debug", argument]}), "spec.rasa.extraArgs[1]", ARGUMENT)
        for argument in ("--auth-token", "--port=1", "-t", "--endpoints")
    ),
]


def described(case: object) -> str | None:
    if isinstance(case, Refusal):
        return f"{case.field or 'metadata.name'}: {case.message[:40]}"
    return None


@pytest.mark.parametrize("manifest", ACCEPTED, ids=lambda manifest: str(manifest["spec"])[:80])
def test_what_is_right_is_accepted_by_the_api_server_and_by_pydantic(api: ApiServer, manifest: JsonObject) -> None:
    answer = api.create(manifest, strict=True)

    assert answer.accepted, answer.body["message"]
    MODELS[manifest["kind"]].model_validate(answer.body)


@pytest.mark.parametrize("refusal", REFUSED, ids=described)
def test_the_api_server_says_what_is_wrong(api: ApiServer, refusal: Refusal) -> None:
    answer = api.create(refusal.manifest)

    assert answer.status == 422
    assert [(field, message.rpartition(f": {refusal.message}")[1]) for field, message in answer.causes] == [
        (refusal.field or "<nil>", f": {refusal.message}")
    ]


@pytest.mark.parametrize("refusal", REFUSED, ids=described)
def test_pydantic_says_the_same(refusal: Refusal) -> None:
    with pytest.raises(ValidationError) as caught:
        MODELS[refusal.manifest["kind"]].model_validate(refusal.manifest)

    field = refusal.field.replace("[memory]", ".memory")
    assert problems(caught.value) == (f"{field}: {refusal.message}".removeprefix(": "),)


def test_every_rule_of_the_crds_is_refused_once_here_and_those_on_changes_in_test_installed() -> None:
    stated = {message for text in files().values() for message in messages(yaml.safe_load(text))}

    assert stated == {refusal.message for refusal in REFUSED} | {ENVIRONMENT, EXTERNAL}


def messages(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (entry["message"] for entry in value.get(VALIDATIONS, []))
        for inner in value.values():
            yield from messages(inner)
    elif isinstance(value, list):
        for item in value:
            yield from messages(item)
