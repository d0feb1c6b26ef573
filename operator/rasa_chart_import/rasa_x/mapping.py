"""The table of the chart's values, which docs/reference/imported-values.md shows."""

from __future__ import annotations

from rasa_chart_import.entries import DEFAULTS, ENVIRONMENT, SERVER, Table
from rasa_chart_import.entries import by_hand as _by_hand
from rasa_chart_import.entries import mapped as _mapped
from rasa_chart_import.entries import not_needed as _not_needed
from rasa_chart_import.entries import referred as _referred
from rasa_chart_import.entries import within as _in

CONTAINER = (
    "command",
    "args",
    "resources",
    "extraEnvs",
    "extraVolumeMounts",
    "extraVolumes",
    "tolerations",
    "nodeSelector",
    "automountServiceAccountToken",
    "service",
    "podLabels",
    "livenessProbe",
    "readinessProbe",
    "initialProbeDelay",
    "replicaCount",
    "jaegerSidecar",
    "podAnnotations",
    "additionalContainers",
)
"""Values that the chart has for each of its own containers."""

MODEL_SERVER = (
    _mapped(
        f"{SERVER}spec.profile; below 0.32 RasaX-0.2, below 1.0 RasaX-0.32, else RasaEnterprise-1.0",
        "rasax.tag",
        probes=("0.20.0", "0.40.0", "1.0.0"),
    ),
    _mapped(f"{SERVER}spec.url", "rasax.scheme", "rasax.port"),
    _mapped(
        "the names of the chart's Services in spec.url, actionEndpoint and RASA_DUCKLING_HTTP_URL",
        "nameOverride",
        "fullnameOverride",
    ),
    _mapped("key token of Secret <release>-model-server, which spec.credentialsSecretRef names", "rasax.token"),
    _mapped(
        "keys username and password of Secret <release>-model-server: somebody who may put tags",
        "rasax.initialUser.username",
        "rasax.initialUser.password",
    ),
    _referred(f"key jwtSecret of the chart's Secret, which {DEFAULTS}jwt.key names", "rasax.jwtSecret"),
    _referred(f"key rasaToken of the chart's Secret, which {SERVER}spec.authToken names", "rasa.token"),
    _mapped("the Secret that spec.authToken and spec.defaults.jwt.key name", "rasaSecret"),
    _not_needed(
        "Rasa X goes on from the chart",
        *_in("rasax", *CONTAINER, "name", "passwordSalt", "disableTelemetry", "persistence", "hostNetwork"),
        *_in("rasax", "dnsPolicy", "hostAliases", "overrideHost", "extraArgs"),
    ),
)
RASA = (
    _mapped(f"{DEFAULTS}rasa.version, or rasa.image where it is no image of the vendor", *_in("rasa", "name", "tag")),
    _mapped(f"{DEFAULTS}rasa.version, or rasa.image", "rasa.version"),
    _mapped(f"{DEFAULTS}rasa.port", "rasa.port"),
    _mapped(f"{DEFAULTS}rasa.extraArgs, and rasa.corsOrigins for --cors", "rasa.extraArgs"),
    _mapped(f"{DEFAULTS}rasa.logLevel: Debug", "debugMode"),
    _mapped(f"{DEFAULTS}rasa.imagePullPolicy", "images.pullPolicy", probes=("Always", "Never")),
    _mapped(f"{DEFAULTS}rasa.imagePullSecrets", "images.imagePullSecrets"),
    _mapped(f"{DEFAULTS}channels; every text that may be a secret is a reference", "rasa.additionalChannelCredentials"),
    _mapped(f"{DEFAULTS}endpoints", "rasa.additionalEndpoints"),
    _mapped(f"{DEFAULTS}podTemplate.spec.containers[rasa].env", "rasa.extraEnvs"),
    _mapped(f"{DEFAULTS}podTemplate.spec.tolerations", "rasa.tolerations"),
    _mapped(f"{DEFAULTS}podTemplate.metadata.labels", "rasa.podLabels"),
    _mapped(f"{DEFAULTS}podTemplate.metadata.annotations", "rasa.podAnnotations"),
    _mapped(f"{DEFAULTS}podTemplate.spec.volumes", "rasa.extraVolumes"),
    _mapped(f"{DEFAULTS}podTemplate.spec.containers[rasa].volumeMounts", "rasa.extraVolumeMounts"),
    _mapped(f"{DEFAULTS}podTemplate.spec.containers, beside the Rasa server", "rasa.additionalContainers"),
    _mapped(f"{DEFAULTS}podTemplate.spec.nodeSelector", "rasa.nodeSelector"),
    _mapped(f"{DEFAULTS}service.annotations", "rasa.service.annotations"),
    _mapped(f"{DEFAULTS}podTemplate.spec.dnsConfig", "dnsConfig"),
    _mapped(
        f"{DEFAULTS}podTemplate.spec.dnsPolicy",
        "dnsPolicy",
        probes=("Default", "ClusterFirst", "None"),
    ),
    _mapped(f"{DEFAULTS}podTemplate.spec.hostNetwork", "hostNetwork"),
    _mapped(f"{DEFAULTS}podTemplate.spec.automountServiceAccountToken", "rasa.automountServiceAccountToken"),
    _mapped(f"{DEFAULTS}podTemplate.spec.securityContext", "securityContext"),
    _mapped(f"{DEFAULTS}eventBroker.rabbitmq.queues", "rasa.rabbitQueue", "rasa.additionalRabbitQueues"),
    _mapped(f"{DEFAULTS}lockStore.redis.database", "rasa.lockStoreDatabase"),
    _mapped(f"{DEFAULTS}trackerStore.sql.loginDatabase is there, or not", "rasa.useLoginDatabase"),
    _mapped(f"{DEFAULTS}trackerStore.sql.query", "rasa.trackerStore.query"),
    _not_needed("the operator sets RASA_TELEMETRY_ENABLED to false", "rasa.disableTelemetry"),
    _not_needed(
        "the operator has probes that wait for a model",
        *_in("rasa", "livenessProbe", "readinessProbe", "initialProbeDelay"),
    ),
    _not_needed(
        "Rasa itself reads no cache from endpoints.yml; Rasa X does, and has it from the chart", "rasa.cacheDatabase"
    ),
    _by_hand(
        "the operator writes the command line: what is special in it belongs into rasa.extraArgs, or into "
        "podTemplate.spec.containers[rasa]",
        "rasa.command",
        "rasa.args",
    ),
    _by_hand("the operator talks http to Rasa: end TLS before it, in a sidecar or a mesh", "rasa.scheme"),
    _by_hand(
        "annotate spec.defaults.podTemplate.metadata, as the injector of Jaeger asks for it", "rasa.jaegerSidecar"
    ),
    _by_hand(
        "Rasa Pro's lock store is none of the typed ones: write lock_store into spec.defaults.endpoints",
        "rasa.rasaPlus.enabled",
        "rasa.rasaPro.enabled",
    ),
    _by_hand("write action_endpoint into spec.defaults.endpoints with this option", "rasa.enable_selective_domain"),
    _by_hand(
        "another model server: set url and modelPath of the ModelServer",
        "rasa.customModelServer",
        "rasa.disableEndpointsModelServer",
    ),
    _by_hand("write a DeploymentEnvironment with spec.external for that deployment", "rasa-bot"),
)
VERSIONS = (
    _mapped(
        "a DeploymentEnvironment, or none; with external spec.external",
        *_in("rasa.versions.*", "enabled", "external.enabled"),
    ),
    _mapped(f"{ENVIRONMENT}spec.external.url", *_in("rasa.versions.*", "external.url", "external.host")),
    _mapped(f"{ENVIRONMENT}metadata.name, spec.environment", "rasa.versions.*.rasaEnvironment"),
    _mapped(f"{ENVIRONMENT}spec.tag", "rasa.versions.*.modelTag"),
    _mapped(f"{ENVIRONMENT}spec.replicas", "rasa.versions.*.replicaCount"),
    _mapped(f"{ENVIRONMENT}spec.trackerStore.sql.database", "rasa.versions.*.trackerDatabase"),
    _mapped(f"{ENVIRONMENT}spec.resources", "rasa.versions.*.resources"),
    _mapped(f"{ENVIRONMENT}spec.podTemplate.spec.nodeSelector", "rasa.versions.*.nodeSelector"),
    _mapped(f"{ENVIRONMENT}spec.podTemplate.spec.containers[rasa].volumeMounts", "rasa.versions.*.extraVolumeMounts"),
    _mapped(f"{ENVIRONMENT}spec.podTemplate.spec.volumes", "rasa.versions.*.extraVolumes"),
    _mapped(f"{ENVIRONMENT}spec.service.annotations", "rasa.versions.*.service.annotations"),
    _by_hand(
        "the Service is called <environment>-rasa: change the address in whatever calls the old one",
        "rasa.versions.*.serviceName",
    ),
)
CONNECTIONS = (
    _mapped(f"{DEFAULTS}eventBroker is there, or not", "rabbitmq.enabled"),
    _mapped(
        f"{DEFAULTS}eventBroker.rabbitmq.host; with amqps:// also tls", "rabbitmq.install", "rabbitmq.existingHost"
    ),
    _mapped(f"{DEFAULTS}eventBroker.rabbitmq.port", "rabbitmq.service.port"),
    _mapped(f"{DEFAULTS}eventBroker.rabbitmq.username", "rabbitmq.auth.username", "rabbitmq.rabbitmq.username"),
    _mapped(
        f"{DEFAULTS}eventBroker.rabbitmq.password, a reference to the Secret",
        *_in("rabbitmq", "auth.password", "auth.existingPasswordSecret", "rabbitmq.password"),
        *_in("rabbitmq", "rabbitmq.existingPasswordSecret", "existingPasswordSecretKey"),
    ),
    _mapped(f"{DEFAULTS}trackerStore.sql.host", "postgresql.install", "postgresql.existingHost"),
    _mapped(f"{DEFAULTS}trackerStore.sql.port", "global.postgresql.servicePort"),
    _mapped(f"{DEFAULTS}trackerStore.sql.username", "global.postgresql.postgresqlUsername"),
    _mapped(
        f"{DEFAULTS}trackerStore.sql.password, a reference to the Secret",
        *_in("global.postgresql", "postgresqlPassword", "existingSecret"),
        "postgresql.existingSecretKey",
    ),
    _mapped(f"{DEFAULTS}trackerStore.sql.loginDatabase", "global.postgresql.postgresqlDatabase", "rasax.databaseName"),
    _mapped(f"{DEFAULTS}lockStore.redis.host", "redis.install", "redis.existingHost"),
    _mapped(f"{DEFAULTS}lockStore.redis.port", "redis.redisPort", "redis.master.service.port"),
    _mapped(
        f"{DEFAULTS}lockStore.redis.password, a reference to the Secret",
        "global.redis.password",
        *_in("redis", "auth.password", "auth.existingSecret", "auth.existingSecretPasswordKey", "password"),
        *_in("redis", "existingSecret", "existingSecretPasswordKey"),
    ),
    _mapped(
        f"{DEFAULTS}actionEndpoint.url",
        *_in("app", "existingUrl", "scheme", "port", "endpoints.actionEndpointUrl"),
    ),
    _mapped(
        "RASA_DUCKLING_HTTP_URL in spec.defaults.podTemplate.spec.containers[rasa].env",
        *_in("duckling", "enabled", "existingUrl", "scheme", "port"),
    ),
    _not_needed("RabbitMQ goes on from the chart", "rabbitmq"),
    _not_needed("PostgreSQL goes on from the chart", "postgresql"),
    _not_needed("Redis goes on from the chart", "redis"),
    _not_needed("there is a lockStore where redis.existingHost names a host", "redis.external"),
)
TRAFFIC = (
    _mapped(
        f"{ENVIRONMENT}spec.ingress of production, where nginx.enabled is false: it leads to Rasa itself",
        "nginx.enabled",
        *_in("ingress", "enabled", "hosts", "tls", "ingressClassName", "annotations", "annotationsRasa"),
        "ingress.annotationsRasaChannels",
    ),
    _not_needed("the Ingress to Rasa X goes on from the chart", "ingress.annotationsRasaX"),
    _not_needed(
        "the operator's Ingress leads to the channels alone: the chart's, for Rasa's HTTP API, ends with its servers",
        "ingress.annotationsRasaApi",
    ),
    _not_needed("it decides how the chart writes the paths of its own Ingress", "ingress.ingressType"),
    _mapped(f"{DEFAULTS}networkPolicy", "networkPolicy.enabled", "networkPolicy.nodeCIDR"),
    _not_needed("the operator restricts no connection from Rasa's pods", "networkPolicy.egress"),
)
REST = (
    _not_needed(
        "the chart's nginx goes on",
        *_in("nginx", *CONTAINER, "name", "tag", "subPath", "customConfConfigMap", "certificateSecret"),
        *_in("nginx", "runFolderPath", "tmpFolderPath"),
    ),
    _not_needed("Duckling goes on from the chart", *_in("duckling", *CONTAINER, "name", "tag")),
    _not_needed(
        "the action server goes on from the chart",
        *_in("app", *CONTAINER, "name", "tag", "install", "endpoints.healthCheckUrl"),
    ),
    _not_needed(
        "the event service of Rasa X goes on from the chart",
        *_in("eventService", *CONTAINER, "name", "tag", "port", "databaseName", "rabbitQueue"),
        "separateEventService",
    ),
    _not_needed(
        "the migration of Rasa X's database goes on from the chart",
        *_in("dbMigrationService", *CONTAINER, "initContainer", "name", "tag", "ignoreVersionCheck", "port"),
        "separateDBMigrationService",
    ),
    _not_needed("the operator's Deployments have a deadline of 900 s", "global.progressDeadlineSeconds"),
    _by_hand(
        "labels of Deployments are the operator's own; those of pods are spec.defaults.podTemplate.metadata.labels",
        "global.additionalDeploymentLabels",
    ),
    _not_needed("what is in it besides is for the charts of PostgreSQL, Redis and RabbitMQ", "global"),
)
TITLES = (_not_needed("the title that helm get values prints", "USER-SUPPLIED VALUES", "COMPUTED VALUES"),)
TABLE = Table((*MODEL_SERVER, *RASA, *VERSIONS, *CONNECTIONS, *TRAFFIC, *REST, *TITLES))
"""Every value of the chart, in any release."""
