"""The table of the chart's values, which docs/reference/imported-values.md shows."""

from __future__ import annotations

from rasa_chart_import.entries import ENVIRONMENT, SERVER, Table, by_hand, mapped, not_needed, referred, within

SPEC = f"{ENVIRONMENT}spec."
POD = f"{SPEC}podTemplate.spec."
MODELS = (
    mapped(
        f"{SERVER}spec.url, modelPath and project, and {SPEC}tag",
        "applicationSettings.endpoints.models.url",
        "applicationSettings.initialModel",
    ),
    mapped(
        f"{SERVER}spec.url and modelPath lead there, or to Rasa X",
        "applicationSettings.endpoints.models.enabled",
        "applicationSettings.endpoints.models.useRasaXasModelServer.enabled",
    ),
    mapped(
        f"{ENVIRONMENT}metadata.name, spec.environment and spec.tag",
        "applicationSettings.endpoints.models.useRasaXasModelServer.tag",
    ),
    mapped(
        "key token of Secret <release>-model-server, which spec.credentialsSecretRef of the ModelServer names",
        "applicationSettings.endpoints.models.token",
        "applicationSettings.rasaX.token",
    ),
    mapped(f"{SPEC}model.pullPeriodSeconds", "applicationSettings.endpoints.models.waitTimeBetweenPulls"),
    mapped(f"{SERVER}spec.url, profile RasaEnterprise-1.0", "applicationSettings.rasaX.enabled"),
    mapped(f"{SERVER}spec.url", "applicationSettings.rasaX.url"),
    by_hand(
        "the servers had endpoints and channels from Rasa X: write them into spec.endpoints and spec.channels",
        "applicationSettings.rasaX.useConfigEndpoint",
    ),
    by_hand("train a model elsewhere and upload it", "applicationSettings.trainInitialModel"),
    referred("key jwt-secret of the chart's Secret, which spec.jwt.key names", "applicationSettings.rasaX.jwtSecret"),
    referred("key rasa-token of the chart's Secret, which spec.authToken names", "applicationSettings.token"),
    not_needed("it decides about names where the chart rasa-x is above", "applicationSettings.rasaX.usedAsParentChart"),
)
RASA = (
    mapped(
        f"{SPEC}rasa.version, or rasa.image where it is no image of the vendor",
        *within("image", "name", "tag", "repository"),
        "registry",
    ),
    mapped(f"{SPEC}rasa.imagePullPolicy", "image.pullPolicy", probes=("Always", "Never")),
    mapped(f"{SPEC}rasa.imagePullSecrets", "image.pullSecrets"),
    mapped(f"{SPEC}rasa.port", "applicationSettings.port"),
    mapped(f"{SPEC}rasa.corsOrigins", "applicationSettings.cors"),
    mapped(f"{SPEC}rasa.logLevel: Debug", "applicationSettings.debugMode"),
    mapped(f"{SPEC}rasa.extraArgs, and rasa.corsOrigins for --cors", "extraArgs"),
    mapped(f"{SPEC}channels is there, or not", "applicationSettings.credentials.enabled"),
    mapped(
        f"{SPEC}channels; every text that may be a secret is a reference",
        "applicationSettings.credentials.additionalChannelCredentials",
    ),
    mapped(f"{SPEC}endpoints", "applicationSettings.endpoints.additionalEndpoints"),
    not_needed("the operator sets RASA_TELEMETRY_ENABLED to false", "applicationSettings.telemetry"),
    not_needed("the operator has probes that wait for a model", "livenessProbe", "readinessProbe"),
    by_hand("the operator talks http to Rasa: end TLS before it, in a sidecar or a mesh", "applicationSettings.scheme"),
    by_hand("the operator always enables the API, by which it asks for the model", "applicationSettings.enableAPI"),
    by_hand(
        "the operator writes the command line: what is special in it belongs into rasa.extraArgs, or into "
        "podTemplate.spec.containers[rasa]",
        "command",
        "args",
    ),
)
WORKLOAD = (
    mapped(f"{SPEC}replicas", "replicaCount"),
    mapped(f"{SPEC}resources", "resources"),
    mapped(f"{SPEC}autoscaling", "autoscaling"),
    mapped(f"{SPEC}deploymentStrategy", "strategy"),
    mapped(f"{POD}nodeSelector", "nodeSelector"),
    mapped(f"{POD}tolerations", "tolerations"),
    mapped(f"{POD}affinity", "affinity"),
    mapped(f"{POD}hostAliases", "hostAliases"),
    mapped(f"{POD}securityContext", "podSecurityContext"),
    mapped(f"{POD}containers[rasa].securityContext", "securityContext"),
    mapped(f"{POD}containers[rasa].env", "extraEnv"),
    mapped(f"{POD}containers, beside the Rasa server", "extraContainers"),
    mapped(f"{POD}initContainers", "initContainers"),
    mapped(f"{POD}volumes", "volumes"),
    mapped(f"{POD}containers[rasa].volumeMounts", "volumeMounts"),
    mapped(f"{SPEC}podTemplate.metadata.annotations", "podAnnotations"),
    mapped(f"{SPEC}podTemplate.metadata.labels", "podLabels"),
    mapped(f"{SPEC}serviceAccount.annotations", "serviceAccount.annotations"),
    not_needed("the operator makes a ServiceAccount for each environment", "serviceAccount.create"),
    by_hand(
        "the operator's ServiceAccount is called as the environment: grant it what this one has", "serviceAccount.name"
    ),
    by_hand(
        "labels and annotations of Deployments are the operator's own; those of pods are in spec.podTemplate.metadata",
        "deploymentAnnotations",
        "deploymentLabels",
    ),
)
TRAFFIC = (
    mapped(f"{SPEC}service.type", "service.type", probes=("ClusterIP", "NodePort")),
    mapped(f"{SPEC}service", *within("service", "port", "annotations")),
    mapped(f"{SPEC}service.nodePort", "service.nodePort"),
    by_hand(
        "the operator's Service has no such field: an annotation of the cloud may do it",
        *within("service", "loadBalancerIP", "externalTrafficPolicy"),
    ),
    mapped(f"{SPEC}ingress is there, or not", "ingress.enabled"),
    mapped(f"{SPEC}ingress", *within("ingress", "hostname", "path", "annotations", "tls")),
    mapped(f"{SPEC}ingress.hosts", "ingress.pathType", probes=("Prefix", "Exact")),
    by_hand("the operator's Ingress has labels of its own, and leads to Rasa alone", "ingress.labels"),
    by_hand("write an Ingress for the other services", "ingress.extraPaths"),
    by_hand(
        "write spec.networkPolicy of the environment; for the chart's own see docs/how-to/migrate-from-rasa-helm.md",
        "networkPolicy",
    ),
    not_needed("the operator's Service leads to Rasa itself: there is no nginx before it", "nginx"),
    by_hand("end TLS at the Ingress, or in a sidecar", *within("nginx.tls", "enabled", "certificateSecret", "port")),
    by_hand("end TLS at the Ingress, or in a sidecar", "nginx.tls.generateSelfSignedCert"),
    by_hand("nginx is not carried over: see what is special in its configuration", "nginx.customConfiguration"),
)
STORE = "applicationSettings.endpoints."
CONNECTIONS = (
    mapped(f"{SPEC}trackerStore is there, or not", f"{STORE}trackerStore.enabled"),
    mapped(f"{SPEC}trackerStore, or endpoints.tracker_store", f"{STORE}trackerStore"),
    mapped(f"{SPEC}lockStore is there, or not", f"{STORE}lockStore.enabled"),
    mapped(f"{SPEC}lockStore, or endpoints.lock_store", f"{STORE}lockStore"),
    mapped(f"{SPEC}eventBroker is there, or not", f"{STORE}eventBroker.enabled"),
    mapped(f"{SPEC}eventBroker, or endpoints.event_broker", f"{STORE}eventBroker"),
    mapped(f"{SPEC}actionEndpoint.url", f"{STORE}action.endpointURL", *within("rasa-action-server", "install")),
    mapped(f"{SPEC}actionEndpoint.url", *within("rasa-action-server.external", "enabled", "url")),
    mapped(f"{SPEC}actionEndpoint.url", "rasa-action-server.applicationSettings.scheme"),
    mapped(f"{SPEC}actionEndpoint.url", "rasa-action-server.service.port"),
    not_needed("the action server goes on from the chart", "rasa-action-server"),
    mapped(
        f"RASA_DUCKLING_HTTP_URL in {POD}containers[rasa].env",
        *within(
            "duckling", "install", "external.enabled", "external.url", "applicationSettings.scheme", "service.port"
        ),
    ),
    not_needed("Duckling goes on from the chart", "duckling"),
    mapped(f"{SPEC}trackerStore.sql.host", *within("postgresql", "install", "external.enabled", "external.host")),
    mapped(f"{SPEC}trackerStore.sql.port", "global.postgresql.servicePort"),
    mapped(f"{SPEC}trackerStore.sql.username", "global.postgresql.postgresqlUsername"),
    mapped(f"{SPEC}trackerStore.sql.database and loginDatabase", "global.postgresql.postgresqlDatabase"),
    mapped(
        f"{SPEC}trackerStore.sql.password, a reference to the Secret",
        *within("global.postgresql", "postgresqlPassword", "existingSecret"),
        "postgresql.existingSecretKey",
    ),
    not_needed("PostgreSQL goes on from the chart", "postgresql"),
    mapped(f"{SPEC}eventBroker.rabbitmq.host", *within("rabbitmq", "install", "external.enabled", "external.host")),
    mapped(f"{SPEC}eventBroker.rabbitmq.username", "rabbitmq.auth.username"),
    mapped(f"{SPEC}eventBroker.rabbitmq.port", "rabbitmq.service.port"),
    mapped(
        f"{SPEC}eventBroker.rabbitmq.password, a reference to the Secret",
        *within("rabbitmq.auth", "password", "existingPasswordSecret"),
    ),
    not_needed("RabbitMQ goes on from the chart", "rabbitmq"),
    mapped(f"{SPEC}lockStore.redis.host", *within("redis", "install", "external.enabled", "external.host")),
    mapped(f"{SPEC}lockStore.redis.port", "redis.master.service.port"),
    mapped(
        f"{SPEC}lockStore.redis.password, a reference to the Secret",
        "global.redis.password",
        *within("redis", "auth.password", "existingSecret", "existingSecretPasswordKey"),
    ),
    not_needed("Redis goes on from the chart", "redis"),
    not_needed("what is in it besides is for the charts of PostgreSQL, Redis and RabbitMQ", "global"),
)
REST = (
    mapped(
        "the names of the chart's Services and Secret in addresses and references", "nameOverride", "fullnameOverride"
    ),
    not_needed("the title that helm get values prints", "USER-SUPPLIED VALUES", "COMPUTED VALUES"),
)
TABLE = Table((*MODELS, *RASA, *WORKLOAD, *TRAFFIC, *CONNECTIONS, *REST))
"""Every value of the chart, in any release."""
