"""`restore`: brings back what `backup` saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from rasa_environments.api.base import JsonObject
from rasa_environments.cli.access import session
from rasa_environments.cli.backup import Only, Part
from rasa_environments.cli.backup_directory import BackupDirectory, Manifest, file_errors
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.model_server_access import ModelServerOptions, TokenFile, Url, model_server_client
from rasa_environments.cli.restored_models import RestoredModels
from rasa_environments.cli.restored_resources import RestoredResources, require_needed
from rasa_environments.cli.tables import console

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
    namespace: Namespace = None,
) -> None:
    """Bring back the resources with their history, and the models with their tags, that `backup` saved.

    Nothing that exists is changed: no object, no model, and no tag that a model has. The whole backup is checked before
    anything is written. If the command is interrupted, run it again: it continues with what is missing.
    """
    source = BackupDirectory(directory)

    async def command() -> None:
        with file_errors(directory):
            manifest = source.manifest()
            options = ModelServerOptions(model_server or manifest.model_server or "default", url, token_file)
            left_out = await bring_back(source, manifest, where, namespace, options, only)
        for problem in left_out:
            console().print(f"not restored: {problem}", markup=False)
        if left_out:
            raise typer.Exit(ExitCode.PARTIAL)

    execute(command())


async def bring_back(
    source: BackupDirectory,
    manifest: Manifest,
    where: ClusterOptions,
    namespace: str | None,
    options: ModelServerOptions,
    only: Part | None,
) -> Sequence[str]:
    """Restore a backup, and return what could not be restored, a line for each.

    The order loses nothing: a ModelTag finds its model, and an environment its tag. Raises what `session` and
    `model_server_client` raise, CommandError, and OSError.
    """
    async with session(where, namespace) as connected:
        documents = _documents(source, manifest, connected.namespace, only)
        models = () if only is Part.RESOURCES else manifest.models
        for model in models:
            source.check_model(model)
        if documents:
            await require_needed(connected, manifest)
        resources = RestoredResources(connected)
        for document in documents:
            if document["kind"] == "ModelServer":
                await resources.restore(document)
        left_out: list[str] = []
        if models:
            async with model_server_client(where, namespace, options) as server:
                left_out += await RestoredModels(connected, server, options).restore(source, models)
        for document in documents:
            if document["kind"] != "ModelServer":
                await resources.restore(document)
        return (*left_out, *resources.left_out)


def _documents(
    source: BackupDirectory, manifest: Manifest, namespace: str, only: Part | None
) -> tuple[JsonObject, ...]:
    """Return the objects of the backup, all of them checked. Raises CommandError."""
    if only is Part.MODELS:
        return ()
    if not manifest.objects and only is Part.RESOURCES:
        raise CommandError(f"{source.path} has no resources; it was made with --only models", ExitCode.NOT_FOUND)
    return tuple(source.document(entry, namespace) for entry in manifest.objects)
