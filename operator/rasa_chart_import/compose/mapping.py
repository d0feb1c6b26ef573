"""The table of what is in a docker-compose file, which docs/reference/imported-values.md shows."""

from __future__ import annotations

from rasa_chart_import.entries import ENVIRONMENT, SERVER, Table, by_hand, mapped, not_needed

SPEC = f"{ENVIRONMENT}spec."


def _variables(*names: str) -> tuple[str, ...]:
    return tuple(f"services.*.environment.{name}" for name in names)


TABLE = Table(
    (
        mapped(f"{SPEC}rasa.version, or rasa.image", "services.*.image"),
        mapped(
            f"{SPEC}rasa.extraArgs, corsOrigins, authToken and jwt, {SERVER}spec.profile",
            "services.*.command",
            whole=True,
        ),
        mapped(f"{SPEC}replicas", "services.*.deploy.replicas", "services.*.scale"),
        mapped(f"{ENVIRONMENT}metadata.name and spec.environment", *_variables("RASA_ENVIRONMENT")),
        mapped(f"{SERVER}spec.url, modelPath and project, and {SPEC}tag", *_variables("RASA_MODEL_SERVER")),
        mapped(f"{SERVER}spec.url", *_variables("RASA_X_HOST")),
        mapped(
            "key token of Secret <release>-model-server, which spec.credentialsSecretRef of the ModelServer names",
            *_variables("RASA_X_TOKEN"),
        ),
        mapped(f"{SPEC}authToken, a reference to a Secret", *_variables("RASA_TOKEN")),
        mapped(f"{SPEC}rasa.license, a reference to a Secret", *_variables("RASA_LICENSE", "RASA_PRO_LICENSE")),
        mapped(f"{SPEC}jwt.key, a reference to a Secret", *_variables("JWT_SECRET")),
        mapped(f"{SPEC}model.pullPeriodSeconds", *_variables("RASA_MODEL_PULL_INTERVAL", "RASA_MODEL_PULL_INTERVALL")),
        mapped(f"{SPEC}actionEndpoint.url", *_variables("RASA_USER_APP")),
        mapped(f"{SPEC}trackerStore.sql", *_variables("DB_HOST", "DB_PORT", "DB_USER", "DB_DATABASE", "DB_LOGIN_DB")),
        mapped(f"{SPEC}trackerStore.sql.password, a reference to a Secret", *_variables("DB_PASSWORD")),
        mapped(
            f"{SPEC}eventBroker.rabbitmq",
            *_variables("RABBITMQ_HOST", "RABBITMQ_PORT", "RABBITMQ_USERNAME", "RABBITMQ_QUEUE"),
        ),
        mapped(f"{SPEC}eventBroker.rabbitmq.password, a reference to a Secret", *_variables("RABBITMQ_PASSWORD")),
        mapped(f"{SPEC}lockStore.redis", *_variables("REDIS_HOST", "REDIS_PORT", "REDIS_DB")),
        mapped(f"{SPEC}lockStore.redis.password, a reference to a Secret", *_variables("REDIS_PASSWORD")),
        mapped(f"{SPEC}podTemplate.spec.containers[rasa].env", "services.*.environment"),
        by_hand(
            "write the channels and endpoints of the mounted files into spec.channels and spec.endpoints; mount others "
            "by spec.podTemplate",
            "services.*.volumes",
        ),
        by_hand(
            "write the variables of the file into spec.podTemplate, or import where the file is", "services.*.env_file"
        ),
        by_hand("import what `docker compose config` prints: it has what is included", "services.*.extends", "include"),
        by_hand("the operator's Service is inside the cluster: set spec.service or spec.ingress", "services.*.ports"),
        by_hand("set spec.resources", "services.*.deploy"),
        by_hand("it is not known here: see whether spec.podTemplate has to have it", "services.*"),
        not_needed(
            "the operator starts each environment by itself, and keeps it running",
            *(
                f"services.*.{key}"
                for key in ("restart", "depends_on", "expose", "networks", "container_name", "build")
            ),
            *(f"services.*.{key}" for key in ("logging", "healthcheck", "labels", "links", "hostname")),
            *(f"services.*.{key}" for key in ("tty", "stdin_open")),
        ),
        not_needed(
            "it is not about a single Rasa server", "version", "name", "networks", "volumes", "secrets", "configs"
        ),
    )
)
"""What counts in a docker-compose file."""
