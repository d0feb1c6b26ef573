"""Specs that refer to Secrets or run code, and the text of their refusals."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import JsonObject
from tests.api.api_server import Answer
from tests.integration.manifests import environment, secret_value
from tests.integration.people import KNOWN, Person

DRY = {"dryRun": "All"}
SENTINEL: JsonObject = {"endpoints": ["redis:26379"], "masterName": "mine"}
LOOT = "loot"
"""A Secret that neither grace nor heidi may get. Heidi may create pods, Services and Ingresses; grace may not."""
PLAIN_TEXT: JsonObject = {"mode": "Disabled"}
KINDS: dict[str, dict[str, JsonObject]] = {
    "eventBroker": {
        "kafka": {"bootstrapServers": ["kafka:9092"], "username": "rasa"},
        "rabbitmq": {"host": "rabbitmq"},
        "sql": {"host": "db", "username": "rasa"},
    },
    "lockStore": {"redis": {"host": "redis"}, "concurrentRedis": {"sentinel": SENTINEL}},
    "trackerStore": {"redis": {"cluster": {"endpoints": ["redis:6379"]}}, "sql": {"host": "db", "username": "rasa"}},
}
"""Each kind of broker and store by its field, without a password."""


def with_password(field: str, kind: str, name: str) -> JsonObject:
    """Return a spec with a broker or store that takes nothing from the defaults.

    It has a password, and no certificates.
    """
    return {field: {kind: {**KINDS[field][kind], "password": secret_value(name, "key"), "tls": PLAIN_TEXT}}}


def by_certificate(name: str) -> JsonObject:
    """A connection by TLS with certificates of this Secret."""
    return {"mode": "Required", "certSecretRef": {"name": name}}


def with_certificate(field: str, kind: str, name: str) -> JsonObject:
    """Return a spec with a broker or store that takes nothing from the defaults.

    It ignores them, and has certificates.
    """
    described = {key: value for key, value in KINDS[field][kind].items() if key != "username"}
    return {"ignoreDefaults": [field], field: {kind: {**described, "tls": by_certificate(name)}}}


def named(name: str) -> dict[str, JsonObject]:
    """By path in a spec: an environment's spec that refers to a Secret only there."""
    value = secret_value(name, "key")
    actions = {"url": "https://actions:5055/webhook"}
    hosts = ["chat.example.com"]
    return {
        **{
            f"{field}.{kind}.password": with_password(field, kind, name)
            for field, kinds in KINDS.items()
            for kind in kinds
        },
        **{
            f"{field}.{kind}.tls.certSecretRef": with_certificate(field, kind, name)
            for field, kinds in KINDS.items()
            for kind in kinds
        },
        "actionEndpoint.token": {"actionEndpoint": {**actions, "token": value}},
        "actionEndpoint.tls.certSecretRef": {
            "ignoreDefaults": ["actionEndpoint"],
            "actionEndpoint": {**actions, "tls": by_certificate(name)},
        },
        "authToken": {"authToken": value},
        "external.authToken": {"external": {"url": "https://rasa.example.com", "authToken": value}},
        "jwt.key": {"jwt": {"key": value}},
        "ingress.tls[].secretName": {
            "ingress": {"hosts": [{"host": hosts[0]}], "tls": [{"hosts": hosts, "secretName": name}]}
        },
        "rasa.license": {"rasa": {"version": "3.13.25", "license": {"secretKeyRef": {"name": name, "key": "k"}}}},
        "actionServer.imagePullSecrets": {"actionServer": {"imagePullSecrets": [{"name": name}]}},
        "rasa.imagePullSecrets": {"rasa": {"version": "3.6.21", "imagePullSecrets": [{"name": name}]}},
    }


def named_by_server(name: str) -> dict[str, JsonObject]:
    """By path in a ModelServer's spec: one that refers to the Secret there."""
    nothing: JsonObject = {"credentialsSecretRef": None}
    return {
        "authToken": {**nothing, "authToken": secret_value(name, "token")},
        "credentialsSecretRef": {"credentialsSecretRef": {"name": name}},
        "tls.certSecretRef": {**nothing, "tls": by_certificate(name)},
    }


def own(kind: JsonObject) -> JsonObject:
    """A connection that takes nothing from the defaults."""
    return {**kind, "password": secret_value(KNOWN, "key"), "tls": PLAIN_TEXT}


RUNS_CODE = ', which runs code: needs the verb "create" on pods'
USES_ANY = ', which can use any Secret: needs the verb "get" on all secrets'


def new(person: Person, **spec: Any) -> Answer:
    """Ask whether they may create an environment with this in its spec."""
    return person.create(environment("any", suspend=True, **spec), **DRY)


def may_not_use(*secrets: str, namespace: str) -> str:
    """Return the message when heidi lacks the right to get these Secrets."""
    which = ", ".join(f'"{name}"' for name in secrets)
    return (
        f'user "heidi" may not use secrets {which} here: needs the verb "get" on each of them in namespace '
        f'"{namespace}"'
    )


def may_not_set(field: str, right: str, namespace: str, person: str = "grace") -> str:
    """Return the message when somebody lacks another right."""
    return f'user "{person}" may not set {field}{right} in namespace "{namespace}"'
