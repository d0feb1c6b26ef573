"""environments.yml: written to a Secret, after which Rasa X is restarted to read it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from rasa_environments.api.base import JsonObject, ObjectKey, version_of
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cluster.errors import (
    ApiError,
    BeingDeletedError,
    ContendedError,
    NameConflictError,
    OutdatedError,
)
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.cluster.resources import DEPLOYMENTS, MODEL_SERVERS, SECRETS
from rasa_environments.controller.registrations import DesiredRegistration
from rasa_environments.desired.deployment import digest
from rasa_environments.desired.environments_file import FILE, entries_of, environments_secret
from rasa_environments.domain.facts import RegistrationResult
from rasa_environments.rasa.environments_file import FileEntry, file_text, missing_from
from rasa_environments.reconcile.ports import ApiServer, ChildApplier
from rasa_environments.reconcile.registration.registry import PENDING

logger = logging.getLogger(__name__)

DIGEST_ANNOTATION = "rasa-environments.io/environments-digest"
"""Annotation of the pods of Rasa X; another value restarts them."""


class EnvironmentsFileWriter:
    """Writes environments.yml of each ModelServer with registration File."""

    def __init__(self, children: ChildApplier, api: ApiServer) -> None:
        self._children = children
        self._api = api
        self._restarted: dict[ObjectKey, tuple[str, str]] = {}

    async def write(
        self, server: ModelServer, registrations: Sequence[DesiredRegistration], active: frozenset[str]
    ) -> Mapping[str, RegistrationResult]:
        """Update the file to match the environments; return the results by name."""
        live = await self._children.read(SECRETS, _secret_of(server))
        try:
            return await self._write(server, registrations, active, live)
        except OutdatedError as existing:  # its entries are to be kept
            return await self._write(server, registrations, active, existing.live)

    async def _write(
        self,
        server: ModelServer,
        registrations: Sequence[DesiredRegistration],
        active: frozenset[str],
        live: JsonObject | None,
    ) -> Mapping[str, RegistrationResult]:
        secret = _secret_of(server)
        entries, pending = merged_entries(entries_of(live), registrations, active)
        missing = incomplete(entries, active, server)
        if missing is not None:
            return dict.fromkeys(sorted(active), missing)
        result = await self._apply(server, entries, live) or await self._restart(server, entries, secret)
        return {name: PENDING if name in pending else result for name in entries}

    async def _apply(
        self, server: ModelServer, entries: Mapping[str, FileEntry], live: JsonObject | None
    ) -> RegistrationResult | None:
        """Write the Secret; return why that failed, or None."""
        secret = _secret_of(server)
        desired, version = environments_secret(server, entries), version_of(live)
        check = self._children.owner_check(MODEL_SERVERS, server.metadata.key, server.metadata.uid)
        try:
            outcome = await self._children.apply(desired, create_only=live is None, version=version, check_owner=check)
        except (NameConflictError, BeingDeletedError) as error:
            return RegistrationResult(
                "False",
                Reason.NAME_CONFLICT,
                f"Secret {secret} is there already and is not this operator's ({error}): delete it, or name another "
                "one in spec.environmentsFile.secretName",
            )
        except ContendedError as error:
            return RegistrationResult(
                "Unknown",
                Reason.CHILD_CONTENDED,
                f"{error}: the operator writes it again with backoff; see metadata.managedFields for who else does",
            )
        except ApiError as error:
            if error.status not in (400, 403, 404, 422):
                raise
            return RegistrationResult("False", Reason.REFUSED_BY_API_SERVER, f"Secret {secret}: {error.message}")
        if outcome is not Outcome.UNCHANGED:
            logger.info("ModelServer %s: %s in Secret %s is %s", server.metadata.key, FILE, secret, outcome.value)
        return None

    async def _restart(
        self, server: ModelServer, entries: Mapping[str, FileEntry], secret: ObjectKey
    ) -> RegistrationResult:
        """Restart Rasa X if its Deployment is named and has not been restarted for this file."""
        where = f"it is in {FILE} of Secret {secret}"
        name = server.spec.environments_file and server.spec.environments_file.deployment_name
        if not name:
            advice = "Rasa X reads it at its start: restart it, or name its Deployment in "
            message = f"{where}; {advice}spec.environmentsFile.deploymentName of the ModelServer"
            return RegistrationResult("True", Reason.REGISTERED, message)
        key, current = ObjectKey(server.metadata.namespace, name), digest(file_text(entries))
        try:
            if self._restarted.get(server.metadata.key) != (name, current):
                await self._annotate(key, current)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            message = f"{where}, but Deployment {key} of spec.environmentsFile cannot be restarted: {error.message}"
            return RegistrationResult("Unknown", Reason.REGISTRATION_PENDING, message)
        self._restarted[server.metadata.key] = (name, current)
        return RegistrationResult("True", Reason.REGISTERED, f"{where}, for which Deployment {key} was restarted")

    async def _annotate(self, deployment: ObjectKey, current: str) -> None:
        template = (await self._api.get(DEPLOYMENTS, deployment))["spec"]["template"]
        if (template.get("metadata", {}).get("annotations") or {}).get(DIGEST_ANNOTATION) == current:
            return
        annotations = {"metadata": {"annotations": {DIGEST_ANNOTATION: current}}}
        await self._api.patch(DEPLOYMENTS, deployment, {"spec": {"template": annotations}})
        logger.info("Deployment %s is restarted to read %s", deployment, FILE)


def _secret_of(server: ModelServer) -> ObjectKey:
    return ObjectKey(server.metadata.namespace, server.environments_secret)


def merged_entries(
    held: Mapping[str, FileEntry], registrations: Sequence[DesiredRegistration], active: frozenset[str]
) -> tuple[dict[str, FileEntry], frozenset[str]]:
    """Return the desired file, and the environments whose new token is withheld until their servers use it."""
    entries = {name: entry for name, entry in held.items() if name in active}
    pending = set()
    for desired in registrations:
        there, wanted = entries.get(desired.name), FileEntry(desired.url, desired.token)
        if there is None or desired.in_use or there.url != desired.url:
            entries[desired.name] = wanted
        elif there != wanted:
            pending.add(desired.name)
    return entries, frozenset(pending)


def incomplete(
    entries: Mapping[str, FileEntry], active: frozenset[str], server: ModelServer
) -> RegistrationResult | None:
    """Return why the file is not written: Rasa X would not start with it."""
    missing = missing_from(list(entries))
    if not missing:
        return None
    coming = [name for name in missing if name in active]
    if coming == missing:
        message = f"waits for the address and the token of {' and '.join(coming)}"
        return RegistrationResult("Unknown", Reason.REGISTRATION_PENDING, message)
    absent = [name for name in missing if name not in active]
    return RegistrationResult(
        "False",
        Reason.REGISTRY_INCOMPLETE,
        f"{FILE} is not written: Rasa X does not start without {' and '.join(absent)}, and no environment of "
        f"ModelServer {server.metadata.key} is called so; create it, with spec.external if it runs elsewhere",
    )
