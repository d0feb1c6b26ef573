"""A release of the chart rasa-x with real Rasa: the objects that its templates make of the values of the migration.

Names, labels, Secrets, arguments and variables are those of templates/ in rasa-x 4.3.3 (RasaHQ/rasa-x-helm), as far as
Rasa servers and what they connect to need them. This project's model server answers in the place of Rasa X 1.0.
"""

from __future__ import annotations

from typing import Any

from local.images import OPERATOR_IMAGE, POSTGRESQL_IMAGE, RASA_IMAGE, REDIS_IMAGE
from rasa_environments.api.base import JsonObject
from tests.integration.manifests import config_map, secret, secret_value

RELEASE = "my-release"
CHART = "rasa-x-4.3.3"
NOBODY = 65534
RASA_X = f"{RELEASE}-rasa-x-rasa-x"
RASA_X_PORT = 5002
OLD_SERVICE = f"{RELEASE}-rasa-x-rasa-production"
OLD_DEPLOYMENT = f"{RELEASE}-rasa-production"
COMPONENT = "rasa-production"
TOKENS = f"{RELEASE}-rasa"
CONFIGURATION = f"{RELEASE}-rasa-configuration-files"
DATABASE = f"{RELEASE}-postgresql"
REDIS = f"{RELEASE}-redis"
MAKE_DATABASE = """
set -e
umask 077
printf %s "$POSTGRES_PASSWORD" > /tmp/password
initdb --pgdata=/data/db --username=postgres --pwfile=/tmp/password --auth=scram-sha-256 --no-sync
echo 'host all all all scram-sha-256' >> /data/db/pg_hba.conf
echo "CREATE DATABASE $POSTGRES_DB;" | postgres --single -D /data/db postgres
exec postgres -D /data/db -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off
"""


def objects(values: JsonObject, namespace: str) -> list[JsonObject]:
    """Return what `helm install` creates, in order: what is connected to comes before what connects."""
    rasa_x_host = f"http://{RASA_X}.{namespace}.svc:{RASA_X_PORT}"
    rasa, rasax = values["rasa"], values["rasax"]
    return [
        secret(
            TOKENS,
            rasaToken=rasa["token"],
            rasaXToken=rasax["token"],
            jwtSecret=rasax["jwtSecret"],
            initialPassword=rasax["initialUser"]["password"],
        ),
        secret(DATABASE, postgresql_password=values["global"]["postgresql"]["postgresqlPassword"]),
        secret(REDIS, redis_password=values["redis"]["auth"]["password"]),
        config_map(CONFIGURATION, **configuration(rasa_x_host)),
        *service_and_deployment(DATABASE, DATABASE, 5432, "postgresql", postgresql()),
        *service_and_deployment(f"{REDIS}-master", f"{REDIS}-master", 6379, "redis", redis()),
        *service_and_deployment(
            RASA_X, f"{RELEASE}-rasa-x", RASA_X_PORT, "rasa-x", rasa_x(rasax["initialUser"]["username"])
        ),
        *service_and_deployment(OLD_SERVICE, OLD_DEPLOYMENT, 5005, COMPONENT, production(rasa_x_host)),
    ]


def service_and_deployment(
    service: str, deployment: str, port: int, component: str, pod: JsonObject
) -> list[JsonObject]:
    """Return a Service and the Deployment that it leads to, with the labels of the chart."""
    selector = labels(component)
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service, "labels": selector},
            "spec": {"selector": selector, "ports": [{"port": port, "targetPort": port, "protocol": "TCP"}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": deployment, "labels": selector},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": selector},
                "template": {"metadata": {"labels": selector}, "spec": pod},
            },
        },
    ]


def labels(component: str) -> dict[str, str]:
    """Return the labels by which the chart's Services select pods."""
    return {
        "app.kubernetes.io/name": "rasa-x",
        "app.kubernetes.io/instance": RELEASE,
        "app.kubernetes.io/component": component,
    }


def configuration(rasa_x_host: str) -> dict[str, str]:
    """Return endpoints.yml and credentials.yml, which Rasa X gives to its Rasa servers."""
    return {
        "rasa-endpoints": f"""\
models:
  url: ${{RASA_MODEL_SERVER}}
  token: ${{RASA_X_TOKEN}}
  wait_time_between_pulls: 10
tracker_store:
  type: sql
  dialect: postgresql
  url: {DATABASE}
  port: 5432
  username: postgres
  password: ${{DB_PASSWORD}}
  db: ${{DB_DATABASE}}
  login_db: rasa
lock_store:
  type: redis
  url: {REDIS}-master
  port: 6379
  password: ${{REDIS_PASSWORD}}
  db: 1
""",
        "rasa-credentials": f"""\
rasa:
  url: {rasa_x_host}/api
rest: {{}}
""",
    }


def production(rasa_x_host: str) -> JsonObject:
    """Return the pod of production: it has no probe but one of liveness, as in the chart."""
    variables: dict[str, Any] = {
        "RASA_TELEMETRY_ENABLED": "false",
        "MPLCONFIGDIR": "/tmp/.matplotlib",
        "DB_PASSWORD": secret_value(DATABASE, "postgresql-password"),
        "DB_DATABASE": "tracker",
        "RASA_X_TOKEN": secret_value(TOKENS, "rasaXToken"),
        "RASA_TOKEN": secret_value(TOKENS, "rasaToken"),
        "JWT_SECRET": secret_value(TOKENS, "jwtSecret"),
        "REDIS_PASSWORD": secret_value(REDIS, "redis-password"),
        "RASA_ENVIRONMENT": "production",
        "RASA_MODEL_SERVER": f"{rasa_x_host}/api/projects/default/models/tags/production",
    }
    return pod(
        "rasa-x",
        RASA_IMAGE,
        1001,
        variables,
        args=[
            *("x", "--no-prompt", "--production"),
            *("--config-endpoint", f"{rasa_x_host}/api/config?token=$(RASA_X_TOKEN)", "--port", "5005"),
            *("--jwt-method", "HS256", "--jwt-secret", "$(JWT_SECRET)", "--auth-token", "$(RASA_TOKEN)", "--cors", "*"),
        ],
        livenessProbe={"httpGet": {"path": "/", "port": 5005}, "initialDelaySeconds": 10, "failureThreshold": 10},
    )


def rasa_x(username: str) -> JsonObject:
    """Return the pod in the place of Rasa X, with the user and the tokens of the values."""
    variables: dict[str, Any] = {
        "RASA_MODEL_SERVER_TOKEN": secret_value(TOKENS, "rasaXToken"),
        "RASA_MODEL_SERVER_USERNAME": username,
        "RASA_MODEL_SERVER_PASSWORD": secret_value(TOKENS, "initialPassword"),
        "RASA_MODEL_SERVER_JWT_SECRET": secret_value(TOKENS, "jwtSecret"),
    }
    files = (
        "--endpoints-file",
        "/configuration/rasa-endpoints",
        "--credentials-file",
        "/configuration/rasa-credentials",
    )
    command = ["rasa-model-server", "--profile", "RasaEnterprise-1.0", "--storage", "/data/models", *files]
    made = pod(
        "rasa-x",
        OPERATOR_IMAGE,
        NOBODY,
        variables,
        command=[*command, "--host", "0.0.0.0", "--port", str(RASA_X_PORT)],
        readinessProbe={"tcpSocket": {"port": RASA_X_PORT}, "periodSeconds": 1},
    )
    made["volumes"].append({"name": "configuration", "configMap": {"name": CONFIGURATION}})
    made["containers"][0]["volumeMounts"].append({"name": "configuration", "mountPath": "/configuration"})
    return made


def postgresql() -> JsonObject:
    """Return the pod of the database."""
    variables = {"POSTGRES_PASSWORD": secret_value(DATABASE, "postgresql-password"), "POSTGRES_DB": "rasa"}
    probe = {"tcpSocket": {"port": 5432}, "periodSeconds": 1}
    command = ["sh", "-c", MAKE_DATABASE]
    return pod("postgresql", POSTGRESQL_IMAGE, NOBODY, variables, command=command, readinessProbe=probe)


def redis() -> JsonObject:
    """Return the pod of the lock store."""
    variables = {"REDIS_PASSWORD": secret_value(REDIS, "redis-password")}
    probe = {"tcpSocket": {"port": 6379}, "periodSeconds": 1}
    arguments = ["--requirepass", "$(REDIS_PASSWORD)", "--save", "", "--dir", "/data"]
    return pod("redis", REDIS_IMAGE, 999, variables, args=arguments, readinessProbe=probe)


def pod(name: str, image: str, user: int, variables: JsonObject, **container: Any) -> JsonObject:
    """Return the spec of a pod with one container, and a volume to write to."""
    env = [
        {"name": key, "value": value} if isinstance(value, str) else {"name": key, "valueFrom": value}
        for key, value in variables.items()
    ]
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": user, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": name,
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "env": env,
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                **container,
            }
        ],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
