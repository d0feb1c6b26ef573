"""`restore`: brings back what `backup` saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cli.backup import Only, Part
from rasa_environments.cli.backups.directory import BackupDirectory, Manifest, file_errors
from rasa_environments.cli.backups.restored_models import RestoredModels
from rasa_environments.cli.backups.restored_resources import RestoredResources, require_needed
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.model_server_access import ModelServerOptions, TokenFile, Url, model_server_client
from rasa_environments.cli.output import OutputFormat
from rasa_environments.cli.tables import console
from rasa_environments.cli.writing import DryRun, DryRunOption, Writes, writes_of
from rasa_environments.cluster.resources import MODEL_SERVERS

EXIT_CODES = {
    ExitCode.DONE: "everything of the backup is there",
    ExitCode.FAILED: f"{UNREACHABLE}; the same for the model server; or the directory cannot be read",
    ExitCode.REFUSED: f"{NOT_PERMITTED}; the model server refuses the credentials or a model; or the backup is damaged",
    ExitCode.NOT_FOUND: "there is no such backup, or a Secret or ConfigMap that it needs does not exist",
    ExitCode.PARTIAL: "what the output names was not restored: it is there already with other content, a tag has "
    "another model, or a permission is missing; the rest is restored",
}


def restore(
    directory: Annotated[Path, typer.Argument(help="Directory of the backup.", show_default=False)],
    where: ClusterOptions,
    only: Only = None,
    model_server: Annotated[
        str | None,
        typer.Option(help="Name of the ModelServer to upload to.", show_default="that of the backup"),
    ] = None,
    url: Url = None,
    token_file: TokenFile = None,
    dry_run: DryRunOption = DryRun.NONE,
    namespace: Namespace = None,
) -> None:
    """Bring back the resources with their history, and the models with their tags, that `backup` saved.

    Nothing that exists is changed: no object, no model, and no tag that a model has. The whole backup is checked before
    anything is written. If the command is interrupted, run it again: it continues with what is missing. A dry run reads
    from the model server, too, and sends it nothing; if the ModelServer does not exist yet, models are left out.
    """
    source = BackupDirectory(directory)

    async def command() -> None:
        with file_errors(directory):
            manifest = source.manifest()
            options = ModelServerOptions(model_server or manifest.model_server or "default", url, token_file)
            left_out = await bring_back(source, manifest, where, namespace, options, Wanted(only, dry_run))
        for problem in left_out:
            console().print(f"not restored: {problem}", markup=False)
        if left_out:
            raise typer.Exit(ExitCode.PARTIAL)

    execute(command())


@dataclass(frozen=True)
class Wanted:
    """What to restore, and whether really."""

    only: Part | None = None
    dry_run: DryRun = DryRun.NONE


async def bring_back(
    source: BackupDirectory,
    manifest: Manifest,
    where: ClusterOptions,
    namespace: str | None,
    options: ModelServerOptions,
    wanted: Wanted,
) -> Sequence[str]:
    """Restore a backup, and return what could not be restored, a line for each.

    The order loses nothing: a ModelTag finds its model, and an environment its tag. Raises what `writes_of` and
    `model_server_client` raise, CommandError, and OSError.
    """
    async with writes_of(where, namespace, wanted.dry_run, OutputFormat.TEXT) as writes:
        connected = writes.connected
        documents = _documents(source, manifest, connected.namespace, wanted.only)
        models = () if wanted.only is Part.RESOURCES else manifest.models
        for model in models:
            source.check_model(model)
        if documents:
            await require_needed(connected, manifest)
        resources = RestoredResources(writes)
        for document in documents:
            if document["kind"] == "ModelServer":
                await resources.restore(document)
        left_out: list[str] = []
        if models and await _is_there(writes, options.name, documents):
            async with model_server_client(where, namespace, options) as server:
                left_out += await RestoredModels(connected, server, options, wanted.dry_run).restore(source, models)
        for document in documents:
            if document["kind"] != "ModelServer":
                await resources.restore(document)
        return (*left_out, *resources.left_out)


async def _is_there(writes: Writes, server: str, documents: Sequence[JsonObject]) -> bool:
    """Return whether the ModelServer can be asked; in a dry run, one of the backup does not exist yet."""
    restored = any((each["kind"], each["metadata"]["name"]) == ("ModelServer", server) for each in documents)
    if writes.dry_run is DryRun.NONE or not restored:
        return True
    key = ObjectKey(writes.connected.namespace, server)
    return await writes.connected.client.find(MODEL_SERVERS, key, metadata_only=True) is not None


def _documents(
    source: BackupDirectory, manifest: Manifest, namespace: str, only: Part | None
) -> tuple[JsonObject, ...]:
    """Return the objects of the backup, all of them checked. Raises CommandError."""
    if only is Part.MODELS:
        return ()
    if not manifest.objects and only is Part.RESOURCES:
        raise CommandError(f"{source.path} has no resources; it was made with --only models", ExitCode.NOT_FOUND)
    return tuple(source.document(entry, namespace) for entry in manifest.objects)
