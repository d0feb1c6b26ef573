"""Each rule, accepted and refused: on the real API server and in pydantic, with its message."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import ValidationError

from rasa_environments.api.base import JsonObject
from rasa_environments.api.problems import problems
from tests.api.api_server import ApiServer
from tests.api.objects import MODELS, SECRET, environment, model_server, model_tag
from tests.api.stated_rules import stated_rules

TAG = "must be letters, digits, '.', '_' and '-', and begin and end with a letter or digit, for example production"
URL = (
    "must be an http(s) URL with a host and no user name or query, for example http://rasa-x:5002"
    " (tokens and passwords belong in the Secret of credentialsSecretRef)"
)
API = "may not end in /api, which is added"
MODEL_PATH = "modelPath must begin with / and have no braces but {project} and {tag}, and no query"
MODEL_PATH_TAG = "modelPath must contain {tag}, for example /projects/{project}/models/tags/{tag}"
MODEL = "must be the name of a model, for example 20260101-120000: letters, digits, '.', '_' and '-'"
MODEL_FILE = "must be the name of a model without .tar.gz"
TAG_LENGTH = "metadata.name is the tag and may have at most 63 characters; for another tag set spec.tag"
NAME_LENGTH = "metadata.name may have at most 58 characters: its Service is called <name>-rasa"
NAME = "metadata.name must be letters, digits and hyphens and begin with a letter: its Service is called <name>-rasa"
ACTION_URL = (
    "must be an http(s) URL with a host and no user name or query, for example http://actions:5055/webhook"
    " (a token belongs in a Secret: set token)"
)
EXTERNAL_URL = (
    "must be an http(s) URL with a host and no user name or query, for example https://rasa.example.com"
    " (the token belongs in a Secret: set authToken)"
)
HOST = "must be a host name or address alone, for example rabbitmq.messaging.svc: no scheme, no port, no path"
HOST_AND_PORT = "must be host:port, for example kafka:9092, without a scheme"
DATABASE = "must be the name of a database: letters, digits, '_', '-', '.' and '$'"
KEY_PREFIX = "must be letters and digits only: Rasa ignores any other prefix"
BROKER = "may have only one of rabbitmq, kafka, sql"
TRACKER = "may have only one of sql, redis"
LOCK = "may have only one of redis, concurrentRedis"
ENDPOINTS = "may not be set here: set spec.model, or modelPath of the ModelServer"
POD_TEMPLATE = "must be under podTemplate.spec: podTemplate is {metadata, spec} of a pod"
CHANNEL = "must be a channel such as rest, or the module path of one, for example addons.custom.MyInput"
ORIGIN = "must be one origin, for example https://chat.example.com, or *"
LONG_KEY = "may not have a key of more than 317 characters"
QUANTITY = "must be a quantity such as 2, 500m or 1Gi"
AMOUNT = "must be a number of pods such as 1, or a percentage such as '50%'"
INGRESS_HOST = "must be a host name in lower case, for example chat.example.com: no scheme, no port, no path"
INGRESS_PATH = "must be a path such as /webhooks: it begins with /, and no part of it is empty or begins with a dot"
CIDR = "must be a range of addresses such as 10.0.0.0/8 or fd00::/8"
REQUIREMENT = "must have values with In and NotIn, and none with Exists and DoesNotExist"
PEER = "must have either ipBlock, or namespaceSelector, podSelector or both"
VERSION = "must be a whole version of Rasa, for example 3.6.21"
SUFFIX = "may not have the suffix of an image, such as -full, which is added: set the version, for example 3.6.21"

REGISTRY = "must be a registry, for example registry.example.com:5000, without a scheme or path"
REPOSITORY = "must be a repository in its registry, for example rasa/rasa-pro, without a tag"
TAG_SUFFIX = "must be the end of a tag, for example -latest"
IMAGE = "must be an image, for example rasa/rasa:3.6.21-full"
ARGUMENT = "may not be set here: use authToken, jwt, rasa.port, rasa.corsOrigins, endpoints or channels of the spec"
ACTIONS = (
    "may not be set together with actionEndpoint: leave out actionEndpoint to have the operator run the action server, "
    "or leave out actionServer to use the one at actionEndpoint.url"
)
NAME_LENGTH_WITH_ACTIONS = (
    "metadata.name may have at most 55 characters with spec.actionServer: the Service of the action server is called "
    "<name>-actions"
)
ENVIRONMENT = "spec.environment may not be changed: events are filed under it; create another environment instead"
EXTERNAL = (
    "spec.external may not be added or removed: the environment's own Rasa servers would be left behind; create "
    "another environment instead"
)
TAG_STAYS = "spec.tag may not be changed: the history is that of one tag; create another ModelTag instead"
CRON = "must be minute, hour, day of the month, month and day of the week, for example 0 9 * * MON-FRI"
ZONE = "must be the name of a time zone, for example Europe/Berlin"
END = "must be a time with its offset, for example 2026-01-01T12:00:00Z"
ONE_SOURCE = "may have only one of promoteFrom, follow"
PATTERN = "must be a pattern for names of models, for example main-*: * stands for any characters, ? for one"
CHECK = {"conversations": [{"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}]}
JOB = {"spec": {"template": {"spec": {"containers": [{"name": "test", "image": "tests:1"}]}}}}
NO_CHECK = "must have conversations or jobTemplate"
JOB_POD = "must be under template.spec: template is {metadata, spec} of a pod"
FROM_ITSELF = "spec.promoteFrom.tag may not be the tag itself: name the tag that models prove themselves under"
SERVER_STAYS = (
    "spec.modelServerRef may not be changed: the history is that of one server; create another ModelTag instead"
)
ON_CHANGES = {ENVIRONMENT, EXTERNAL, TAG_STAYS, SERVER_STAYS}


@dataclass(frozen=True)
class Refusal:
    """An object, its invalid field, and the expected message."""

    manifest: JsonObject
    field: str
    message: str
    within: str = ""
    """Another field that the API server names as well."""


def window(**fields: object) -> JsonObject:
    return {"name": "w", "type": "Allow", "schedule": "0 9 * * MON-FRI", "durationSeconds": 3600, **fields}


def kafka(**fields: object) -> JsonObject:
    return environment(eventBroker={"kafka": {"bootstrapServers": ["kafka:9092"], **fields}})


def sql(**fields: object) -> JsonObject:
    return environment(trackerStore={"sql": {"host": "postgresql", **fields}})


def redis(**fields: object) -> JsonObject:
    return environment(lockStore={"redis": {"host": "redis", **fields}})


def peer(**fields: object) -> JsonObject:
    return environment(networkPolicy={"from": "None", "allowFrom": [fields]})


def cidr(value: str) -> JsonObject:
    return peer(ipBlock={"cidr": value})


def budget(**fields: object) -> JsonObject:
    return environment(podDisruptionBudget=fields)


def quantity(value: object) -> JsonObject:
    return environment(resources={"limits": {"memory": value}})


def ingress(**fields: object) -> JsonObject:
    return environment(ingress={"hosts": [{"host": "chat.example.com", **fields}]})


def external(url: str, **fields: object) -> JsonObject:
    return environment(external={"url": url, "authToken": SECRET, **fields})


ACCEPTED = [
    model_server(),
    model_server(url="https://rasa-x.example.com:8443/base/"),
    model_server(url="http://rasa-x:65535"),
    model_server(modelPath="/api/projects/{project}/models/tags/{tag}"),
    model_server(defaults={"eventBroker": {"rabbitmq": {"host": "rabbitmq", "password": SECRET}}}),
    *(
        model_server(profile=profile, registration=registration)
        for profile, registration in zip(
            ("RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0", "OpenSource", "RasaPro"),
            ("File", "None", "API", None, None),
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
    model_tag(actionServer={"image": "registry.example.com/actions:2"}),
    environment("a" * 58),
    environment(environment="Feature_1.2", tag="x"),
    external("https://rasa.example.com"),
    external("http://127.0.0.1:5005/rasa/"),
    model_server(accessFrom={"namespaces": ["bots"], "namespaceSelectors": [{}]}),
    model_server(tls={"mode": "Required", "certSecretRef": {"name": "authorities"}}, authToken=SECRET),
    model_tag(model=None),
    model_server(promotionWindows=[window(timeZone="America/Argentina/Buenos_Aires", tags=["production"])]),
    model_server(freeze={"reason": "holidays", "endTime": "2026-01-02T09:00:00+01:00"}),
    model_tag(model=None, follow={"namePattern": "main-*", "newestBy": "Name"}),
    model_tag(model=None, promoteFrom={"tag": "staging", "soakSeconds": 3600, "approvals": 2}),
    model_tag(verification={"candidate": CHECK}),
    model_tag(verification={"candidate": {**CHECK, "timeoutSeconds": 7200}}),
    model_tag(verification={"live": CHECK, "onFailure": "Hold"}),
    model_tag(verification={"candidate": CHECK, "live": CHECK}),
    model_tag(verification={"candidate": {"jobTemplate": JOB}}),
    model_tag(verification={"live": {"jobTemplate": JOB}}),
    model_tag(verification={"candidate": {**CHECK, "jobTemplate": {"spec": {**JOB["spec"], "backoffLimit": 6}}}}),
    model_tag(model="A", promoteFrom={"tag": "staging"}, approvals=[{"model": "A", "hash": "1", "approvedBy": "x"}]),
    environment(actionEndpoint={"url": "http://actions:5055/webhook", "token": SECRET}),
    environment(actionServer={}),
    environment("a" * 55, actionServer={"image": "actions:1", "port": 5056, "podTemplate": {"spec": {}}}),
    model_server(defaults={"actionServer": {"image": "localhost:5000/actions@sha256:0", "replicas": 2}}),
    environment(replicas=None, service={"annotations": {"dropped": None}}),
    environment(eventBroker={"rabbitmq": {"host": "10.0.0.1"}}),
    kafka(username="user", password=SECRET),
    kafka(saslMechanism="SCRAM-SHA-512"),
    kafka(tls={"mode": "Required", "certSecretRef": {"name": "certificates"}}),
    environment(eventBroker={}, trackerStore={"sql": {"database": "a-b"}}, lockStore={}, podDisruptionBudget={}),
    environment(autoscaling={"minReplicas": 3}, jwt={"method": "HS512"}, ingress={}, actionEndpoint={}),
    environment(lockStore={"concurrentRedis": {"sentinel": {"endpoints": ["a:1"], "masterName": "b"}}}),
    environment(trackerStore={"redis": {"cluster": {"endpoints": ["a:1"]}, "username": "rasa"}}),
    environment(channels=[]),
    environment(ignoreDefaults=["ingress", "channels"]),
    environment(networkPolicy={"from": "SameNamespace"}),
    environment(deploymentStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}),
    environment(service={"type": "NodePort", "nodePort": 30000, "sessionAffinity": "ClientIP"}),
    environment(serviceAccount={"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/rasa"}}),
    sql(host="::1", database="rasa_experimental"),
    sql(database="rasa-tracker-prod", query={"sslmode": "require"}),
    sql(username="rasa", password=SECRET),
    redis(keyPrefix="production1"),
    environment(endpoints={"nlg": {"url": "http://nlg:5056"}, "event_broker": {"type": "file"}}),
    environment(channels=[{"name": "rest"}, {"name": "slack", "config": {"slack_token": SECRET}}]),
    environment(podTemplate={"spec": {"containers": [{"name": "rasa"}]}}),
    *(quantity(value) for value in (0, 2, "500m", "1Gi", "1.5", "1e3")),
    budget(minAvailable=1),
    budget(maxUnavailable="50%"),
    ingress(),
    ingress(host="*.example.com", paths=[{"path": "/", "pathType": "Exact"}]),
    environment(ingress={"hosts": [{"host": "a.b"}], "tls": [{"hosts": ["a.b"], "secretName": "c"}, {"hosts": ["d"]}]}),
    peer(ipBlock={"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}),
    *(cidr(value) for value in ("10.0.0.0/8", "10.1.2.3/32", "fd00::/8", "0.0.0.0/0")),
    peer(namespaceSelector={"matchLabels": {}}, podSelector={"matchLabels": {"app": "chat"}}),
    peer(namespaceSelector={}),
    peer(podSelector={}),
    peer(podSelector={"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "chat"]}]}),
    peer(podSelector={"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}),
    environment(autoscaling={"minReplicas": 2, "maxReplicas": 2}),
    environment(rasa={"version": "3.6.21", "corsOrigins": ["*"], "logLevel": "Debug", "workers": 2}),
    environment(rasa={"version": "3.6.21a1", "image": "localhost:5000/rasa@sha256:0"}),
    environment(rasa={"extraArgs": ["--debug", "--port-of-something"]}),
    environment(profile="RasaPro", rasa={"version": "3.13.25", "proImage": {"tagSuffix": ""}}),
    environment(
        rasa={"proImage": {"registry": "localhost:5000", "repository": "a/b_c/d-e.f", "tagSuffix": "-latest"}},
        profile="OpenSource",
    ),
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
    Refusal(model_tag(verification={"onFailure": "Hold"}), "spec.verification", "must have candidate or live"),
    Refusal(model_server(project="my project"), "spec.project", TAG),
    Refusal(
        model_server(defaults={"actionEndpoint": {"url": "actions:5055"}}),
        "spec.defaults.actionEndpoint.url",
        ACTION_URL,
    ),
    Refusal(model_tag(model="a model"), "spec.model", MODEL),
    Refusal(model_tag(model="20260101-120000.tar.gz"), "spec.model", MODEL_FILE),
    Refusal(model_tag(tag="-x"), "spec.tag", TAG),
    Refusal(model_tag(actionServer={"image": "actions: 2"}), "spec.actionServer.image", IMAGE),
    Refusal(model_tag("a" * 64), "", TAG_LENGTH, "metadata.name"),
    Refusal(model_server(promotionWindows=[window(schedule="@daily")]), "spec.promotionWindows[0].schedule", CRON),
    Refusal(model_server(promotionWindows=[window(timeZone="+01:00")]), "spec.promotionWindows[0].timeZone", ZONE),
    Refusal(model_server(freeze={"reason": "x", "endTime": "tomorrow"}), "spec.freeze.endTime", END),
    Refusal(model_tag("live", promoteFrom={"tag": "live"}), "", FROM_ITSELF, "spec.promoteFrom.tag"),
    Refusal(model_tag("other", tag="live", promoteFrom={"tag": "live"}), "", FROM_ITSELF, "spec.promoteFrom.tag"),
    Refusal(model_tag(promoteFrom={"tag": "a"}, follow={"namePattern": "*"}), "spec", ONE_SOURCE),
    Refusal(model_tag(follow={"namePattern": "main-(a|b)"}), "spec.follow.namePattern", PATTERN),
    Refusal(model_tag(approvals=[{"model": "a model", "hash": "1"}]), "spec.approvals[0].model", MODEL),
    Refusal(environment("a" * 59), "", NAME_LENGTH, "metadata.name"),
    Refusal(environment("1st"), "", NAME, "metadata.name"),
    Refusal(environment("a.b"), "", NAME, "metadata.name"),
    Refusal(environment(environment="a b"), "spec.environment", TAG),
    Refusal(environment(tag=""), "spec.tag", TAG),
    Refusal(environment(actionEndpoint={"url": "http://actions/?token=x"}), "spec.actionEndpoint.url", ACTION_URL),
    Refusal(
        environment(actionEndpoint={"url": "http://actions:5055"}, actionServer={"image": "actions:1"}),
        "spec",
        ACTIONS,
        "spec.actionServer",
    ),
    Refusal(
        model_server(defaults={"actionEndpoint": {"url": "http://actions:5055"}, "actionServer": {}}),
        "spec.defaults",
        ACTIONS,
        "spec.defaults.actionServer",
    ),
    Refusal(environment("a" * 56, actionServer={"image": "actions:1"}), "", NAME_LENGTH_WITH_ACTIONS, "metadata.name"),
    Refusal(environment(actionServer={"image": "actions: 1"}), "spec.actionServer.image", IMAGE),
    Refusal(
        environment(actionServer={"podTemplate": {"containers": []}}),
        "spec.actionServer.podTemplate",
        POD_TEMPLATE,
        "spec.actionServer.podTemplate.containers",
    ),
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
    Refusal(sql(database="rasa experimental"), "spec.trackerStore.sql.database", DATABASE),
    Refusal(sql(loginDatabase="-st"), "spec.trackerStore.sql.loginDatabase", DATABASE),
    Refusal(sql(query={"a" * 318: "b"}), "spec.trackerStore.sql.query", LONG_KEY),
    Refusal(environment(channels=[{"name": "my channel"}]), "spec.channels[0].name", CHANNEL),
    Refusal(environment(rasa={"corsOrigins": ["a b"]}), "spec.rasa.corsOrigins[0]", ORIGIN),
    Refusal(redis(keyPrefix="my-bot"), "spec.lockStore.redis.keyPrefix", KEY_PREFIX),
    Refusal(
        environment(eventBroker={"rabbitmq": {"host": "rabbitmq"}, "sql": {"host": "postgresql"}}),
        "spec.eventBroker",
        BROKER,
    ),
    Refusal(environment(trackerStore={"sql": {}, "redis": {}}), "spec.trackerStore", TRACKER),
    Refusal(environment(lockStore={"redis": {}, "concurrentRedis": {}}), "spec.lockStore", LOCK),
    Refusal(
        environment(endpoints={"models": {"url": "http://elsewhere"}}),
        "spec.endpoints",
        ENDPOINTS,
        "spec.endpoints.models",
    ),
    Refusal(
        environment(podTemplate={"containers": [{"name": "rasa"}]}),
        "spec.podTemplate",
        POD_TEMPLATE,
        "spec.podTemplate.containers",
    ),
    Refusal(model_tag(verification={"candidate": {}}), "spec.verification.candidate", NO_CHECK),
    Refusal(model_tag(verification={"live": {}}), "spec.verification.live", NO_CHECK),
    Refusal(
        model_tag(verification={"candidate": {"jobTemplate": {"spec": {"template": {"containers": []}}}}}),
        "spec.verification.candidate.jobTemplate.spec.template",
        JOB_POD,
        "spec.verification.candidate.jobTemplate.spec.template.containers",
    ),
    *(Refusal(quantity(value), "spec.resources.limits[memory]", QUANTITY) for value in (-1, "", "1 Gi", "1GB", "-1Gi")),
    *(
        Refusal(budget(minAvailable=value), "spec.podDisruptionBudget.minAvailable", AMOUNT)
        for value in (-1, "1", "101%")
    ),
    Refusal(ingress(host="https://chat.example.com"), "spec.ingress.hosts[0].host", INGRESS_HOST),
    Refusal(ingress(host="Chat.example.com"), "spec.ingress.hosts[0].host", INGRESS_HOST),
    *(
        Refusal(ingress(paths=[{"path": path}]), "spec.ingress.hosts[0].paths[0].path", INGRESS_PATH)
        for path in ("webhooks", "/a//b", "/a/../b")
    ),
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
            "spec.networkPolicy.allowFrom[0].podSelector.matchExpressions[0].values",
        )
        for requirement in (
            {"operator": "In"},
            {"operator": "NotIn", "values": []},
            {"operator": "Exists", "values": ["web"]},
        )
    ),
    Refusal(environment(rasa={"version": "3.6"}), "spec.rasa.version", VERSION),
    Refusal(environment(rasa={"version": "latest"}), "spec.rasa.version", VERSION),
    Refusal(environment(rasa={"version": "3.6.21-full"}), "spec.rasa.version", SUFFIX),
    Refusal(environment(rasa={"image": "rasa/rasa: latest"}), "spec.rasa.image", IMAGE),
    *(
        Refusal(environment(rasa={"proImage": {"registry": value}}), "spec.rasa.proImage.registry", REGISTRY)
        for value in ("", "https://a", "a/b", "a:", "-a")
    ),
    *(
        Refusal(environment(rasa={"proImage": {"repository": value}}), "spec.rasa.proImage.repository", REPOSITORY)
        for value in ("", "a:1", "A/b", "/a", "a//b", "a@sha256")
    ),
    Refusal(environment(rasa={"proImage": {"tagSuffix": ":x"}}), "spec.rasa.proImage.tagSuffix", TAG_SUFFIX),
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
        (refusal.within or refusal.field, f": {refusal.message}")
    ]


@pytest.mark.parametrize("refusal", REFUSED, ids=described)
def test_pydantic_says_the_same(refusal: Refusal) -> None:
    with pytest.raises(ValidationError) as caught:
        MODELS[refusal.manifest["kind"]].model_validate(refusal.manifest)

    field = refusal.field.replace("[memory]", ".memory")
    assert problems(caught.value) == (f"{field}: {refusal.message}".removeprefix(": "),)


def test_every_rule_of_the_crds_is_refused_once_here_and_those_on_changes_in_test_installed() -> None:
    assert stated_rules() == {refusal.message for refusal in REFUSED} | ON_CHANGES
