"""Environment variables that a file adds to the container of the Rasa server."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rasa_chart_import import kinds
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues, looks_secret, text_of
from rasa_environments.api.base import JsonObject

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
"""Variables that the charts set, and that the operator sets from typed fields."""


def extra_variables(
    reader: Reader,
    secrets: SecretValues,
    place: Path,
    own: Collection[str] = OWN_VARIABLES,
    target: str = "podTemplate.spec.containers[rasa].env",
) -> list[JsonObject]:
    """Return variables of the container; a value that looks like a secret becomes a reference.

    `target` is where the report says that they are now.
    """
    items = reader.take(place, kinds.OBJECTS) or []
    made: dict[str, JsonObject] = {}
    left_out: list[str] = []
    for item in items:
        name = text_of(item.get("name"))
        if name in own or not isinstance(item.get("name"), str) or not name:
            left_out.append(name if name in own else "an entry without a name")
        elif isinstance(item.get("valueFrom"), Mapping):
            made[name] = {"name": name, "valueFrom": item["valueFrom"]}
        else:
            made[name] = _variable(name, text_of(item.get("value") or ""), place, secrets)
    referred = [name for name, item in made.items() if _is_imported(item, secrets)]
    if left_out:
        reader.partly(
            place,
            f"carried over without {', '.join(dict.fromkeys(left_out))}, which the operator sets from the fields of "
            "the spec: set those",
        )
    elif referred:
        reader.mapped(
            place,
            f"{target}; {', '.join(referred)} from Secret {secrets.names.imported}, since they look like secrets",
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
