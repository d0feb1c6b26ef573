"""The resources for the values of a release of the chart rasa, for open-source Rasa."""

from __future__ import annotations

from rasa_chart_import import free_form, kinds
from rasa_chart_import.findings import path_of
from rasa_chart_import.images import image
from rasa_chart_import.model_addresses import BASE, ModelAddress, taken_apart
from rasa_chart_import.names import Names, taken_full_name
from rasa_chart_import.open_source.chart import (
    ACTION_SERVER_PORT,
    CHANNELS,
    DEFAULTS,
    DUCKLING_PORT,
    ENDPOINTS,
    FACTS,
    HARMLESS,
    MARKERS,
    SETTINGS,
    STORES,
)
from rasa_chart_import.open_source.connections import connections
from rasa_chart_import.open_source.mapping import TABLE
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues, reference
from rasa_chart_import.single_server import Places, environment_name, rasa, usable_ingress, workload
from rasa_chart_import.sources import HelmRelease, Made, Source, SourceName
from rasa_chart_import.variables import OWN_VARIABLES
from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.context import DEFAULT_PORT
from rasa_environments.desired.entries import present

PLACES = Places(
    root=(),
    variables="extraEnv",
    init_containers="initContainers",
    containers="extraContainers",
    volumes="volumes",
    volume_mounts="volumeMounts",
    pod_annotations="podAnnotations",
    pod_labels=("podLabels",),
    pod_security="podSecurityContext",
    container_security="securityContext",
    host_aliases=("hostAliases",),
)
MODEL_SERVER = "default"
PRODUCTION = "production"


def make(reader: Reader, helm: HelmRelease) -> Made:
    """Return the resources for the values of a release."""
    whole = taken_full_name(reader, helm.name, "rasa")
    by_rasa_x = reader.flag((*SETTINGS, "rasaX", "enabled"))
    key = "rasa-x-token" if by_rasa_x and _pulls_from_rasa_x(reader) else "model-server-token"
    names = Names(helm.name, helm.namespace, whole, whole, key)
    secrets = SecretValues(names)
    address, profile = models(reader, names, secrets, by_rasa_x=by_rasa_x)
    by_file = address is not None and not _pulls(reader, by_rasa_x=by_rasa_x)
    environment = PRODUCTION if address is None or by_file else address.tag
    name = environment_name(environment, helm.name)
    spec = {
        **present(
            environment=environment if environment != name else None,
            tag=address.tag if address is not None and by_file and address.tag != environment else None,
        ),
        **environment_spec(reader, names, secrets, helm),
    }
    resources = [] if address is None else [model_server(address, profile, names, with_credentials=not by_file)]
    if address is None:
        reader.remarks.append(
            f"the file names no model server: create ModelServer {MODEL_SERVER}, and tag a model {environment} there "
            "(docs/how-to/serve-models-from-plain-files.md, store-models-in-a-bucket.md)"
        )
    resources.append(
        {
            "apiVersion": API_VERSION,
            "kind": "DeploymentEnvironment",
            "metadata": {"name": name, "namespace": names.namespace},
            "spec": spec,
        }
    )
    wanted = ("token", "username", "password") if profile is Profile.RASA_ENTERPRISE_1_0 else ("token",)
    return Made(resources, secrets, names, wanted if address is not None and not by_file else ())


def model_server(address: ModelAddress, profile: Profile, names: Names, *, with_credentials: bool) -> JsonObject:
    """Return the ModelServer that the chart's servers pull from; a plain file needs no credentials."""
    spec = present(
        url=address.url,
        profile=profile.value,
        project=address.project,
        modelPath=address.model_path,
        credentialsSecretRef={"name": names.credentials} if with_credentials else None,
    )
    metadata = {"name": MODEL_SERVER, "namespace": names.namespace}
    return {"apiVersion": API_VERSION, "kind": "ModelServer", "metadata": metadata, "spec": spec}


def models(
    reader: Reader, names: Names, secrets: SecretValues, *, by_rasa_x: bool
) -> tuple[ModelAddress | None, Profile]:
    """Return where the servers pull their model from, in the order of the chart's templates."""
    place = (*STORES, "models")
    rasa_x = reader.take((*SETTINGS, "rasaX", "url"), BASE) if by_rasa_x else None
    tag = reader.take((*place, "useRasaXasModelServer", "tag"), kinds.TAG) or PRODUCTION
    if rasa_x is not None and _pulls_from_rasa_x(reader):
        reader.unused((*place, "url"), "Rasa X is the model server")
        _keep(reader, secrets, (*SETTINGS, "rasaX", "token"), names)
        return ModelAddress(rasa_x.rstrip("/"), tag), Profile.RASA_ENTERPRISE_1_0
    reader.unused((*place, "useRasaXasModelServer"), "it is not enabled, or Rasa X has no url")
    if reader.flag((*place, "enabled")):
        address = _address(reader, (*place, "url"))
        _keep(reader, secrets, (*place, "token"), names)
        reader.unused((*SETTINGS, "initialModel"), "the servers pull from applicationSettings.endpoints.models")
        is_rasa_x = address is not None and rasa_x is not None and address.url == rasa_x.rstrip("/")
        if is_rasa_x:
            reader.mapped((*SETTINGS, "rasaX", "url"), "ModelServer: spec.url, profile RasaEnterprise-1.0")
            reader.unused((*SETTINGS, "rasaX", "token"), "the token in endpoints.models is used")
        return address, Profile.RASA_ENTERPRISE_1_0 if is_rasa_x else Profile.OPEN_SOURCE
    for key in ("url", "token"):
        reader.unused((*place, key), "applicationSettings.endpoints.models.enabled is false")
    return _address(reader, (*SETTINGS, "initialModel")), Profile.OPEN_SOURCE


def _pulls(reader: Reader, *, by_rasa_x: bool) -> bool:
    """Return whether the servers pull their model, rather than start with `initialModel`."""
    from_rasa_x = by_rasa_x and reader.given((*SETTINGS, "rasaX", "url")) is not None and _pulls_from_rasa_x(reader)
    return from_rasa_x or reader.flag((*STORES, "models", "enabled"))


def _pulls_from_rasa_x(reader: Reader) -> bool:
    """Return whether the servers pull from Rasa X, if there is one."""
    through = reader.flag((*STORES, "models", "useRasaXasModelServer", "enabled"))
    return through or reader.flag((*SETTINGS, "rasaX", "useConfigEndpoint"))


def _address(reader: Reader, place: tuple[str, ...]) -> ModelAddress | None:
    given = reader.take(place, kinds.TEXT)
    if given is None:
        return None
    found = taken_apart(given)
    if found is None:
        reader.refuse(place, "a ModelServer takes an http(s) URL with a path, and no user name or query")
    return found


def _keep(reader: Reader, secrets: SecretValues, place: tuple[str, ...], names: Names) -> None:
    token = reader.take(place, kinds.TEXT)
    if token is not None:
        secrets.keep(names.credentials, "token", token)


def environment_spec(reader: Reader, names: Names, secrets: SecretValues, helm: HelmRelease) -> JsonObject:
    """Return the spec of the environment."""
    stores, entries = connections(reader, names, secrets, helm.chart or FACTS.last)
    reader.referred((*SETTINGS, "token"), names.secret, "rasa-token")
    has_jwt = reader.given((*SETTINGS, "rasaX", "jwtSecret")) is not None
    if has_jwt:
        reader.referred((*SETTINGS, "rasaX", "jwtSecret"), names.secret, "jwt-secret")
    made = rasa(reader, PLACES, arguments="extraArgs", cors=(*SETTINGS, "cors"))
    port = reader.take((*SETTINGS, "port"), kinds.PORT)
    pulls = reader.take((*STORES, "models", "waitTimeBetweenPulls"), kinds.SECONDS)
    channels = None
    if reader.flag((*SETTINGS, "credentials", "enabled")):
        channels = free_form.channels(reader, secrets, CHANNELS, "spec")
    else:
        reader.unused(CHANNELS, "applicationSettings.credentials.enabled is false")
    endpoints = {**(free_form.endpoints(reader, secrets, ENDPOINTS, spec="spec") or {}), **entries}
    return present(
        rasa={
            **image(reader, {"registry": path_of("registry"), **{key: ("image", key) for key in IMAGE}}),
            **present(
                imagePullPolicy=reader.take("image.pullPolicy", kinds.PULL_POLICY),
                imagePullSecrets=_pull_secrets(reader),
                port=port if port != DEFAULT_PORT else None,
                logLevel="Debug" if reader.flag((*SETTINGS, "debugMode")) else None,
                **made,
            ),
        },
        model={"pullPeriodSeconds": pulls} if pulls is not None else None,
        authToken=reference(names.secret, "rasa-token"),
        jwt={"key": reference(names.secret, "jwt-secret")} if has_jwt else None,
        **stores,
        actionEndpoint=action_endpoint(reader, names),
        endpoints=endpoints or None,
        channels=channels,
        ingress=ingress(reader),
        **workload(reader, secrets, PLACES, own=OWN_VARIABLES, before=duckling(reader, names)),
    )


IMAGE = ("name", "tag", "repository")


def _pull_secrets(reader: Reader) -> list[JsonObject] | None:
    found = reader.take("image.pullSecrets", kinds.PULL_SECRETS)
    return [{"name": name} for name in dict.fromkeys(found)] if found else None


def action_endpoint(reader: Reader, names: Names) -> JsonObject | None:
    """Return `actionEndpoint`: the chart's own action server, or another one."""
    root = ("rasa-action-server",)
    external = reader.flag((*root, "external", "enabled"))
    if not reader.flag((*root, "install")) and external:
        url = reader.take((*root, "external", "url"), kinds.URL)
        return {"url": url} if url is not None else None
    if not reader.flag((*root, "install")):
        for key in (("install",), ("external",)):
            reader.unused((*root, *key), "no action server is installed, and none named")
        reader.unused((*STORES, "action"), "there is no action server")
        return None
    scheme = reader.take((*root, "applicationSettings", "scheme"), kinds.TEXT) or "http"
    port = reader.take((*root, "service", "port"), kinds.PORT) or ACTION_SERVER_PORT
    webhook = reader.take((*STORES, "action", "endpointURL"), kinds.TEXT) or "/webhook"
    try:
        return {"url": kinds.URL.validate_python(f"{scheme}://{names.service('rasa-action-server')}:{port}{webhook}")}
    except ValueError:
        for place in ((*STORES, "action", "endpointURL"), (*root, "applicationSettings", "scheme")):
            if reader.given(place) is not None:
                reader.refuse(place, "the action server has no address then")
        return None


def duckling(reader: Reader, names: Names) -> list[JsonObject]:
    """Return RASA_DUCKLING_HTTP_URL, as the chart sets it."""
    root = ("duckling",)
    if reader.flag((*root, "install")):
        scheme = reader.take((*root, "applicationSettings", "scheme"), kinds.TEXT) or "http"
        port = reader.take((*root, "service", "port"), kinds.PORT) or DUCKLING_PORT
        url: str | None = f"{scheme}://{names.service('duckling')}:{port}"
    elif reader.flag((*root, "external", "enabled")):
        url = reader.take((*root, "external", "url"), kinds.URL)
    else:
        reader.unused(root, "it is not installed")
        url = None
    return [{"name": "RASA_DUCKLING_HTTP_URL", "value": url}] if url is not None else []


def ingress(reader: Reader) -> JsonObject | None:
    """Return `ingress`."""
    if not reader.flag("ingress.enabled"):
        reader.unused("ingress", "it is not enabled")
        return None
    host = reader.take("ingress.hostname", kinds.INGRESS_HOST)
    if host is None:
        return None
    path = present(path=reader.take("ingress.path", kinds.TEXT), pathType=reader.take("ingress.pathType", kinds.TEXT))
    tls = [
        present(hosts=entry.get("hosts") or [host], secretName=entry.get("secretName"))
        for entry in reader.take("ingress.tls", kinds.OBJECTS) or []
    ]
    made = present(
        hosts=[{"host": host, "paths": [path]}],
        tls=tls or None,
        annotations=reader.take("ingress.annotations", kinds.TEXTS) or None,
    )
    return usable_ingress(reader, ("ingress",), made, "host and path")


SOURCE = Source(
    name=SourceName.RASA,
    title="the Helm chart rasa for open-source Rasa (RasaHQ/helm-charts, 1.x)",
    table=TABLE,
    make=make,
    markers=MARKERS,
    facts=FACTS,
    assumed_release=FACTS.last,
    assumed=DEFAULTS,
    harmless=HARMLESS,
    free_form=(CHANNELS, ENDPOINTS, *((*STORES, store) for store in ("trackerStore", "lockStore", "eventBroker"))),
    texts=(CHANNELS,),
)
