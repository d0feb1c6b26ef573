"""The resources for the values of a release of the chart rasa, for Rasa Pro."""

from __future__ import annotations

from dataclasses import replace

from rasa_chart_import import kinds
from rasa_chart_import.chart_facts import Version
from rasa_chart_import.findings import Path
from rasa_chart_import.images import image
from rasa_chart_import.model_addresses import ModelAddress, taken_apart
from rasa_chart_import.names import Names, taken_full_name
from rasa_chart_import.pods import mappings, network_settings
from rasa_chart_import.rasa_pro import action_server
from rasa_chart_import.rasa_pro.chart import (
    CHANNELS,
    DEFAULTS,
    ENDPOINTS,
    FACTS,
    FREE_FORM_SINCE,
    HARMLESS,
    MARKERS,
    RASA,
    RAW_CHANNELS,
    RAW_ENDPOINTS,
    SETTINGS,
)
from rasa_chart_import.rasa_pro.files import Files, files
from rasa_chart_import.rasa_pro.mapping import TABLE
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues, reference
from rasa_chart_import.single_server import Places, environment_name, rasa, usable_ingress, workload
from rasa_chart_import.sources import HelmRelease, Made, Source, SourceName
from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.context import DEFAULT_PORT
from rasa_environments.desired.entries import present

PLACES = Places(
    root=RASA,
    variables="additionalEnv",
    init_containers="initContainers",
    containers="additionalContainers",
    volumes="volumes",
    volume_mounts="volumeMounts",
    pod_annotations="podAnnotations",
    pod_labels=("podLabels",),
    pod_security="podSecurityContext",
    container_security="containerSecurityContext",
    host_aliases=("hostAliases",),
)
OWN_VARIABLES = frozenset(
    {"AUTH_TOKEN", "JWT_SECRET", "JWT_METHOD", "RASA_LICENSE", "RASA_PRO_LICENSE", "RASA_ENVIRONMENT", "LOG_LEVEL"}
    | {"SANIC_WORKERS"}
)
"""Variables that the chart sets, and that are set here from fields of their own."""
"""Rasa Pro reads the first; releases before 3.13 read the second."""
LOG_LEVELS = {"critical": "Critical", "error": "Error", "warning": "Warning", "info": None, "debug": "Debug"}
MODEL_SERVER = "default"


def make(reader: Reader, helm: HelmRelease) -> Made:
    """Return the resources for the values of a release."""
    whole = taken_full_name(reader, helm.name, "rasa")
    names = Names(helm.name, helm.namespace, whole, whole)
    secrets = SecretValues(names)
    if reader.take((*RASA, "enabled"), kinds.FLAG) is False:
        reader.unused(RASA, "rasa.enabled is false: the chart runs no Rasa server, and no environment is made")
        reader.mapped((*RASA, "enabled"), "no environment is made")
        action_server.leave(reader, "no environment is made")
        return Made((), secrets, names, ())
    found = files(reader, secrets, free_form_files=(helm.chart or FACTS.last) >= FREE_FORM_SINCE)
    address = _address(reader, found)
    environment = reader.take((*SETTINGS, "environment"), kinds.TAG) or "development"
    name = environment_name(environment, helm.name)
    variables = _duckling(reader, names)
    found, actions = _actions(reader, names, secrets, found, name, helm.chart or FACTS.last)
    spec = present(
        environment=environment if environment != name else None,
        tag=address.tag if address is not None and address.tag != environment else None,
    ) | _spec(reader, secrets, found, variables)
    spec |= present(actionServer=actions)
    profile = Profile.OPEN_SOURCE if is_open_source(reader) else Profile.RASA_PRO
    resources = [] if address is None else [_model_server(address, found, names, secrets, profile)]
    if address is None:
        reader.remarks.append(
            f"the file names no model server: create ModelServer {MODEL_SERVER} with profile {profile}, and "
            f"tag a model {environment} there (docs/how-to/serve-models-from-plain-files.md or "
            "store-models-in-a-bucket.md)"
        )
    metadata = {"name": name, "namespace": names.namespace}
    resources.append({"apiVersion": API_VERSION, "kind": "DeploymentEnvironment", "metadata": metadata, "spec": spec})
    has_token = address is not None and found.token is not None
    return Made(resources, secrets, names, ("token",) if has_token else ())


def _actions(
    reader: Reader, names: Names, secrets: SecretValues, found: Files, name: str, release: Version
) -> tuple[Files, JsonObject | None]:
    """Return the files without `action_endpoint`, and `actionServer`; the files as they are where it stays behind."""
    if not (
        action_server.is_on(reader)
        and action_server.fits(reader, name)
        and action_server.is_called(reader, found.endpoints, names, release)
    ):
        return found, None
    endpoints = {key: entry for key, entry in (found.endpoints or {}).items() if key != action_server.ENTRY}
    made = action_server.action_server(reader, secrets, release, name)
    return replace(found, endpoints=endpoints or None), made


def _address(reader: Reader, found: Files) -> ModelAddress | None:
    if found.models_url is None:
        return None
    address = taken_apart(found.models_url)
    if address is None:
        reader.refuse(
            (*found.models, "url"), "a ModelServer takes an http(s) URL with a path, and no user name or query"
        )
    return address


def is_open_source(reader: Reader) -> bool:
    """Return whether the chart runs open-source Rasa, as it could before 2.0, which has no licence."""
    place = (*RASA, "deployOSS")
    if reader.take(place, kinds.FLAG) is not True:
        return False
    reader.mapped(place, "no spec.rasa.license, and the profile OpenSource")
    for name in ("rasaProLicense", "rasaProLicence"):
        reader.unused(name, "rasa.deployOSS is true: open-source Rasa has no licence")
    return True


def _model_server(
    address: ModelAddress, found: Files, names: Names, secrets: SecretValues, profile: Profile
) -> JsonObject:
    if isinstance(found.token, str):
        secrets.keep(names.credentials, "token", found.token)
    spec = present(
        url=address.url,
        profile=profile.value,
        project=address.project,
        modelPath=address.model_path,
        credentialsSecretRef={"name": names.credentials} if found.token is not None else None,
    )
    metadata = {"name": MODEL_SERVER, "namespace": names.namespace}
    return {"apiVersion": API_VERSION, "kind": "ModelServer", "metadata": metadata, "spec": spec}


def _spec(reader: Reader, secrets: SecretValues, found: Files, variables: list[JsonObject]) -> JsonObject:
    port = reader.take((*SETTINGS, "port"), kinds.PORT)
    made = rasa(reader, PLACES, arguments="additionalArgs", cors=(*SETTINGS, "cors"))
    pull_secrets = reader.take("imagePullSecrets", kinds.PULL_SECRETS) or []
    jwt = _reference(reader, (*SETTINGS, "jwtSecret"))
    method = reader.take((*SETTINGS, "jwtMethod"), kinds.JWT_METHOD)
    oss = is_open_source(reader)
    license_key = None if oss else _reference(reader, ("rasaProLicense",)) or _reference(reader, ("rasaProLicence",))
    return present(
        rasa={
            **image(reader, {"tag": (*RASA, "image", "tag"), "repository": (*RASA, "image", "repository")}),
            **present(
                license=license_key,
                imagePullPolicy=reader.take((*RASA, "image", "pullPolicy"), kinds.PULL_POLICY),
                imagePullSecrets=[{"name": name} for name in dict.fromkeys(pull_secrets)] or None,
                port=port if port != DEFAULT_PORT else None,
                logLevel=_log_level(reader),
                **made,
            ),
        },
        model={"pullPeriodSeconds": found.pull_seconds} if found.pull_seconds is not None else None,
        authToken=_reference(reader, (*SETTINGS, "authToken")),
        jwt=present(key=jwt, method=method if method != "HS256" else None) if jwt is not None else None,
        endpoints=found.endpoints,
        channels=found.channels,
        ingress=_ingress(reader),
    ) | _workload(reader, secrets, variables)


def _workload(reader: Reader, secrets: SecretValues, before: list[JsonObject]) -> JsonObject:
    made = workload(reader, secrets, PLACES, own=OWN_VARIABLES, before=before)
    if pod := network_settings(reader):
        template = made.setdefault("podTemplate", {})
        template["spec"] = {**template.get("spec", {}), **pod}
    return made


def _reference(reader: Reader, place: Path) -> JsonObject | None:
    """Return a reference to the Secret and key that a value names."""
    name, key = reader.take((*place, "secretName"), kinds.NAME), reader.take((*place, "secretKey"), kinds.KEY)
    return reference(name, key) if name is not None and key is not None else None


def _duckling(reader: Reader, names: Names) -> list[JsonObject]:
    """Return RASA_DUCKLING_HTTP_URL, as the chart sets it."""
    url = reader.take((*SETTINGS, "ducklingHttpUrl"), kinds.URL)
    if url is None and reader.flag("duckling.enabled"):
        scheme = reader.take("duckling.settings.scheme", kinds.TEXT)
        port = reader.take("duckling.service.port", kinds.PORT)
        url = f"{scheme}://{names.service('duckling')}:{port}"
    else:
        for path in ("nameOverride", "fullnameOverride"):
            reader.unused(path, "no address in the output has the chart's names")
    return [{"name": "RASA_DUCKLING_HTTP_URL", "value": url}] if url is not None else []


def _log_level(reader: Reader) -> str | None:
    place = (*SETTINGS, "logging", "logLevel")
    given = reader.take(place, kinds.TEXT) or "info"
    if given.lower() not in LOG_LEVELS:
        reader.refuse(place, f"it must be one of {', '.join(LOG_LEVELS)}")
    return "Debug" if reader.flag((*SETTINGS, "debugMode")) else LOG_LEVELS.get(given.lower())


def _ingress(reader: Reader) -> JsonObject | None:
    place = (*RASA, "ingress")
    if not reader.flag((*place, "enabled")):
        reader.unused(place, "it is not enabled")
        return None
    instead = reader.take("global.ingressHost", kinds.INGRESS_HOST)
    hosts = []
    for entry in reader.take((*place, "hosts"), kinds.OBJECTS) or []:
        paths = [present(path=path.get("path"), pathType=path.get("pathType")) for path in mappings(entry.get("paths"))]
        hosts.append(present(host=instead or entry.get("host"), paths=paths or None))
        if entry.get("extraPaths"):
            reader.partly((*place, "hosts"), "carried over without extraPaths: write an Ingress for the other services")
    names = [host["host"] for host in hosts if "host" in host]
    tls = [
        present(
            hosts=entry.get("hosts") or names,
            secretName=entry.get("secretName"),
        )
        for entry in reader.take((*place, "tls"), kinds.OBJECTS) or []
    ]
    made = present(
        hosts=hosts,
        tls=tls or None,
        className=reader.take((*place, "className"), kinds.NAME),
        annotations=reader.take((*place, "annotations"), kinds.TEXTS) or None,
    )
    return usable_ingress(reader, place, made, "hosts and paths")


SOURCE = Source(
    name=SourceName.RASA_PRO,
    title="the Helm chart rasa for Rasa Pro (RasaHQ/rasa-helm-charts)",
    table=TABLE,
    make=make,
    markers=MARKERS,
    facts=FACTS,
    assumed_release=FACTS.last,
    assumed=DEFAULTS,
    harmless=HARMLESS,
    free_form=(CHANNELS, ENDPOINTS, RAW_CHANNELS, RAW_ENDPOINTS),
    texts=(RAW_CHANNELS, RAW_ENDPOINTS),
)
