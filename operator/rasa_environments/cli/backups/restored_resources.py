"""Restoring resources, and the history of tags."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.model_tag import HistoryEntry, ModelTag
from rasa_environments.cli.access import Session, parsed
from rasa_environments.cli.backups.directory import Manifest
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, code_of, explained
from rasa_environments.cli.tables import console
from rasa_environments.cli.writing import SUFFIXES, DryRun, Writes
from rasa_environments.cluster.client import ApiError
from rasa_environments.cluster.resources import CONFIG_MAPS, MODEL_TAGS, SECRETS, resource_of
from rasa_environments.domain.backups import restored_history, without_approvals

ATTEMPTS = 10
"""Attempts to write a status that the operator writes at the same time."""


async def require_needed(connected: Session, manifest: Manifest) -> None:
    """Check that the Secrets and ConfigMaps exist that the resources refer to.

    Raises CommandError with the names of all that do not. One that the user may not read counts as existing: the
    resource that refers to it reports if it does not.
    """
    missing = []
    for entry in manifest.needed:
        resource = SECRETS if entry.kind == "Secret" else CONFIG_MAPS
        try:
            found = await connected.client.find(
                resource, ObjectKey(connected.namespace, entry.name), metadata_only=True
            )
        except ApiError as error:
            if error.status != 403:
                raise
            continue
        if found is None:
            missing.append(f"{entry.kind} {entry.name}")
    if missing:
        raise CommandError(
            f"not found in namespace {connected.namespace}: {', '.join(missing)}; create them first, since a backup "
            "has no Secrets; nothing was restored",
            ExitCode.NOT_FOUND,
        )


class RestoredResources:
    """Creates resources in a namespace, and changes none that exists."""

    def __init__(self, writes: Writes) -> None:
        self._writes = writes
        self._connected = writes.connected
        self.left_out: list[str] = []
        """What was not restored, and why."""

    async def restore(self, document: JsonObject) -> None:
        """Create an object of the backup if there is none of its name, and give a ModelTag its history.

        What the API server refuses is left out, with its reason, and does not keep others from being restored.
        """
        try:
            await self._restore(document)
        except ApiError as error:
            if code_of(error) is not ExitCode.REFUSED or error.status == 401:
                raise
            self.left_out.append(f"{document['kind']} {document['metadata']['name']}: {explained(error)}")

    async def _restore(self, document: JsonObject) -> None:
        wanted, approved = without_approvals(document)
        kind, key = document["kind"], ObjectKey(self._connected.namespace, document["metadata"]["name"])
        status = wanted.pop("status", None)
        resource = resource_of(kind)
        live = await self._connected.client.find(resource, key)
        if live is None:
            await self._writes.create(resource, wanted)
            self._say(f"{kind} {key} created")
            if approved:
                models = ", ".join(approved)
                self.left_out.append(f"approvals in {kind} {key} ({models}): approve again, as nobody can for another")
            if status and self._writes.dry_run is not DryRun.NONE:
                self._say(f"history of {kind} {key} restored")
                return
        elif without_approvals(live)[0]["spec"] != wanted["spec"]:
            self.left_out.append(f"{kind} {key}: there is one with another spec, which was left as it is")
            return
        if status:
            await self._restore_history(key, status)

    async def _restore_history(self, key: ObjectKey, status: JsonObject) -> None:
        kept = [HistoryEntry.model_validate(entry) for entry in status.get("history") or ()]
        for attempt in range(1, ATTEMPTS + 1):
            obj = await self._connected.client.get(MODEL_TAGS, key)
            tag = parsed(ModelTag, obj)
            live = tag.status.history or []
            history = restored_history(live, kept, tag.spec.history_limit)
            change: JsonObject = {}
            if history != tuple(live):
                change["history"] = [entry.model_dump(by_alias=True, exclude_none=True) for entry in history]
            if status.get("rejected") and not tag.status.rejected:
                change["rejected"] = status["rejected"]
            if not change:
                return
            try:
                if self._writes.dry_run is not DryRun.CLIENT:
                    await self._connected.client.patch_status(
                        MODEL_TAGS, key, change, resource_version=obj["metadata"]["resourceVersion"]
                    )
            except ApiError as error:
                if error.status == 409 and attempt < ATTEMPTS:
                    continue
                if error.status != 403:
                    raise
                self.left_out.append(f"history of ModelTag {key}: {explained(error)}")
                return
            self._say(f"history of ModelTag {key} restored")
            return

    def _say(self, done: str) -> None:
        console().print(done + SUFFIXES[self._writes.dry_run], markup=False)
