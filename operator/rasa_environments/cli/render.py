"""`render`: what the operator would make of a manifest, without a cluster."""

from __future__ import annotations

import sys
from base64 import b64decode
from collections.abc import Iterable
from typing import Annotated

import typer
import yaml

from rasa_environments.api.base import JsonObject, ObjectKey, secret_of
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, fail
from rasa_environments.cli.manifests import Manifests, read
from rasa_environments.desired.context import Context
from rasa_environments.desired.environment import children
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.desired.profiles import profile_of, require_tag_of_its_name
from rasa_environments.desired.secret_variables import (
    JWT_VARIABLE,
    MODEL_SERVER_TOKEN_VARIABLE,
    TOKEN_VARIABLE,
    SecretVariable,
)
from rasa_environments.desired.tls import AUTHORITIES, CertificateSource, key_in_secret
from rasa_environments.domain.access import unusable
from rasa_environments.domain.conflicts import problem_of
from rasa_environments.domain.lister import server_of_environment
from rasa_environments.reconcile.certificates import held_files, wanted_certificates
from rasa_environments.reconcile.secret_values import (
    SERVICE_TOKEN_KEY,
    credentials_secret,
    wanted_variables,
)

GENERATED = "<generated>"
EXIT_CODES = {
    ExitCode.DONE: "the objects are printed",
    ExitCode.FAILED: "the manifest is wrong or incomplete, and no object is printed",
    ExitCode.NOT_FOUND: "there is no such file",
}


def render(
    file: Annotated[
        str, typer.Option("--file", "-f", help="Manifest file, or - for standard input.", show_default=False)
    ],
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Namespace of documents that name none.")
    ] = "default",
) -> None:
    """Print the objects that the operator makes of a manifest, without a cluster.

    FILE holds DeploymentEnvironments and the ModelServers that they refer to; where these admit namespaces by labels,
    also the Namespaces. Secret values are shown as placeholders. Left out is what only a cluster can give: owner
    references, and the operator's pods in a NetworkPolicy. Of a server that runs elsewhere nothing is made.
    """
    try:
        manifests = read(file, namespace)
    except CommandError as error:
        fail(str(error), code=error.code)
    for document in manifests.left_out:
        sys.stderr.write(f"note: {document} is none of ours and left out\n")
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
            sys.stderr.write(f"note: DeploymentEnvironment {name} runs elsewhere, and nothing is made for it\n")
    yaml.dump_all(objects, sys.stdout, Dumper=_Dumper, sort_keys=False, explicit_start=True, width=120)


def rendered(environment: DeploymentEnvironment, manifests: Manifests) -> Iterable[JsonObject]:
    """The children of one environment as they are shown. Raises CommandError where there would be none."""
    key = server_of_environment(environment)
    server = manifests.lister.servers.get(key)
    if server is None:
        raise CommandError(f"refers to ModelServer {key}, which is not in the file: add it, as the pods need its url")
    namespace = environment.metadata.namespace
    problem = unusable(server, key, namespace, manifests.lister.labels_of(namespace))
    if problem is not None:
        raise CommandError(problem.message)
    conflict = manifests.lister.conflict(environment)
    if conflict is not None:
        raise CommandError(problem_of(conflict, environment).message)
    try:
        if environment.spec.external is not None:
            require_tag_of_its_name(environment, server)
            return []
        spec = merged_spec(environment, server)
        variables = wanted_variables(environment, server, spec)
        values = {TOKEN_VARIABLE: GENERATED, **placeholders(variables, manifests)}
        credentials = credentials_secret(server)
        if credentials is not None and SERVICE_TOKEN_KEY in manifests.secrets.get(credentials, {SERVICE_TOKEN_KEY}):
            values[MODEL_SERVER_TOKEN_VARIABLE] = placeholder(credentials, SERVICE_TOKEN_KEY)
        certificates = certificate_placeholders(wanted_certificates(environment, server, spec), manifests)
        context = Context(environment, server, spec, values, certificates, salt=GENERATED)
        if profile_of(context).jwt and JWT_VARIABLE not in values:
            values[JWT_VARIABLE] = GENERATED
        return [shown(child) for child in children(context)]
    except SpecError as error:
        raise CommandError(str(error)) from None


def placeholders(variables: Iterable[SecretVariable], manifests: Manifests) -> dict[str, str]:
    """What stands for each secret value. Raises CommandError where the file holds the Secret, and it lacks the key."""
    values = {}
    for variable in variables:
        secret, key = secret_of(variable.source), variable.source.key
        if secret in manifests.secrets and key not in manifests.secrets[secret]:
            there = ", ".join(sorted(manifests.secrets[secret])) or "nothing"
            raise CommandError(f"{variable.path}: key {key} is not in Secret {secret} (it holds {there}); add it")
        values[variable.name] = placeholder(secret, key)
    return values


def certificate_placeholders(sources: Iterable[CertificateSource], manifests: Manifests) -> dict[str, str]:
    """What stands for each file of a connection, by its key in the environment's own Secret.

    Of a Secret that is not in the file the authorities alone are known to be wanted. Raises CommandError where it is in
    the file, and holds nothing that the connection uses.
    """
    files: dict[str, str] = {}
    for source in sources:
        secret = secret_of(source.secret)
        held = held_files(dict.fromkeys(manifests.secrets.get(secret, {AUTHORITIES})), source)
        if not held:
            there = ", ".join(sorted(manifests.secrets[secret])) or "nothing"
            raise CommandError(f"{source.path}: key {AUTHORITIES} is not in Secret {secret} (it holds {there}); add it")
        files |= {key_in_secret(source.connection, key): placeholder(secret, key) for key in held}
    return files


def placeholder(secret: ObjectKey, key: str) -> str:
    """What is shown for a value that a person keeps in a Secret."""
    return f"<key {key} of Secret {secret}>"


def shown(child: JsonObject) -> JsonObject:
    """A child without its owner, and with the placeholders of a Secret in plain text."""
    metadata = {name: value for name, value in child["metadata"].items() if name != "ownerReferences"}
    if child["kind"] != "Secret":
        return {**child, "metadata": metadata}
    values = {key: b64decode(value).decode() for key, value in child["data"].items()}
    return {
        **{name: value for name, value in child.items() if name != "data"},
        "metadata": metadata,
        "stringData": values,
    }


class _Dumper(yaml.SafeDumper):
    """Texts of several lines, such as endpoints.yml, as blocks; no anchors for what occurs twice."""

    def ignore_aliases(self, data: object) -> bool:
        """Every value is written out."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
