"""`render`: the objects that the operator would create for a manifest, without a cluster."""

from __future__ import annotations

import sys
from base64 import b64decode
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, TypeVar

import typer

from rasa_environments.api.base import JsonObject, ObjectKey, secret_of
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, fail
from rasa_environments.cli.manifests import Manifests, read
from rasa_environments.cli.output import Objects, show_objects
from rasa_environments.desired.environment import children
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.secret_variables import SecretVariable
from rasa_environments.desired.tls import AUTHORITIES, CertificateSource
from rasa_environments.domain.checks import usable_server
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.generated import Generated
from rasa_environments.domain.lister import server_of_environment
from rasa_environments.domain.planning import plan
from rasa_environments.domain.resolving import resolve
from rasa_environments.domain.secret_values import SERVICE_TOKEN_KEY, credentials_secret

GENERATED = "<generated>"
GENERATED_VALUES = Generated(GENERATED, GENERATED, GENERATED)
T = TypeVar("T")
EXIT_CODES = {
    ExitCode.DONE: "the objects are printed",
    ExitCode.FAILED: "the manifest is wrong or incomplete, and no object is printed",
    ExitCode.NOT_FOUND: "the file does not exist",
}


def render(
    file: Annotated[
        str, typer.Option("--file", "-f", help="Manifest file, or - for standard input.", show_default=False)
    ],
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Namespace of documents that name none.")
    ] = "default",
    output: Annotated[
        Objects, typer.Option("--output", "-o", help="Output format; json is one List of all objects.")
    ] = Objects.YAML,
) -> None:
    """Print the objects that the operator creates for a manifest, without a cluster.

    FILE holds DeploymentEnvironments and the ModelServers that they refer to; if these select namespaces by label, also
    the Namespaces. Secret values are printed as placeholders. The output omits what only a cluster can provide: owner
    references, and the operator's pods in a NetworkPolicy. External servers have no objects.
    """
    try:
        manifests = read(file, namespace)
    except CommandError as error:
        fail(str(error), code=error.code)
    for document in manifests.left_out:
        sys.stderr.write(f"note: {document} is not a resource of rasa-environments.io; ignored\n")
    objects: list[JsonObject] = []
    for environment in manifests.environments:
        try:
            objects += rendered(environment, manifests)
        except CommandError as error:
            manifests.errors.append(f"DeploymentEnvironment {environment.metadata.key}: {error}")
    if manifests.errors:
        fail(*manifests.errors)
    if not manifests.environments:
        fail(f"{manifests.source}: holds no DeploymentEnvironment, so there is nothing to render")
    for environment in manifests.environments:
        if environment.spec.external is not None:
            name = environment.metadata.key
            sys.stderr.write(f"note: DeploymentEnvironment {name} runs elsewhere: it has no objects to render\n")
    show_objects(output, objects)


def rendered(environment: DeploymentEnvironment, manifests: Manifests) -> Iterable[JsonObject]:
    """Return the children of one environment as they are shown. Raises CommandError where there would be none."""
    lister, key = manifests.lister, server_of_environment(environment)
    if lister.servers.get(key) is None:
        raise CommandError(
            f"refers to ModelServer {key}, which is not in the file: add it, since the pods need its url"
        )
    if environment.spec.external is not None:
        _unless_problem(usable_server(environment, lister))
        return []
    resolved = _unless_problem(resolve(environment, lister))
    context = _unless_problem(plan(resolved, Placeholders(manifests.secrets), GENERATED_VALUES))
    try:
        return [shown(child) for child in children(context)]
    except SpecError as error:
        raise CommandError(str(error)) from None


def _unless_problem(found: T | Problem) -> T:
    if isinstance(found, Problem):
        raise CommandError(found.message)
    return found


class Placeholders:
    """The `SecretLookup` of a file: a text for each value that a person keeps in a Secret.

    A Secret that is not in the file is taken to hold what is wanted of it; of the files of a connection the authorities
    alone.
    """

    def __init__(self, secrets: Mapping[ObjectKey, Collection[str]]) -> None:
        """`secrets` are those in the file, with their keys."""
        self._secrets = secrets

    def value(self, variable: SecretVariable) -> str | Problem:
        """Return the placeholder of a value, or that its Secret lacks the key."""
        secret, key = secret_of(variable.source), variable.source.key
        return placeholder(secret, key) if self._has(secret, key) else self._lacks(variable.path, secret, key)

    def pull_token(self, server: ModelServer) -> str | None:
        """Return the placeholder of the token to pull with; None where there is none."""
        secret = credentials_secret(server)
        if secret is None or not self._has(secret, SERVICE_TOKEN_KEY):
            return None
        return placeholder(secret, SERVICE_TOKEN_KEY)

    def certificates(self, source: CertificateSource) -> Mapping[str, str] | Problem:
        """Return the placeholders of a connection's files, or that its Secret holds none."""
        secret = secret_of(source.secret)
        held = self._secrets.get(secret, {AUTHORITIES})
        files = {key: placeholder(secret, key) for key in source.keys if key in held}
        return files or self._lacks(source.path, secret, AUTHORITIES)

    def _has(self, secret: ObjectKey, key: str) -> bool:
        return key in self._secrets.get(secret, {key})

    def _lacks(self, path: str, secret: ObjectKey, key: str) -> Problem:
        there = ", ".join(sorted(self._secrets[secret])) or "nothing"
        message = f"{path}: key {key} is not in Secret {secret} (it holds {there}); add it"
        return Problem(Reason.SECRET_KEY_NOT_FOUND, message)


def placeholder(secret: ObjectKey, key: str) -> str:
    """Return the placeholder of a value in a user's Secret."""
    return f"<key {key} of Secret {secret}>"


def shown(child: JsonObject) -> JsonObject:
    """Return a child without its owner, and with the placeholders of a Secret in plain text."""
    metadata = {name: value for name, value in child["metadata"].items() if name != "ownerReferences"}
    if child["kind"] != "Secret":
        return {**child, "metadata": metadata}
    values = {key: b64decode(value).decode() for key, value in child["data"].items()}
    return {
        **{name: value for name, value in child.items() if name != "data"},
        "metadata": metadata,
        "stringData": values,
    }
