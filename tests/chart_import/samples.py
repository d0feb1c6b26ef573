"""For each converted value: values in which it has an effect, and a changed value for it."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject


def changed(base: JsonObject, path: str, value: object) -> JsonObject:
    """Return the values with one of them changed."""
    key, _, rest = path.partition(".")
    inner = base.get(key)
    return {**base, key: changed(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}


OUTSIDE = {
    "rabbitmq": {"install": False, "existingHost": "one"},
    "postgresql": {"install": False, "existingHost": "one"},
    "redis": {"install": False, "existingHost": "one"},
}
STAGING = {"rasa": {"versions": {"rasaStaging": {"rasaEnvironment": "staging", "trackerDatabase": "staging"}}}}
ELSEWHERE = {
    "rasa": {"versions": {"rasaStaging": {"enabled": False, "external": {"enabled": True, "url": "http://a"}}}}
}
OPEN = {"nginx": {"enabled": False}, "ingress": {"enabled": True, "hosts": [{"host": "one.example.com"}]}}

SAMPLES: dict[str, tuple[JsonObject, object]] = {
    "rasax.tag": ({}, "0.42.6"),
    "rasax.scheme": ({}, "https"),
    "rasax.port": ({}, 1),
    "nameOverride": ({}, "bot"),
    "fullnameOverride": ({}, "bot"),
    "rasax.token": ({}, "abc"),
    "rasax.initialUser.username": ({"rasax": {"initialUser": {"password": "abc"}}}, "bob"),
    "rasax.initialUser.password": ({}, "abc"),
    "rasaSecret": ({}, "tokens"),
    "rasa.name": ({"rasa": {"tag": "2.8.15"}}, "bot"),
    "rasa.tag": ({}, "2.8.15-full"),
    "rasa.version": ({}, "2.8.15"),
    "rasa.port": ({}, 1),
    "rasa.extraArgs": ({}, ["--quiet"]),
    "debugMode": ({}, True),
    "images.pullPolicy": ({}, "Never"),
    "images.imagePullSecrets": ({}, ["registry"]),
    "rasa.additionalChannelCredentials": ({}, {"rest": None}),
    "rasa.additionalEndpoints": ({}, {"nlg": {"url": "http://nlg"}}),
    "rasa.extraEnvs": ({}, [{"name": "A", "value": "b"}]),
    "rasa.tolerations": ({}, [{"operator": "Exists"}]),
    "rasa.podLabels": ({}, {"team": "bots"}),
    "rasa.podAnnotations": ({}, {"team": "bots"}),
    "rasa.extraVolumes": ({}, [{"name": "a", "emptyDir": {}}]),
    "rasa.extraVolumeMounts": ({}, [{"name": "a", "mountPath": "/a"}]),
    "rasa.additionalContainers": ({}, [{"name": "proxy", "image": "proxy:1"}]),
    "rasa.nodeSelector": ({}, {"disk": "ssd"}),
    "rasa.service.annotations": ({}, {"team": "bots"}),
    "dnsConfig": ({}, {"options": [{"name": "ndots", "value": "1"}]}),
    "dnsPolicy": ({}, "Default"),
    "hostNetwork": ({}, True),
    "rasa.automountServiceAccountToken": ({}, True),
    "securityContext": ({}, {"fsGroup": 1}),
    "rasa.rabbitQueue": ({}, "events"),
    "rasa.additionalRabbitQueues": ({}, ["events"]),
    "rasa.lockStoreDatabase": ({}, 5),
    "rasa.useLoginDatabase": ({}, False),
    "rasa.trackerStore.query": ({}, {"sslmode": "require"}),
    "rasa.versions.*.enabled": (STAGING, False),
    "rasa.versions.*.external.enabled": (ELSEWHERE, False),
    "rasa.versions.*.external.url": (ELSEWHERE, "http://b"),
    "rasa.versions.*.external.host": (changed(ELSEWHERE, "rasa.versions.rasaStaging.external.url", ""), "http://b"),
    "rasa.versions.*.rasaEnvironment": (STAGING, "test"),
    "rasa.versions.*.modelTag": ({**STAGING, **changed(STAGING, "rasax.tag", "0.42.6")}, "test"),
    "rasa.versions.*.replicaCount": (STAGING, 2),
    "rasa.versions.*.trackerDatabase": (STAGING, "test"),
    "rasa.versions.*.resources": (STAGING, {"limits": {"cpu": 1}}),
    "rasa.versions.*.nodeSelector": (STAGING, {"disk": "ssd"}),
    "rasa.versions.*.extraVolumeMounts": (STAGING, [{"name": "a", "mountPath": "/a"}]),
    "rasa.versions.*.extraVolumes": (STAGING, [{"name": "a", "emptyDir": {}}]),
    "rasa.versions.*.service.annotations": (STAGING, {"team": "bots"}),
    "rabbitmq.enabled": ({}, False),
    "rabbitmq.install": ({"rabbitmq": {"existingHost": "one"}}, False),
    "rabbitmq.existingHost": (OUTSIDE, "two"),
    "rabbitmq.service.port": ({}, 1),
    "rabbitmq.auth.username": ({}, "bob"),
    "rabbitmq.rabbitmq.username": ({}, "bob"),
    "rabbitmq.auth.password": (OUTSIDE, "abc"),
    "rabbitmq.rabbitmq.password": (OUTSIDE, "abc"),
    "rabbitmq.auth.existingPasswordSecret": ({}, "brokers"),
    "rabbitmq.rabbitmq.existingPasswordSecret": ({}, "brokers"),
    "rabbitmq.existingPasswordSecretKey": (
        changed(OUTSIDE, "rabbitmq.auth.existingPasswordSecret", "brokers"),
        "rabbit",
    ),
    "postgresql.install": ({"postgresql": {"existingHost": "one"}}, False),
    "postgresql.existingHost": (OUTSIDE, "two"),
    "global.postgresql.servicePort": ({}, 1),
    "global.postgresql.postgresqlUsername": ({}, "bob"),
    "global.postgresql.postgresqlPassword": (OUTSIDE, "abc"),
    "global.postgresql.existingSecret": ({}, "databases"),
    "postgresql.existingSecretKey": (changed(OUTSIDE, "global.postgresql.existingSecret", "databases"), "pg"),
    "global.postgresql.postgresqlDatabase": ({}, "other"),
    "rasax.databaseName": ({}, "other"),
    "redis.install": ({"redis": {"existingHost": "one"}}, False),
    "redis.existingHost": (OUTSIDE, "two"),
    "redis.redisPort": ({}, 1),
    "redis.master.service.port": ({}, 1),
    "global.redis.password": (OUTSIDE, "abc"),
    "redis.auth.password": (OUTSIDE, "abc"),
    "redis.password": (OUTSIDE, "abc"),
    "redis.auth.existingSecret": ({}, "caches"),
    "redis.existingSecret": ({}, "caches"),
    "redis.auth.existingSecretPasswordKey": (changed({}, "redis.auth.existingSecret", "caches"), "pw"),
    "redis.existingSecretPasswordKey": (changed({}, "redis.existingSecret", "caches"), "pw"),
    "app.existingUrl": ({}, "http://actions/webhook"),
    "app.scheme": ({}, "https"),
    "app.port": ({}, 1),
    "app.endpoints.actionEndpointUrl": ({}, "/actions"),
    "duckling.enabled": ({}, False),
    "duckling.existingUrl": ({}, "http://duckling"),
    "duckling.scheme": ({}, "https"),
    "duckling.port": ({}, 1),
    "nginx.enabled": (OPEN, True),
    "ingress.enabled": (OPEN, False),
    "ingress.hosts": (OPEN, [{"host": "two.example.com"}]),
    "ingress.tls": (OPEN, [{"secretName": "tls"}]),
    "ingress.ingressClassName": (OPEN, "nginx"),
    "ingress.annotations": (OPEN, {"a": "b"}),
    "ingress.annotationsRasa": (OPEN, {"a": "b"}),
    "ingress.annotationsRasaChannels": (OPEN, {"a": "b"}),
    "networkPolicy.enabled": ({}, True),
    "networkPolicy.nodeCIDR": ({"networkPolicy": {"enabled": True}}, [{"ipBlock": {"cidr": "10.0.0.0/8"}}]),
}
"""Path to the values around it, and its own."""
