"""A Job of the team that tests a server of an environment with a model: its exit code is the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from rasa_environments.api.base import JsonObject, ModelReference, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.shapes import mapping, mappings, text
from rasa_environments.api.verification import JobTemplate
from rasa_environments.desired.context import (
    INSTANCE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    NAME_OF_VERIFICATIONS,
    VERIFICATION_LABEL,
    child_key,
    controlled_by,
)
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.secret_variables import TOKEN_KEY

URL_VARIABLE: Final = "RASA_URL"
LONGEST_PREFIX: Final = 39
"""Characters of the environment's name in that of a Job, which is a label of its pods and may have 63."""
NAME_INFIX: Final = "-verification-"
GRACE_SECONDS: Final = 60
"""Seconds between the end of a verification and that of a Job that nobody has ended by then."""
KEPT_SECONDS: Final = 3600
"""Seconds for which a Job that nobody deletes outlives the verification that it ran for."""
RESERVED_PREFIXES: Final = ("app.kubernetes.io/", "rasa-environments.io/")
"""Of labels by which Services and policies select the pods of environments: pods of Jobs have none of the template."""
RESTRICTED_POD: Final[JsonObject] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
RESTRICTED_CONTAINER: Final[JsonObject] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True)
class JobRun:
    """A verification that runs a Job in each environment."""

    tag: ObjectKey
    """The ModelTag."""
    stage: str
    """Which server is tested, as in spec.verification: candidate, or live."""
    model: ModelReference
    digest: str
    """Digest of what the model must pass."""
    start_time: str
    """When the verification began: a retry has Jobs of its own."""

    @property
    def place(self) -> str:
        """The field of the ModelTag with the pod template."""
        return f"spec.verification.{self.stage}.jobTemplate.spec.template"


def job_key(environment: ObjectKey, run: JobRun) -> ObjectKey:
    """Return the namespace and name of a Job: the same for the same run, so that it runs once."""
    parts = (str(environment), str(run.tag), run.stage, run.model.name, run.model.hash, run.digest, run.start_time)
    digest = sha256("\n".join(parts).encode()).hexdigest()[:10]
    return ObjectKey(environment.namespace, f"{environment.name[:LONGEST_PREFIX]}{NAME_INFIX}{digest}")


def verification_job(
    environment: DeploymentEnvironment, run: JobRun, template: JobTemplate, url: str, timeout_seconds: int
) -> JsonObject:
    """Return the Job that tests the server at `url`. Raises SpecError for a template that no pod can be made from."""
    key = job_key(environment.metadata.key, run)
    labels = {NAME_LABEL: NAME_OF_VERIFICATIONS, VERIFICATION_LABEL: environment.metadata.name}
    described = {**labels, "app.kubernetes.io/part-of": MANAGED_BY, MANAGED_BY_LABEL: MANAGED_BY}
    variables: list[JsonObject] = [
        {"name": URL_VARIABLE, "value": url},
        {"name": "RASA_TOKEN", "valueFrom": {"secretKeyRef": _token(environment)}},
        {"name": "MODEL", "value": _literally(run.model.name)},
        {"name": "ENVIRONMENT", "value": _literally(environment.environment)},
    ]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "labels": described,
            "ownerReferences": [controlled_by(environment)],
        },
        "spec": {
            "backoffLimit": template.spec.backoff_limit,
            "activeDeadlineSeconds": timeout_seconds + GRACE_SECONDS,
            "ttlSecondsAfterFinished": timeout_seconds + KEPT_SECONDS,
            "template": {
                "metadata": _metadata(template.spec.template, labels),
                "spec": _pod(template.spec.template, environment, variables, run.place),
            },
        },
    }


def account_of_jobs(environment: DeploymentEnvironment) -> JsonObject:
    """Return the ServiceAccount, without permissions, of Jobs that test a server which runs elsewhere."""
    key = child_key(environment.metadata.key)
    labels = {
        NAME_LABEL: NAME_OF_VERIFICATIONS,
        INSTANCE_LABEL: environment.metadata.name,
        "app.kubernetes.io/part-of": MANAGED_BY,
        MANAGED_BY_LABEL: MANAGED_BY,
    }
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "labels": labels,
            "ownerReferences": [controlled_by(environment)],
        },
        "automountServiceAccountToken": False,
    }


def _token(environment: DeploymentEnvironment) -> JsonObject:
    """Return where the token of the server is kept."""
    if environment.spec.external is None:
        return {"name": child_key(environment.metadata.key).name, "key": TOKEN_KEY}
    source = environment.spec.external.auth_token.secret_key_ref
    return {"name": source.name, "key": source.key}


def url_of(job: JsonObject) -> str | None:
    """Return the URL of the server that a Job tests."""
    pod = mapping(mapping(mapping(job.get("spec")).get("template")).get("spec"))
    variables = (entry for each in mappings(pod.get("containers")) for entry in mappings(each.get("env")))
    return next((text(entry.get("value")) for entry in variables if entry.get("name") == URL_VARIABLE), None)


def _metadata(template: Mapping[str, Any], labels: Mapping[str, str]) -> JsonObject:
    given = mapping(template.get("metadata"))
    own = {key: value for key, value in mapping(given.get("labels")).items() if not key.startswith(RESERVED_PREFIXES)}
    return {"labels": {**own, **labels}, "annotations": dict(mapping(given.get("annotations")))}


def _pod(
    template: Mapping[str, Any], environment: DeploymentEnvironment, variables: list[JsonObject], place: str
) -> JsonObject:
    """Return the pod: the one given, by default within the Pod Security level `restricted`."""
    given, account = mapping(template.get("spec")), child_key(environment.metadata.key).name
    for field in ("serviceAccountName", "serviceAccount"):
        if given.get(field) not in (None, "", account):
            raise SpecError(
                f"{place}.spec.{field} must be absent: the Job runs as the ServiceAccount of its environment, {account}"
            )
    pod: JsonObject = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        **given,
        "serviceAccountName": account,
        "securityContext": {**RESTRICTED_POD, **mapping(given.get("securityContext"))},
    }
    for kind in ("initContainers", "containers"):
        if given.get(kind) is not None:
            where = f"{place}.spec.{kind}"
            pod[kind] = [_container(each, variables, where) for each in _maps(given[kind], where)]
    return pod


def _container(given: JsonObject, variables: list[JsonObject], place: str) -> JsonObject:
    names = {variable["name"] for variable in variables}
    own = [entry for entry in _maps(given.get("env") or [], f"{place}[].env") if entry.get("name") not in names]
    context = {**RESTRICTED_CONTAINER, **mapping(given.get("securityContext"))}
    return {**given, "env": [*variables, *own], "securityContext": context}


def _maps(value: object, place: str) -> list[JsonObject]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise SpecError(f"{place} must be a list of maps")
    return value


def _literally(value: str) -> str:
    """Return the value of a variable in which the kubelet expands nothing: `$(RASA_TOKEN)` can be a model's name."""
    return value.replace("$", "$$")
