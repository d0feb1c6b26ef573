"""The chart's action server, which an environment runs itself where the chart's Rasa calls it.

Source: charts/rasa/templates/action-server of RasaHQ/rasa-helm-charts, 0.1.22, 1.0.9, 1.1.0, 1.3.2 and 2.4.0.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from rasa_chart_import import kinds
from rasa_chart_import.chart_facts import Version
from rasa_chart_import.findings import Path, shown
from rasa_chart_import.names import Names, full_name
from rasa_chart_import.pods import SWITCH, network_settings, without_secrets
from rasa_chart_import.rasa_pro.chart import ENDPOINTS, RAW_ENDPOINTS
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues
from rasa_chart_import.single_server import Places, pod_template, service_account
from rasa_environments.api.base import MAXIMUM_NAME_LENGTH_WITH_ACTIONS, JsonObject
from rasa_environments.desired.action_server import CONTAINER, DEFAULT_PORT, WEBHOOK_PATH
from rasa_environments.desired.entries import present

ROOT: Path = ("actionServer",)
ENTRY = "action_endpoint"
"""The entry of endpoints.yml."""
ENTRIES: tuple[Path, ...] = (
    (*ENDPOINTS, ENTRY),
    (*RAW_ENDPOINTS, ENTRY),
    (*ENDPOINTS, "actionEndpoint"),
    (*ENDPOINTS, "additionalEndpoints", ENTRY),
)
"""Where releases have it."""
NAMED_AFTER_RELEASE_SINCE: Version = (1, 1, 0)
"""Release since which the Service is called `<full name>-action-server`; before, `action-server`."""
CONTAINER_SECURITY_SINCE: Version = (1, 1, 1)
"""Release since which `containerSecurityContext` counts, and `securityContext` no longer does."""
PORT_NAME = "http"
"""The container's port, as `service.targetPort` may name it."""
PROBES = ("livenessProbe", "readinessProbe")
PROBE_FIELDS = frozenset(
    {
        "httpGet",
        "initialDelaySeconds",
        "periodSeconds",
        "timeoutSeconds",
        "successThreshold",
        "failureThreshold",
        "terminationGracePeriodSeconds",
    }
)
"""Fields of a probe that fit beside the operator's own, which is a GET."""
REQUEST_FIELDS = frozenset({"path", "port", "scheme"})
"""Fields of its `httpGet`: headers may hold a token."""
GOES_ON = "the action server goes on from the chart"


def is_on(reader: Reader) -> bool:
    """Return whether the chart runs an action server."""
    on = reader.flag((*ROOT, "enabled"))
    if not on:
        reader.unused(ROOT, "the chart runs no action server: actionServer.enabled is false")
    return on


def leave(reader: Reader, why: str) -> None:
    """Record that the chart's action server goes on as it is."""
    reader.unused(ROOT, f"{GOES_ON}: {why} (docs/how-to/run-an-action-server.md)")


def is_called(reader: Reader, endpoints: JsonObject | None, names: Names, release: Version) -> bool:
    """Return whether the endpoint of a running action server leads to the chart's own; record it if not."""
    entry = (endpoints or {}).get(ENTRY)
    url = entry.get("url") if isinstance(entry, dict) and set(entry) == {"url"} else None
    if not isinstance(url, str):
        leave(reader, "rasa.settings.endpoints has no action_endpoint that consists of a URL alone")
        return False
    service = _service(names.full_name, release)
    port = reader.take((*ROOT, "service", "port"), kinds.PORT)
    if url in _addresses(service, names.namespace, port):
        if release >= NAMED_AFTER_RELEASE_SINCE:
            reader.mapped(_override(reader), "spec.actionServer is there: action_endpoint calls the Service by it")
        return True
    leave(reader, "action_endpoint leads elsewhere")
    if url in _addresses(service, names.namespace, _port_of(url)):
        reader.by_hand((*ROOT, "service", "port"), "action_endpoint calls another port of this Service: compare both")
    if url in _addresses(_service(full_name(names.release, "rasa", None, None), release), names.namespace, port):
        reader.by_hand(_override(reader), "action_endpoint calls the action server by a name without it: compare both")
    return False


def _service(full_name_of_release: str, release: Version) -> str:
    """Return the name of the chart's Service."""
    return f"{full_name_of_release}-action-server" if release >= NAMED_AFTER_RELEASE_SINCE else "action-server"


def _override(reader: Reader) -> str:
    """Return the value that decides on the full name."""
    return "fullnameOverride" if reader.given("fullnameOverride") is not None else "nameOverride"


def _port_of(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def _addresses(service: str, namespace: str, port: int | None) -> frozenset[str]:
    """Return the URLs by which a pod of the namespace calls a Service's webhook."""
    hosts = (service, *(f"{service}.{namespace}{domain}" for domain in ("", ".svc", ".svc.cluster.local")))
    ends = (f":{port}", "") if port == 80 else (f":{port}",)
    return frozenset(f"http://{host}{end}{WEBHOOK_PATH}" for host in hosts for end in ends)


def fits(reader: Reader, name: str) -> bool:
    """Return whether an environment of this name may have an action server; record it if not."""
    if len(name) <= MAXIMUM_NAME_LENGTH_WITH_ACTIONS:
        return True
    leave(reader, f"with one, an environment's name has at most {MAXIMUM_NAME_LENGTH_WITH_ACTIONS} characters")
    return False


def action_server(reader: Reader, secrets: SecretValues, release: Version, name: str) -> JsonObject:
    """Return `actionServer` of the environment `name`, for a release of the chart."""
    for place in ENTRIES:
        if reader.given(place) is not None:
            reader.mapped(place, "spec.actionServer is there: the operator writes the address of its own")
    for keys in (("enabled",), ("service", "port")):
        reader.mapped((*ROOT, *keys), "spec.actionServer is there: action_endpoint leads to the chart's own")
    reader.remarks.append(
        f"the environment runs the action server of the chart as {name}-actions: once it is available, disable the "
        "chart's with actionServer.enabled=false (docs/how-to/migrate-from-rasa-helm.md); its file system is read-only "
        "except for /tmp, and only the environment reaches it (docs/how-to/run-an-action-server.md)"
    )
    pull_secrets = reader.take("imagePullSecrets", kinds.PULL_SECRETS) or []
    resources = reader.take((*ROOT, "resources"), kinds.RESOURCES)
    port, replicas = _port(reader), _replicas(reader)
    if not reader.flag((*ROOT, "ingress", "enabled")):
        reader.unused((*ROOT, "ingress"), "it is not enabled")
    places = _places(reader, release)
    return present(
        image=_image(reader),
        imagePullPolicy=reader.take((*ROOT, "image", "pullPolicy"), kinds.PULL_POLICY),
        imagePullSecrets=[{"name": each} for each in dict.fromkeys(pull_secrets)] or None,
        port=port if port != DEFAULT_PORT else None,
        replicas=replicas if replicas != 1 else None,
        resources=resources.model_dump(by_alias=True, exclude_none=True) if resources is not None else None,
        serviceAccount=service_account(reader, places),
        podTemplate=_pod_template(reader, secrets, places) or None,
    )


def _places(reader: Reader, release: Version) -> Places:
    securities = ("containerSecurityContext", "securityContext")
    used, unused = securities if release >= CONTAINER_SECURITY_SINCE else securities[::-1]
    reader.unused((*ROOT, unused), f"this release of the chart uses {used}")
    return Places(
        root=ROOT,
        variables="additionalEnv",
        init_containers="initContainers",
        containers="additionalContainers",
        volumes="volumes",
        volume_mounts="volumeMounts",
        pod_annotations="podAnnotations",
        pod_labels=("podLabels",),
        pod_security="podSecurityContext",
        container_security=used,
        host_aliases=("hostAliases",),
        container=CONTAINER,
        pod_template="spec.actionServer.podTemplate",
    )


def _image(reader: Reader) -> str | None:
    """Return the image, which is the chart's own where the file names none."""
    repository_place, tag_place = (*ROOT, "image", "repository"), (*ROOT, "image", "tag")
    repository, tag = reader.take(repository_place, kinds.TEXT), reader.take(tag_place, kinds.TEXT)
    found = f"{repository}:{tag}"
    if repository is None or tag is None:
        reader.remarks.append("the image of the action server is not known: set spec.actionServer.image")
        return None
    if reader.given(repository_place) is None:
        reader.remarks.append(
            f"the file names no image of the action server: {found} is the chart's own, and has no actions"
        )
    try:
        return kinds.IMAGE.validate_python(found)
    except ValueError:
        reader.refuse(tag_place, "it makes no image such as registry.example.com/actions:1.4: set actionServer.image")
        return None


def _port(reader: Reader) -> int | None:
    """Return the port that the image listens on, to which the chart's Service leads."""
    place = (*ROOT, "service", "targetPort")
    if reader.given(place) == PORT_NAME:
        return reader.take((*ROOT, "service", "port"), kinds.PORT)
    return reader.take(place, kinds.PORT)


def _replicas(reader: Reader) -> int | None:
    place = (*ROOT, "autoscaling")
    if not reader.flag((*place, "enabled")):
        reader.unused(place, "it is not enabled")
        return reader.take((*ROOT, "replicaCount"), kinds.SERVERS)
    reader.unused((*ROOT, "replicaCount"), "autoscaling sets the number")
    reader.by_hand(
        (*place, "enabled"),
        "the number of the operator's action servers is fixed, and minReplicas of the chart: set "
        "spec.actionServer.replicas to what the load needs",
    )
    return reader.take((*place, "minReplicas"), kinds.SERVERS)


def _pod_template(reader: Reader, secrets: SecretValues, places: Places) -> JsonObject:
    words = present(**{field: reader.take((*ROOT, field), kinds.WORDS) or None for field in ("command", "args")})
    container = without_secrets(secrets, words, ROOT)
    variables = container.pop("env", [])
    made = pod_template(reader, secrets, places, own=(), before=variables, further={**container, **_probes(reader)})
    network = network_settings(reader)
    return {**made, "spec": {**made.get("spec", {}), **network}} if network else made


def _probes(reader: Reader) -> JsonObject:
    """Return the probes that the file sets; the operator's startup probe asks where they ask."""
    made = {name: probe for name in PROBES if (probe := _probe(reader, (*ROOT, name)))}
    request: Any = next((made[name]["httpGet"] for name in reversed(PROBES) if "httpGet" in made.get(name, {})), None)
    return {**made, **({"startupProbe": {"httpGet": request}} if request else {})}


def _probe(reader: Reader, place: Path) -> JsonObject:
    given = reader.take(place, kinds.MAPPING) or {}
    if given.get(SWITCH) is False:
        reader.unused(place, f"{SWITCH} is false: the chart writes none")
        reader.refuse((*place, SWITCH), "the operator always probes GET /health: write another probe into podTemplate")
        return {}
    reader.unused((*place, SWITCH), "a switch of the chart, which its template takes out")
    for name in given.keys() - PROBE_FIELDS - {SWITCH}:
        reader.refuse((*place, name), f"the operator's probe is a GET: write {shown((*place, 'httpGet'))}")
    made = {name: value for name, value in given.items() if name in PROBE_FIELDS and value not in (None, {}, "")}
    if "httpGet" not in made:
        return made
    request = reader.take((*place, "httpGet"), kinds.MAPPING) or {}
    for name in request.keys() - REQUEST_FIELDS:
        reader.refuse((*place, "httpGet", name), "write it into podTemplate, with no token in it")
    return {**made, "httpGet": {name: value for name, value in request.items() if name in REQUEST_FIELDS}}
