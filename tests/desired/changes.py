"""Every field of an environment's spec: a change of it, and where that is to be seen."""

from __future__ import annotations

import base64
import copy
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import yaml

from rasa_environments.api.base import ApiModel, JsonObject, ModelServerRef, SecretKeyRef, SecretValue
from rasa_environments.api.deployment_environment import EnvironmentSpec

SECRET = "passwords"
FIRST, SECOND = "first-value-41d8", "second-value-e29b"
"""What the Secret holds under the keys `first` and `second`."""
POD = ("spec", "template", "spec")
RASA = (*POD, "containers", "rasa")
WHOLE = (SecretValue, SecretKeyRef, ModelServerRef)
"""Fields that are one value, though they are mappings."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """A field goes from one value to another, and a child with it."""

    field: str
    before: Any
    after: Any
    kind: str
    """Kind of the child that shows it."""
    path: Path
    """Where it stands in the child: see `at`."""
    shows: Any
    """What stands there after the change."""
    given: JsonObject = dataclasses.field(default_factory=dict)
    """The rest of the spec."""

    def spec(self, value: Any) -> JsonObject:
        """The spec with this value of the field; None leaves it out."""
        spec = copy.deepcopy(self.given)
        if value is not None:
            inner: Any = value
            for name in reversed(self.field.split(".")):
                inner = {name: inner}
            _merge(spec, inner)
        return spec

    def seen_in(self, child: JsonObject) -> Any:
        """What the child shows of the field."""
        found = at(child, self.path)
        return base64.b64decode(found).decode() if self.kind == "Secret" and found is not None else found

    @property
    def rolls(self) -> bool:
        """Whether pods have to be replaced: their template, their configuration or their secrets are others."""
        return self.kind in ("ConfigMap", "Secret") or self.path[:2] == ("spec", "template")


def _merge(into: JsonObject, other: JsonObject) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def at(obj: Any, path: Path) -> Any:
    """What stands at a path, else None.

    Items of a list are found by their name or index, an argument by the one before it; files of a ConfigMap are read as
    YAML.
    """
    for part in path:
        if isinstance(obj, str):
            obj = yaml.safe_load(obj)
        if isinstance(obj, list):
            obj = _item(obj, part)
        elif isinstance(obj, dict):
            obj = obj.get(part)
        else:
            return None
    return obj


def _item(items: list[Any], part: str | int) -> Any:
    if isinstance(part, int):
        return items[part] if part < len(items) else None
    if part in items:
        return [*items, ""][items.index(part) + 1]
    return next((item for item in items if isinstance(item, dict) and item.get("name") == part), None)


def following(argument: str) -> Path:
    """The place in the container of the argument that follows another."""
    return (*RASA, "args", argument)


def ref(key: str) -> JsonObject:
    """A value from the Secret."""
    return {"secretKeyRef": {"name": SECRET, "key": key}}


def endpoint(*path: str | int) -> Path:
    """A place in endpoints.yml."""
    return ("data", "endpoints.yml", *path)


def rasa(name: str, before: Any, after: Any, path: Path, shows: Any = None, kind: str = "Deployment") -> Change:
    """A change of the Rasa server itself; it is shown as it is, unless said otherwise."""
    return Change(f"rasa.{name}", before, after, kind, path, after if shows is None else shows)


RABBITMQ = {"eventBroker": {"rabbitmq": {"host": "rabbitmq"}}}
KAFKA = {"eventBroker": {"kafka": {"bootstrapServers": ["kafka:9092"]}}}
KAFKA_USER = {"eventBroker": {"kafka": {"bootstrapServers": ["kafka:9092"], "username": "u", "password": ref("first")}}}
EVENTS_SQL = {"eventBroker": {"sql": {"host": "db", "username": "rasa"}}}
TRACKER_SQL = {"trackerStore": {"sql": {"host": "db", "username": "rasa"}}}
TRACKER_REDIS = {"trackerStore": {"redis": {"host": "redis"}}}
LOCK_REDIS = {"lockStore": {"redis": {"host": "redis"}}}
ACTIONS = {"actionEndpoint": {"url": "http://actions:5055/webhook"}}
INGRESS = {"ingress": {"host": "chat.example.com"}}
AUTOSCALING = {"autoscaling": {"maxReplicas": 3}}


def password(name: str, given: JsonObject, key: str) -> Change:
    """A password, which is seen in the environment's Secret alone."""
    return Change(name, ref("first"), ref("second"), "Secret", ("data", key), SECOND, given)


def connection(name: str, before: Any, after: Any, path: Path, given: JsonObject) -> Change:
    """A setting of something that the server is connected to."""
    return Change(name, before, after, "ConfigMap", endpoint(*path), after, given)


def _sql(name: str, given: JsonObject, where: str, key: str) -> Iterator[Change]:
    yield connection(f"{name}.host", "db", "other-db", (where, "url"), given)
    yield connection(f"{name}.port", None, 6543, (where, "port"), given)
    yield connection(f"{name}.dialect", None, "mysql+pymysql", (where, "dialect"), given)
    yield connection(f"{name}.username", "rasa", "bot", (where, "username"), given)
    yield password(f"{name}.password", given, key)
    yield connection(f"{name}.database", None, "conversations", (where, "db"), given)


def _redis(name: str, given: JsonObject, where: str, key: str) -> Iterator[Change]:
    yield connection(f"{name}.host", "redis", "other-redis", (where, "url"), given)
    yield connection(f"{name}.port", None, 6380, (where, "port"), given)
    yield connection(f"{name}.database", None, 7, (where, "db"), given)
    yield password(f"{name}.password", given, key)
    yield Change(f"{name}.keyPrefix", None, "bots", "ConfigMap", endpoint(where, "key_prefix"), "bots", given)
    yield Change(f"{name}.useSsl", None, True, "ConfigMap", endpoint(where, "use_ssl"), True, given)


SERVER_CHANGES = (
    Change("tag", None, "live", "ConfigMap", endpoint("models", "url"), "/api/projects/default/models/tags/live"),
    Change(
        "modelServerRef",
        None,
        {"name": "second"},
        "ConfigMap",
        endpoint("models", "url"),
        "/api/projects/second/models/tags/support",
    ),
    Change("role", None, "Worker", "Deployment", ("metadata", "labels", "app.kubernetes.io/component"), "worker"),
    Change("replicas", 0, 1, "Deployment", ("spec", "replicas"), 1),
    Change("authToken", None, ref("first"), "Secret", ("data", "token"), FIRST),
)
"""Fields that an environment has for itself."""

SHARED_CHANGES = (
    rasa("version", "3.6.21", "3.6.20", (*RASA, "image"), "rasa/rasa:3.6.20-full"),
    rasa("image", None, "registry.example.com/rasa:1", (*RASA, "image")),
    rasa("imagePullPolicy", None, "Always", (*RASA, "imagePullPolicy")),
    rasa("imagePullSecrets", None, [{"name": "registry"}], (*POD, "imagePullSecrets")),
    rasa("port", None, 5006, (*RASA, "ports", "http", "containerPort")),
    rasa("cors", None, "https://example.com", following("--cors")),
    rasa("logLevel", None, "DEBUG", (*RASA, "env", "LOG_LEVEL", "value")),
    rasa("extraArgs", None, ["--quiet"], (*RASA, "args", "--quiet"), ""),
    Change(
        "model.updateStrategy", None, "RollingUpdate", "ConfigMap", endpoint("models", "wait_time_between_pulls"), None
    ),
    connection("model.pullIntervalSeconds", None, 3, ("models", "wait_time_between_pulls"), {}),
    Change("model.required", None, False, "Deployment", (*RASA, "readinessProbe", "httpGet", "path"), "/"),
    Change(
        "jwt.secretKeyRef",
        ref("first")["secretKeyRef"],
        ref("second")["secretKeyRef"],
        "Secret",
        ("data", "jwt-secret"),
        SECOND,
    ),
    Change("jwt.method", None, "HS512", "Deployment", following("--jwt-method"), "HS512", {"jwt": ref("first")}),
    connection("eventBroker.rabbitmq.host", "rabbitmq", "other", ("event_broker", "url"), RABBITMQ),
    connection("eventBroker.rabbitmq.port", None, 5671, ("event_broker", "port"), RABBITMQ),
    connection("eventBroker.rabbitmq.username", None, "bot", ("event_broker", "username"), RABBITMQ),
    password("eventBroker.rabbitmq.password", RABBITMQ, "rabbitmq-password"),
    connection("eventBroker.rabbitmq.queues", None, ["events"], ("event_broker", "queues"), RABBITMQ),
    connection("eventBroker.rabbitmq.exchange", None, "bots", ("event_broker", "exchange_name"), RABBITMQ),
    connection("eventBroker.kafka.bootstrapServers", ["kafka:9092"], ["other:9092"], ("event_broker", "url"), KAFKA),
    connection("eventBroker.kafka.topic", None, "events", ("event_broker", "topic"), KAFKA),
    connection("eventBroker.kafka.securityProtocol", None, "SSL", ("event_broker", "security_protocol"), KAFKA),
    connection(
        "eventBroker.kafka.saslMechanism", None, "SCRAM-SHA-256", ("event_broker", "sasl_mechanism"), KAFKA_USER
    ),
    connection("eventBroker.kafka.username", "u", "bot", ("event_broker", "sasl_username"), KAFKA_USER),
    password("eventBroker.kafka.password", KAFKA_USER, "kafka-password"),
    *_sql("eventBroker.sql", EVENTS_SQL, "event_broker", "event-broker-db-password"),
    *_sql("trackerStore.sql", TRACKER_SQL, "tracker_store", "db-password"),
    connection("trackerStore.sql.loginDatabase", None, "postgres", ("tracker_store", "login_db"), TRACKER_SQL),
    *_redis("trackerStore.redis", TRACKER_REDIS, "tracker_store", "tracker-store-password"),
    *_redis("lockStore.redis", LOCK_REDIS, "lock_store", "redis-password"),
    connection("actionEndpoint.url", "http://a:5055/webhook", "http://b:5055/webhook", ("action_endpoint", "url"), {}),
    password("actionEndpoint.token", ACTIONS, "action-endpoint-token"),
    Change("endpoints", None, {"nlg": {"url": "http://nlg"}}, "ConfigMap", endpoint("nlg", "url"), "http://nlg"),
    Change("credentials", None, {"cmd": {"a": 1}}, "ConfigMap", ("data", "credentials.yml", "cmd", "a"), 1),
    Change("service.type", None, "NodePort", "Service", ("spec", "type"), "NodePort"),
    Change("service.port", None, 80, "Service", ("spec", "ports", "http", "port"), 80),
    Change("service.annotations", None, {"a": "1"}, "Service", ("metadata", "annotations", "a"), "1"),
    Change("service.labels", None, {"team": "bots"}, "Service", ("metadata", "labels", "team"), "bots"),
    Change("ingress.host", "a.example.com", "b.example.com", "Ingress", ("spec", "rules", 0, "host"), "b.example.com"),
    Change(
        "ingress.path", None, "/chat", "Ingress", ("spec", "rules", 0, "http", "paths", 0, "path"), "/chat", INGRESS
    ),
    Change("ingress.className", None, "nginx", "Ingress", ("spec", "ingressClassName"), "nginx", INGRESS),
    Change("ingress.tlsSecretName", None, "tls", "Ingress", ("spec", "tls", 0, "secretName"), "tls", INGRESS),
    Change("ingress.annotations", None, {"a": "1"}, "Ingress", ("metadata", "annotations", "a"), "1", INGRESS),
    Change(
        "networkPolicy.allowFrom",
        [],
        [{"podSelector": {"matchLabels": {"app": "web"}}}],
        "NetworkPolicy",
        ("spec", "ingress", 0, "from", 0, "podSelector", "matchLabels"),
        {"app": "web"},
    ),
    Change("podDisruptionBudget.minAvailable", 1, 2, "PodDisruptionBudget", ("spec", "minAvailable"), 2),
    Change("podDisruptionBudget.maxUnavailable", 1, "50%", "PodDisruptionBudget", ("spec", "maxUnavailable"), "50%"),
    Change("autoscaling.minReplicas", None, 2, "HorizontalPodAutoscaler", ("spec", "minReplicas"), 2, AUTOSCALING),
    Change("autoscaling.maxReplicas", 3, 4, "HorizontalPodAutoscaler", ("spec", "maxReplicas"), 4),
    Change(
        "autoscaling.targetCPUUtilizationPercentage",
        None,
        60,
        "HorizontalPodAutoscaler",
        ("spec", "metrics", 0, "resource", "target", "averageUtilization"),
        60,
        AUTOSCALING,
    ),
    Change(
        "autoscaling.targetMemoryUtilizationPercentage",
        None,
        70,
        "HorizontalPodAutoscaler",
        ("spec", "metrics", 0, "resource", "name"),
        "memory",
        AUTOSCALING,
    ),
    Change(
        "resources.requests", {"cpu": "1"}, {"cpu": "2"}, "Deployment", (*RASA, "resources", "requests", "cpu"), "2"
    ),
    Change("resources.limits", None, {"memory": "2Gi"}, "Deployment", (*RASA, "resources", "limits", "memory"), "2Gi"),
    Change(
        "podTemplate",
        None,
        {"spec": {"nodeSelector": {"type": "kwok"}}},
        "Deployment",
        (*POD, "nodeSelector"),
        {"type": "kwok"},
    ),
)
"""Fields that may also stand in the defaults of a ModelServer."""

CHANGES = (*SERVER_CHANGES, *SHARED_CHANGES)
NOT_SHOWN = frozenset(
    {
        "suspend",
        "environment",
        "model.healing",
        "external.url",
        "external.tokenSecretRef.name",
        "external.tokenSecretRef.key",
    }
)
"""What stops all changes, what cannot be changed, what no child shows, and an environment without children."""


def leaf_fields(model: type[ApiModel] = EnvironmentSpec, prefix: str = "") -> Iterator[str]:
    """Every field that a person can set, as it is written in a manifest."""
    for name, info in model.model_fields.items():
        path = prefix + (info.alias or name)
        inner = next((part for part in (info.annotation, *get_args(info.annotation)) if _is_mapping(part)), None)
        if inner is None:
            yield path
        else:
            yield from leaf_fields(inner, f"{path}.")


def _is_mapping(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, ApiModel) and part not in WHOLE
