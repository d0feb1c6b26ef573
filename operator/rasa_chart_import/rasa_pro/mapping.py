"""The table of the chart's values, which docs/reference/imported-values.md shows."""

from __future__ import annotations

from rasa_chart_import.entries import ENVIRONMENT, SERVER, Table, by_hand, mapped, not_needed, within

SPEC = f"{ENVIRONMENT}spec."
POD = f"{SPEC}podTemplate.spec."
ACTIONS = f"{SPEC}actionServer."
ACTION_POD = f"{ACTIONS}podTemplate.spec."
LICENCE = mapped(
    f"{SPEC}rasa.license",
    *within("rasaProLicense", "secretName", "secretKey"),
    *within("rasaProLicence", "secretName", "secretKey"),
)
RASA = (
    LICENCE,
    mapped("no environment, if it is false", "rasa.enabled"),
    mapped(f"{SPEC}rasa.image", *within("rasa.image", "repository", "tag")),
    mapped(f"{SPEC}rasa.imagePullPolicy", "rasa.image.pullPolicy", probes=("Always", "Never")),
    mapped(f"{SPEC}rasa.imagePullSecrets, and actionServer.imagePullSecrets", "imagePullSecrets"),
    mapped(f"{SPEC}rasa.port", "rasa.settings.port"),
    mapped(f"{SPEC}rasa.corsOrigins", "rasa.settings.cors"),
    mapped(f"{SPEC}rasa.logLevel", "rasa.settings.debugMode"),
    mapped(f"{SPEC}rasa.logLevel", "rasa.settings.logging.logLevel", probes=("debug", "warning")),
    mapped(f"{SPEC}rasa.extraArgs, and rasa.corsOrigins for --cors", "rasa.additionalArgs"),
    mapped(f"{ENVIRONMENT}metadata.name and spec.environment", "rasa.settings.environment"),
    mapped(f"{SPEC}authToken", *within("rasa.settings.authToken", "secretName", "secretKey")),
    mapped(f"{SPEC}jwt.key", *within("rasa.settings.jwtSecret", "secretName", "secretKey")),
    mapped(f"{SPEC}jwt.method", "rasa.settings.jwtMethod", probes=("HS384", "RS256")),
    mapped(
        f"{SPEC}channels; every text that may be a secret is a reference",
        "rasa.settings.credentials",
        "rasa.settings.credentialsRaw",
    ),
    mapped(f"{SPEC}endpoints", "rasa.settings.endpoints", "rasa.settings.endpointsRaw"),
    mapped(
        f"{SERVER}spec.url, modelPath and project, and {SPEC}tag",
        "rasa.settings.endpoints.models.url",
        "rasa.settings.endpoints.models.enabled",
    ),
    mapped(
        "key token of Secret <release>-model-server, which spec.credentialsSecretRef of the ModelServer names",
        "rasa.settings.endpoints.models.token",
    ),
    mapped(f"{SPEC}model.pullPeriodSeconds", "rasa.settings.endpoints.models.wait_time_between_pulls"),
    mapped(f"{SPEC}model.pullPeriodSeconds", "rasa.settings.endpoints.models.waitTimeBetweenPulls"),
    not_needed("the operator sets RASA_TELEMETRY_ENABLED to false", "rasa.settings.telemetry"),
    not_needed("the operator has probes that wait for a model", "rasa.livenessProbe", "rasa.readinessProbe"),
    not_needed("the operator writes the command line and both files", "rasa.settings.useDefaultArgs"),
    by_hand(
        "the operator always writes both files: mount your own by podTemplate", "rasa.settings.mountDefaultConfigmap"
    ),
    not_needed("models are pulled, into a volume of the pod", "rasa.settings.mountModelsVolume"),
    by_hand("the operator talks http to Rasa: end TLS before it, in a sidecar or a mesh", "rasa.settings.scheme"),
    by_hand("the operator always enables the API, by which it asks for the model", "rasa.settings.enableApi"),
    by_hand(
        "the operator writes the command line: what is special in it belongs into rasa.extraArgs, or into "
        "podTemplate.spec.containers[rasa]",
        "rasa.command",
        "rasa.args",
    ),
    by_hand("the operator sets variables of its own: write yours into podTemplate one by one", "rasa.overrideEnv"),
    by_hand("mount a volume of your own by podTemplate, if the assistant needs one", "rasa.persistence"),
    mapped(f"no {SPEC}rasa.license, and the profile OpenSource, if it is true", "rasa.deployOSS"),
    by_hand("open-source Rasa: import the values of its own chart", "rasa.plus.enabled"),
)
WORKLOAD = (
    mapped(f"{SPEC}replicas", "rasa.replicaCount"),
    mapped(f"{SPEC}resources", "rasa.resources"),
    mapped(f"{SPEC}autoscaling", "rasa.autoscaling"),
    mapped(f"{SPEC}deploymentStrategy", "rasa.strategy"),
    mapped(f"{POD}nodeSelector", "rasa.nodeSelector"),
    mapped(f"{POD}tolerations", "rasa.tolerations"),
    mapped(f"{POD}affinity", "rasa.affinity"),
    mapped(f"{POD}hostAliases", "hostAliases"),
    mapped(f"{POD}hostNetwork", "hostNetwork"),
    mapped(f"{POD}dnsPolicy", "dnsPolicy", probes=("Default", "None")),
    mapped(f"{POD}dnsConfig", "dnsConfig"),
    mapped(f"{POD}securityContext", "rasa.podSecurityContext"),
    mapped(f"{POD}containers[rasa].securityContext", "rasa.containerSecurityContext", "rasa.securityContext"),
    mapped(f"{POD}containers[rasa].env", "rasa.additionalEnv"),
    mapped(f"{POD}containers[rasa].envFrom", "rasa.envFrom"),
    mapped(f"{POD}containers, beside the Rasa server", "rasa.additionalContainers"),
    mapped(f"{POD}initContainers", "rasa.initContainers"),
    mapped(f"{POD}volumes", "rasa.volumes"),
    mapped(f"{POD}containers[rasa].volumeMounts", "rasa.volumeMounts"),
    mapped(f"{SPEC}podTemplate.metadata.annotations", "rasa.podAnnotations"),
    mapped(f"{SPEC}podTemplate.metadata.labels", "podLabels"),
    mapped(f"{SPEC}serviceAccount.annotations", "rasa.serviceAccount.annotations"),
    not_needed("the operator makes a ServiceAccount for each environment", "rasa.serviceAccount.create"),
    by_hand(
        "the operator's ServiceAccount is called as the environment: grant it what this one has",
        "rasa.serviceAccount.name",
    ),
    by_hand(
        "labels and annotations of Deployments are the operator's own; those of pods are in spec.podTemplate.metadata",
        "deploymentAnnotations",
        "deploymentLabels",
        "global.additionalDeploymentLabels",
    ),
)
TRAFFIC = (
    mapped(f"{SPEC}service.type", "rasa.service.type", probes=("ClusterIP", "NodePort")),
    mapped(f"{SPEC}service", *within("rasa.service", "port", "annotations")),
    mapped(f"{SPEC}service.nodePort", "rasa.service.nodePort"),
    not_needed("the operator's Service leads to the port of Rasa itself", "rasa.service.targetPort"),
    by_hand(
        "the operator's Service has no such field: an annotation of the cloud may do it",
        *within("rasa.service", "loadBalancerIP", "externalTrafficPolicy"),
    ),
    mapped(f"{SPEC}ingress is there, or not", "rasa.ingress.enabled"),
    mapped(f"{SPEC}ingress", *within("rasa.ingress", "className", "annotations", "hosts", "tls"), "global.ingressHost"),
    by_hand("the operator's Ingress has labels of its own", "rasa.ingress.labels"),
    by_hand(
        "write spec.networkPolicy of the environment; for the chart's own see docs/how-to/migrate-from-rasa-helm.md",
        "networkPolicy",
    ),
)
ACTION_SERVER = (
    mapped(
        f"{SPEC}actionServer is there, if action_endpoint leads to the chart's own; else it goes on from the chart",
        *within("actionServer", "enabled", "service.port"),
    ),
    mapped(f"{ACTIONS}image", *within("actionServer.image", "repository", "tag")),
    mapped(f"{ACTIONS}imagePullPolicy", "actionServer.image.pullPolicy", probes=("Always", "Never")),
    mapped(f"{ACTIONS}port", "actionServer.service.targetPort", probes=(8080,)),
    mapped(f"{ACTIONS}replicas", *within("actionServer", "replicaCount", "autoscaling.minReplicas")),
    mapped(f"{ACTIONS}resources", "actionServer.resources"),
    mapped(f"{ACTIONS}serviceAccount.annotations", "actionServer.serviceAccount.annotations"),
    mapped(f"{ACTIONS}podTemplate.metadata.annotations", "actionServer.podAnnotations"),
    mapped(f"{ACTION_POD}containers[actions].env", "actionServer.additionalEnv"),
    mapped(f"{ACTION_POD}containers[actions]", *within("actionServer", "envFrom", "volumeMounts", "command", "args")),
    mapped(
        f"{ACTION_POD}containers[actions], and httpGet for its startup probe, too",
        *within("actionServer", "livenessProbe", "readinessProbe"),
    ),
    mapped(
        f"{ACTION_POD}containers[actions].securityContext",
        *within("actionServer", "containerSecurityContext", "securityContext"),
    ),
    mapped(f"{ACTION_POD}securityContext", "actionServer.podSecurityContext"),
    mapped(f"{ACTION_POD}containers, beside the action server", "actionServer.additionalContainers"),
    mapped(
        f"{ACTIONS}podTemplate.spec",
        *within("actionServer", "initContainers", "volumes", "nodeSelector", "tolerations", "affinity"),
    ),
    by_hand(
        "the number of the operator's action servers is fixed: set actionServer.replicas to what the load needs",
        "actionServer.autoscaling",
    ),
    by_hand(
        "only the Rasa servers of the environment reach its action server: leave the chart's on for whoever else calls "
        "it",
        *within("actionServer", "ingress", "service"),
    ),
    by_hand("the operator starts new action servers before it stops the old ones", "actionServer.strategy"),
    not_needed("the operator makes a ServiceAccount for each action server", "actionServer.serviceAccount.create"),
    by_hand(
        "the operator's ServiceAccount is called <environment>-actions: grant it what this one has",
        "actionServer.serviceAccount.name",
    ),
    not_needed(
        "no template of the chart uses it",
        *within("actionServer", "settings.port", "settings.scheme", "additionalArgs"),
    ),
)
PLACED_BY_CHART = (
    not_needed("the services for analytics go on from the chart", "rasaProServices"),
    mapped(
        f"RASA_DUCKLING_HTTP_URL in {POD}containers[rasa].env",
        *within("duckling", "enabled", "settings.scheme", "service.port"),
        "rasa.settings.ducklingHttpUrl",
    ),
    not_needed("Duckling goes on from the chart", "duckling"),
    not_needed("it concerns how the chart itself is delivered", "replicated"),
)
"""Parts of the chart that stay with it."""
REST = (
    mapped(
        "the names of the chart's Services in RASA_DUCKLING_HTTP_URL, and in action_endpoint",
        "nameOverride",
        "fullnameOverride",
    ),
    not_needed("the title that helm get values prints", "USER-SUPPLIED VALUES", "COMPUTED VALUES"),
)
TABLE = Table((*RASA, *WORKLOAD, *TRAFFIC, *ACTION_SERVER, *PLACED_BY_CHART, *REST))
"""Every value of the chart, in any release."""
