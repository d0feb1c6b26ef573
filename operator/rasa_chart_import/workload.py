"""The Rasa servers: image, arguments, variables and scheduling of their pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_chart_import import kinds
from rasa_chart_import.chart import Names, Release, version_of
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Kind, Reader
from rasa_chart_import.secret_values import SecretValues, looks_secret, text_of
from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.context import DEFAULT_PORT
from rasa_environments.desired.entries import present
from rasa_environments.desired.profiles import PROFILES

VENDOR_IMAGE = "rasa/rasa"
FULL = "-full"
SELECTOR_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance")
"""Labels by which the environment's Service selects pods."""
OWN_VARIABLES = frozenset(
    {
        "RASA_ENVIRONMENT",
        "RASA_MODEL_SERVER",
        "RASA_TOKEN",
        "RASA_X_HOST",
        "RASA_X_TOKEN",
        "JWT_SECRET",
        "DB_DATABASE",
        "DB_PASSWORD",
        "RABBITMQ_PASSWORD",
        "RABBITMQ_QUEUE",
        "REDIS_PASSWORD",
    }
)
"""Variables that the chart sets, and that the operator sets from typed fields."""
OWN_ARGUMENTS = ("x", "run", "--no-prompt", "--production", "--enable-api")


def rasa(reader: Reader, profile: Profile, release: Release) -> JsonObject:
    """Return `rasa`, which all environments share."""
    arguments, origins = extra_arguments(reader)
    debug = reader.take("debugMode", kinds.FLAG)
    if debug is False:
        reader.unused("debugMode", "it is off")
    pull_secrets = reader.take("images.imagePullSecrets", kinds.PULL_SECRETS)
    policy = reader.take("images.pullPolicy", kinds.TEXT)
    if policy not in (None, "Always", "IfNotPresent", "Never"):
        reader.refuse("images.pullPolicy", "it must be Always, IfNotPresent or Never")
        policy = None
    port = reader.take("rasa.port", kinds.PORT)
    return present(
        **image(reader, profile, release),
        imagePullPolicy=policy,
        imagePullSecrets=[{"name": name} for name in dict.fromkeys(pull_secrets or [])] or None,
        port=port if port != DEFAULT_PORT else None,
        corsOrigins=origins or None,
        logLevel="Debug" if debug else None,
        extraArgs=arguments or None,
    )


def image(reader: Reader, profile: Profile, release: Release) -> JsonObject:
    """Return `rasa.version` if the vendor's image of that version fits, else `rasa.image`."""
    name = reader.take("rasa.name", kinds.TEXT) or VENDOR_IMAGE
    tag, version = reader.take("rasa.tag", kinds.TEXT), reader.take("rasa.version", kinds.TEXT)
    if tag is not None:
        reader.unused("rasa.version", "rasa.tag names the image")
    elif version is None and release.rasa is not None:
        version = release.rasa
        reader.remarks.append(
            f"rasa.version is not in the file: {version} is the chart's own; compare with the pods that run"
        )
    if tag is None and version is None:
        reader.remarks.append(
            "rasa.version and rasa.tag are not in the file, and what this release of the chart runs then is not known: "
            "set spec.defaults.rasa.version of the ModelServer to what the pods run now"
        )
        return {}
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


def extra_arguments(reader: Reader) -> tuple[list[str], list[str]]:
    """Return `extraArgs` and `corsOrigins`, without the arguments that the operator sets itself."""
    given = reader.take("rasa.extraArgs", kinds.ITEMS) or []
    kept: list[str] = []
    left_out: list[str] = []
    origins: list[str] = []
    words = [text_of(word) for word in given]
    position = 0
    while position < len(words):
        name, equals, value = words[position].partition("=")
        follows = words[position + 1] if position + 1 < len(words) and not words[position + 1].startswith("-") else None
        taken = 1 if equals or follows is None or not name.startswith("-") else 2
        pair, value = words[position : position + taken], value if equals else (follows or "")
        position += taken
        if name == "--cors" and value:
            while position < len(words) and not equals and not words[position].startswith("-"):
                value, position = f"{value} {words[position]}", position + 1
            origins = [origin for origin in dict.fromkeys(value.split()) if _fits(kinds.ORIGIN, origin)][:64]
        elif name in OWN_ARGUMENTS:
            continue
        elif looks_secret(name, value) or not all(_fits(kinds.ARGUMENT, word) for word in pair):
            left_out.append(name if name.startswith("--") else "one of its words")
        else:
            kept += pair
    if left_out or len(kept) > 64:
        reader.by_hand(
            "rasa.extraArgs",
            f"carried over without {', '.join(dict.fromkeys(left_out)) or 'those after the 64th'}: the operator sets "
            "these itself, or they look like secrets; put a secret into a variable of spec.podTemplate",
        )
    return kept[:64], origins


def _fits(kind: Kind[str], word: str) -> bool:
    try:
        kind.validate_python(word)
    except ValueError:
        return False
    return True


def shared_pod_template(reader: Reader, names: Names, secrets: SecretValues) -> JsonObject:
    """Return the `podTemplate` of all environments."""
    labels = reader.take("rasa.podLabels", kinds.LABELS) or {}
    if any(label in labels for label in SELECTOR_LABELS):
        reader.by_hand("rasa.podLabels", f"carried over without {' and '.join(SELECTOR_LABELS)}, which select the pods")
    labels = {name: value for name, value in labels.items() if name not in SELECTOR_LABELS}
    tolerations = reader.take("rasa.tolerations", kinds.OBJECTS)
    mounted = reader.take("rasa.automountServiceAccountToken", kinds.FLAG)
    if mounted is False:
        reader.unused("rasa.automountServiceAccountToken", "the operator mounts none")
    environment = [*duckling(reader, names), *extra_variables(reader, secrets)]
    pod = present(
        tolerations=tolerations,
        automountServiceAccountToken=mounted or None,
        securityContext=security_context(reader),
        containers=[{"name": "rasa", "env": environment}] if environment else None,
    )
    return present(metadata={"labels": labels} if labels else None, spec=pod or None)


def security_context(reader: Reader) -> JsonObject | None:
    """Return the pod's securityContext, as far as the file sets it."""
    given = reader.take("securityContext", kinds.MAPPING) or {}
    if text_of(given.get("runAsUser")) == "0" or given.get("runAsNonRoot") is False:
        reader.refuse("securityContext", "the pods must not run as root (Pod Security level restricted)")
        return None
    return {name: value for name, value in given.items() if value is not None} or None


def duckling(reader: Reader, names: Names) -> list[JsonObject]:
    """Return RASA_DUCKLING_HTTP_URL, as the chart sets it."""
    own = ("duckling.scheme", "duckling.port")
    url = reader.take("duckling.existingUrl", kinds.URL)
    if url is None and reader.take("duckling.enabled", kinds.FLAG) is False:
        for path in own:
            reader.unused(path, "duckling.enabled is false")
        return []
    if url is None:
        scheme, port = reader.take(own[0], kinds.TEXT), reader.take(own[1], kinds.PORT)
        if scheme is None or port is None:
            return []
        try:
            url = kinds.URL.validate_python(f"{scheme}://{names.service('duckling')}:{port}")
        except ValueError:
            reader.refuse(own[0], "with it Duckling has no address such as http://host:8000")
            return []
    return [{"name": "RASA_DUCKLING_HTTP_URL", "value": url}]


def extra_variables(reader: Reader, secrets: SecretValues) -> list[JsonObject]:
    """Return variables of the container; a value that looks like a secret becomes a reference."""
    place = ("rasa", "extraEnvs")
    items = reader.take(place, kinds.OBJECTS) or []
    made: dict[str, JsonObject] = {}
    left_out: list[str] = []
    for item in items:
        name = text_of(item.get("name"))
        if name in OWN_VARIABLES or not isinstance(item.get("name"), str) or not name:
            left_out.append(name if name in OWN_VARIABLES else "an entry without a name")
        elif isinstance(item.get("valueFrom"), Mapping):
            made[name] = {"name": name, "valueFrom": item["valueFrom"]}
        else:
            made[name] = _variable(name, text_of(item.get("value") or ""), place, secrets)
    referred = [name for name, item in made.items() if _is_imported(item, secrets)]
    if left_out:
        reader.by_hand(
            place,
            f"carried over without {', '.join(dict.fromkeys(left_out))}, which the operator sets from the fields of "
            "the spec: set those",
        )
    elif referred:
        reader.mapped(
            place,
            f"spec.defaults.podTemplate.spec.containers[rasa].env; {', '.join(referred)} from Secret "
            f"{secrets.names.imported}, since they look like secrets",
        )
    return list(made.values())


def _variable(name: str, value: str, place: Path, secrets: SecretValues) -> JsonObject:
    if looks_secret(name, value) and value:
        return {"name": name, "valueFrom": secrets.imported((*place, name), value)}
    return {"name": name, "value": value}


def _is_imported(item: JsonObject, secrets: SecretValues) -> bool:
    source = item.get("valueFrom")
    referred = source.get("secretKeyRef") if isinstance(source, Mapping) else None
    return isinstance(referred, Mapping) and referred.get("name") == secrets.names.imported


def own_pod_template(reader: Reader, place: Path) -> JsonObject:
    """Return the `podTemplate` of one environment: node selector, volumes and mounts."""
    mounts = named_items(reader, (*place, "extraVolumeMounts"), "mountPath")
    volumes = named_items(reader, (*place, "extraVolumes"), "name")
    pod = present(
        nodeSelector=reader.take((*place, "nodeSelector"), kinds.LABELS),
        volumes=volumes or None,
        containers=[{"name": "rasa", "volumeMounts": mounts}] if mounts else None,
    )
    return {"spec": pod} if pod else {}


def named_items(reader: Reader, place: Path, key: str) -> Sequence[dict[str, Any]]:
    """Return a list whose items are identified by a key, as the operator merges it."""
    items = reader.take(place, kinds.OBJECTS) or []
    if not all(isinstance(item.get(key), str) for item in items):
        reader.refuse(place, f"each item must have {key}")
        return []
    return items
