"""The documents of a manifest file, validated before use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from rasa_environments.api.base import API_VERSION, GROUP, JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.kinds import MODELS, InvalidObjectError, parse
from rasa_environments.api.shapes import mapping
from rasa_environments.cli.failures import CommandError
from rasa_environments.cli.input_files import shown, text_of
from rasa_environments.cli.unknown_fields import meant, unknown_fields
from rasa_environments.desired.network_policy import NAMESPACE_LABEL
from rasa_environments.domain.lister import Lister


@dataclass
class Manifests:
    """The content of a file."""

    source: str
    """The file's name in messages."""
    lister: Lister = field(default_factory=Lister)
    environments: list[DeploymentEnvironment] = field(default_factory=list)
    """In the order of the file."""
    secrets: dict[ObjectKey, frozenset[str]] = field(default_factory=dict)
    """The keys of each Secret."""
    left_out: list[str] = field(default_factory=list)
    """Documents of other kinds."""
    errors: list[str] = field(default_factory=list)
    """One line for each problem."""


def read(file: str, namespace: str) -> Manifests:
    """Return the manifests of a file (`-`: standard input); `namespace` is the default for documents.

    Problems of a document are in `errors`. Raises CommandError where the file cannot be read or is not YAML.
    """
    manifests = Manifests(shown(file))
    for number, document in enumerate(_documents(file), start=1):
        if document is not None:
            _take(manifests, document, f"{shown(file)}: document {number}", namespace)
    return manifests


def _documents(file: str) -> Iterator[object]:
    """Yield the documents of the file, including the items of a List."""
    text = text_of(file, "a manifest in YAML")
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise CommandError(f"{shown(file)} is not YAML: {' '.join(str(error).split())}") from None
    for document in documents:
        if isinstance(document, dict) and document.get("kind") == "List":
            yield from document.get("items") or ()
        else:
            yield document


def _take(manifests: Manifests, document: object, where: str, namespace: str) -> None:
    """Add a document to the manifests, or record what is wrong with it."""
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        manifests.errors.append(f"{where}: is not an object with apiVersion, kind and metadata")
        return
    kind, version = document["kind"], str(document.get("apiVersion"))
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name"):
        manifests.errors.append(f"{where} ({kind}): metadata.name: is missing")
        return
    where = f"{where} ({kind} {metadata['name']})"
    key = ObjectKey(str(metadata.get("namespace") or namespace), str(metadata["name"]))
    if (kind, version) == ("Secret", "v1"):
        manifests.secrets[key] = frozenset({**(document.get("data") or {}), **(document.get("stringData") or {})})
    elif (kind, version) == ("Namespace", "v1"):
        name = str(metadata["name"])
        manifests.lister.namespace_changed(name, {**mapping(metadata.get("labels")), NAMESPACE_LABEL: name})
    elif not (version.startswith(f"{GROUP}/") or kind in MODELS):
        manifests.left_out.append(where)
    elif version != API_VERSION:
        manifests.errors.append(f"{where}: apiVersion: must be {API_VERSION}, not {version}")
    elif kind not in MODELS:
        manifests.errors.append(f"{where}: kind: {API_VERSION} has no {kind}{meant(kind, MODELS)}")
    else:
        _take_resource(manifests, document, where, key)


def _take_resource(manifests: Manifests, document: JsonObject, where: str, key: ObjectKey) -> None:
    """Validate one of our resources as the API server would, and reject unknown fields, which it would drop."""
    complete = {**document, "metadata": {**document["metadata"], "namespace": key.namespace}}
    kind = document["kind"]
    manifests.errors += [f"{where}: {problem}" for problem in unknown_fields(MODELS[kind], complete)]
    try:
        resource = parse(kind, complete)
    except InvalidObjectError as error:
        manifests.errors += [f"{where}: {problem}" for problem in error.problems]
        return
    manifests.lister.put(resource)
    if isinstance(resource, DeploymentEnvironment):
        manifests.environments.append(resource)
