"""What one environment becomes: the template that the peer fills in, and proof that it writes the same."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bench import manifests
from rasa_environments.api.base import JsonObject
from rasa_environments.cli.manifests import read
from rasa_environments.cli.render import rendered

NAME = "name-to-fill-in"
NAMESPACE = "namespace-to-fill-in"
KINDS = ("ServiceAccount", "Secret", "ConfigMap", "Service", "Deployment")
GENERATED = ("token", "salt")
"""Keys of an environment's Secret whose values are made up."""
DIGEST_ANNOTATION = "rasa-environments.io/config-digest"
BOOKKEEPING = ("deployment.kubernetes.io/", "rasa-environments.io/desired")
"""How annotations begin in which the controllers and the operator remember what they did; `render` prints none."""
SERVER_FIELDS = frozenset({"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"})
"""Fields of metadata that the API server writes."""


class PeerDiffersError(RuntimeError):
    """The peer does not write what the operator writes, so that a comparison would say nothing."""


def rendered_children(url: str, directory: Path) -> dict[str, JsonObject]:
    """Return the children of an environment called NAME, by kind, as `kubectl rasa render` prints them."""
    file = directory / "shape.yaml"
    file.write_text(yaml.safe_dump_all([manifests.model_server(url), manifests.environment(NAME)]))
    parsed = read(str(file), NAMESPACE)
    return {child["kind"]: child for child in rendered(parsed.environments[0], parsed)}


def template(children: Mapping[str, JsonObject], token: str, status: JsonObject) -> JsonObject:
    """Return the peer's template: the rendered children with the model server's token, and the operator's status."""
    filled = copy.deepcopy(dict(children))
    secret = filled["Secret"]
    secret["stringData"] = {key: "" if key in GENERATED else token for key in secret["stringData"]}
    return {
        "name": NAME,
        "namespace": NAMESPACE,
        "generated": list(GENERATED),
        "digestAnnotation": DIGEST_ANNOTATION,
        "children": filled,
        "status": status,
    }


def status_template(status: JsonObject, name: str, namespace: str) -> JsonObject:
    """Return a status that the operator wrote, with placeholders; without the times, which the peer writes itself."""
    placed: JsonObject = json.loads(json.dumps(status).replace(name, NAME).replace(namespace, NAMESPACE))
    return without_times(placed)


def without_times(status: JsonObject) -> JsonObject:
    """Return a status without the times at which its conditions changed."""
    conditions = [
        {field: value for field, value in condition.items() if field != "lastTransitionTime"}
        for condition in status.get("conditions", [])
    ]
    return {**status, "conditions": conditions}


def comparable(child: JsonObject) -> JsonObject:
    """Return a stored child without what differs from one creation to the next."""
    made: JsonObject = copy.deepcopy({key: value for key, value in child.items() if key != "status"})
    made["metadata"] = {name: value for name, value in made["metadata"].items() if name not in SERVER_FIELDS}
    annotations = made["metadata"].pop("annotations", {})
    made["metadata"]["annotations"] = {
        name: value for name, value in annotations.items() if not name.startswith(BOOKKEEPING)
    }
    for owner in made["metadata"].get("ownerReferences", []):
        owner["uid"] = "..."
    if "data" in made and made.get("type") == "Opaque":
        made["data"] = {key: "..." if key in GENERATED else value for key, value in made["data"].items()}
    for name in ("clusterIP", "clusterIPs"):
        made.get("spec", {}).pop(name, None)
    pod_template = made.get("spec", {}).get("template", {})
    if DIGEST_ANNOTATION in pod_template.get("metadata", {}).get("annotations", {}):
        pod_template["metadata"]["annotations"][DIGEST_ANNOTATION] = "..."
    return made


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where two JSON values differ, one line for each place."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            line
            for key in sorted({*ours, *theirs})
            for line in differences(ours.get(key), theirs.get(key), f"{path}.{key}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = zip(ours, theirs, strict=True)
        return [line for at, pair in enumerate(pairs) for line in differences(*pair, f"{path}[{at}]")]
    return [] if ours == theirs else [f"{path.lstrip('.')}: {json.dumps(ours)} here, {json.dumps(theirs)} there"]


def require_same(ours: Mapping[str, JsonObject], theirs: Mapping[str, JsonObject]) -> None:
    """Check that the peer stored the operator's children and status. Raises PeerDiffersError if it did not."""
    lines = [f"{kind}.{line}" for kind in ours for line in differences(ours[kind], theirs.get(kind))]
    if lines:
        raise PeerDiffersError("the peer does not write what the operator writes:\n" + "\n".join(lines))
