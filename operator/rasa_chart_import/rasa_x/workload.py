"""The Rasa servers: image, arguments, variables and scheduling of their pods."""

from __future__ import annotations

from rasa_chart_import import kinds
from rasa_chart_import.chart_facts import version_of
from rasa_chart_import.command_lines import extra_arguments
from rasa_chart_import.findings import Path
from rasa_chart_import.names import Names
from rasa_chart_import.pods import (
    CONTAINER,
    additional_containers,
    dns_policy,
    named_items,
    pod_labels,
    pod_security_context,
)
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues
from rasa_chart_import.variables import extra_variables
from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.context import DEFAULT_PORT
from rasa_environments.desired.entries import present
from rasa_environments.desired.profiles import PROFILES

SCHEME = "http"
"""The scheme of the chart's services, in its templates before 1.7.9, by default since."""
VENDOR_IMAGE = "rasa/rasa"
FULL = "-full"
NEWEST = 1_000_000
"""A number that no release reaches."""
COMPONENT_LABEL = "app.kubernetes.io/component"


def rasa(reader: Reader, profile: Profile) -> JsonObject:
    """Return `rasa`, which all environments share."""
    arguments, origins = extra_arguments(reader, ("rasa", "extraArgs"))
    debug = reader.take("debugMode", kinds.TEXT_OR_FLAG)
    if debug is False:
        reader.unused("debugMode", "it is off")
    pull_secrets = reader.take("images.imagePullSecrets", kinds.PULL_SECRETS)
    policy = reader.take("images.pullPolicy", kinds.TEXT)
    if policy not in (None, "Always", "IfNotPresent", "Never"):
        reader.refuse("images.pullPolicy", "it must be Always, IfNotPresent or Never")
        policy = None
    port = reader.take("rasa.port", kinds.PORT)
    return present(
        **image(reader, profile),
        imagePullPolicy=policy,
        imagePullSecrets=[{"name": name} for name in dict.fromkeys(pull_secrets or [])] or None,
        port=port if port != DEFAULT_PORT else None,
        corsOrigins=origins or None,
        logLevel="Debug" if debug else None,
        extraArgs=arguments or None,
    )


def release(reader: Reader) -> tuple[int, ...]:
    """Return the version of Rasa; the newest where the file's tag names none."""
    tag = reader.take("rasa.tag", kinds.TEXT) or reader.take("rasa.version", kinds.TEXT) or ""
    return version_of(tag) or (NEWEST,)


def image(reader: Reader, profile: Profile) -> JsonObject:
    """Return `rasa.version` if the vendor's image of that version fits, else `rasa.image`."""
    name = reader.take("rasa.name", kinds.TEXT) or VENDOR_IMAGE
    tag, version = reader.take("rasa.tag", kinds.TEXT), reader.take("rasa.version", kinds.TEXT)
    given = any(reader.given(path) is not None for path in ("rasa.tag", "rasa.version"))
    if version is not None and reader.given("rasa.version") is not None and reader.given("rasa.tag") is None:
        tag = None
    if tag is not None:
        reader.unused("rasa.version", "rasa.tag names the image")
    if tag is None and version is None:
        reader.remarks.append("set spec.defaults.rasa.version of the ModelServer to what the pods run now")
        return {}
    if not given:
        reader.remarks.append(
            f"the file names no version of Rasa: {tag or version} is the chart's own in this release; compare with the "
            "pods that run"
        )
    tag = tag or f"{version}{FULL}"
    number = tag.removesuffix(FULL)
    major = (version_of(number) or (0,))[0]
    if major and major not in PROFILES[profile].majors:
        reader.remarks.append(
            f"Rasa {number} runs with the command line of the profile {profile}, as it did in the chart; the profile "
            f"is proven with Rasa {PROFILES[profile].example}"
        )
    if name == VENDOR_IMAGE and tag.endswith(FULL) and major in PROFILES[profile].majors:
        try:
            return {"version": kinds.VERSION.validate_python(number)}
        except ValueError:
            pass
    try:
        return {"image": kinds.IMAGE.validate_python(f"{name}:{tag}")}
    except ValueError:
        for path in ("rasa.name", "rasa.tag", "rasa.version"):
            reader.refuse(path, "name and tag make no image such as rasa/rasa:3.6.21-full: set spec.defaults.rasa")
        return {}


def shared_pod_template(reader: Reader, names: Names, secrets: SecretValues) -> JsonObject:
    """Return the `podTemplate` of all environments."""
    labels = pod_labels(reader, ("rasa", "podLabels"))
    annotations = reader.take("rasa.podAnnotations", kinds.TEXTS) or {}
    mounted = reader.take("rasa.automountServiceAccountToken", kinds.FLAG)
    if mounted is False:
        reader.unused("rasa.automountServiceAccountToken", "the operator mounts none")
    container = present(
        env=[*duckling(reader, names), *extra_variables(reader, secrets, ("rasa", "extraEnvs"))] or None,
        volumeMounts=named_items(reader, ("rasa", "extraVolumeMounts"), "mountPath") or None,
    )
    containers = [{"name": CONTAINER, **container}] if container else []
    containers += additional_containers(reader, secrets, ("rasa", "additionalContainers"))
    pod = present(
        tolerations=reader.take("rasa.tolerations", kinds.OBJECTS),
        nodeSelector=reader.take("rasa.nodeSelector", kinds.LABELS),
        automountServiceAccountToken=mounted or None,
        securityContext=pod_security_context(reader, ("securityContext",)),
        hostNetwork=reader.take("hostNetwork", kinds.FLAG) or None,
        dnsPolicy=dns_policy(reader),
        dnsConfig=reader.take("dnsConfig", kinds.MAPPING) or None,
        volumes=named_items(reader, ("rasa", "extraVolumes"), "name") or None,
        containers=containers or None,
    )
    return present(metadata=present(labels=labels or None, annotations=annotations or None) or None, spec=pod or None)


def shared_service(reader: Reader) -> JsonObject | None:
    """Return the `service` of all environments."""
    annotations = reader.take("rasa.service.annotations", kinds.TEXTS)
    return {"annotations": annotations} if annotations else None


def duckling(reader: Reader, names: Names) -> list[JsonObject]:
    """Return RASA_DUCKLING_HTTP_URL, as the chart sets it."""
    own = ("duckling.scheme", "duckling.port")
    url = reader.take("duckling.existingUrl", kinds.URL)
    if url is None and reader.take("duckling.enabled", kinds.FLAG) is False:
        for path in own:
            reader.unused(path, "duckling.enabled is false")
        return []
    if url is None:
        scheme, port = reader.take(own[0], kinds.TEXT) or SCHEME, reader.take(own[1], kinds.PORT)
        if port is None:
            return []
        try:
            url = kinds.URL.validate_python(f"{scheme}://{names.service('duckling')}:{port}")
        except ValueError:
            for path in own:
                if reader.given(path) is not None:
                    reader.refuse(path, "Duckling has no address such as http://host:8000 then")
            return []
    return [{"name": "RASA_DUCKLING_HTTP_URL", "value": url}]


def own_pod_template(reader: Reader, place: Path, *, component: str | None) -> JsonObject:
    """Return the `podTemplate` of one environment: node selector, volumes, mounts and the chart's own label."""
    mounts = named_items(reader, (*place, "extraVolumeMounts"), "mountPath")
    volumes = named_items(reader, (*place, "extraVolumes"), "name")
    pod = present(
        nodeSelector=reader.take((*place, "nodeSelector"), kinds.LABELS),
        volumes=volumes or None,
        containers=[{"name": "rasa", "volumeMounts": mounts}] if mounts else None,
    )
    labels = {COMPONENT_LABEL: component} if component is not None else None
    return present(metadata={"labels": labels} if labels else None, spec=pod or None)
