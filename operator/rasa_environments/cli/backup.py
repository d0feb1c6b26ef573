"""`backup`: saves the resources of a namespace and the models of a model server to a directory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from rasa_environments.api.base import JsonObject
from rasa_environments.cli.access import Session, session
from rasa_environments.cli.backups.directory import (
    FORMAT,
    BackupDirectory,
    Manifest,
    NeededObject,
    SavedModel,
    file_errors,
)
from rasa_environments.cli.backups.transfers import Transfers
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.model_server_access import (
    ModelServerName,
    ModelServerOptions,
    TokenFile,
    Url,
    model_server_client,
)
from rasa_environments.cli.tables import console
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_SERVERS, MODEL_TAGS
from rasa_environments.domain.backups import needed, saved
from rasa_environments.rasa.listing import Model
from rasa_environments.rasa.model_server import ModelServerClient

RESOURCES = (MODEL_SERVERS, MODEL_TAGS, DEPLOYMENT_ENVIRONMENTS)
"""The kinds in a backup, in the order in which they are restored: what others refer to comes first."""

EXIT_CODES = {
    ExitCode.DONE: "everything is in the backup",
    ExitCode.FAILED: f"{UNREACHABLE}; the same for the model server; or the directory cannot be written",
    ExitCode.REFUSED: f"{NOT_PERMITTED}; or the model server refuses the credentials",
    ExitCode.NOT_FOUND: "the ModelServer, the Secret that it names, or a model that was listed does not exist",
}


class Part(StrEnum):
    """Part of a backup."""

    RESOURCES = "resources"
    MODELS = "models"


Only = Annotated[Part | None, typer.Option(help="Only this part.", show_default="both")]


def backup(
    directory: Annotated[
        Path, typer.Argument(help="Directory to write; it is created, for you alone.", show_default=False)
    ],
    where: ClusterOptions,
    only: Only = None,
    model_server: ModelServerName = "default",
    url: Url = None,
    token_file: TokenFile = None,
    namespace: Namespace = None,
) -> None:
    """Save the resources of a namespace with their history, and the models of its ModelServer with their tags.

    Secrets are not saved: those that the resources refer to are named at the end. If the command is interrupted, run it
    again: models that are in the directory already are not downloaded again.
    """
    target = BackupDirectory(directory)

    async def command() -> None:
        with file_errors(directory):
            manifest = await save(target, where, namespace, ModelServerOptions(model_server, url, token_file), only)
        console().print(summary(manifest, directory), markup=False)

    execute(command())


async def save(
    target: BackupDirectory,
    where: ClusterOptions,
    namespace: str | None,
    options: ModelServerOptions,
    only: Part | None,
) -> Manifest:
    """Write a backup. Raises what `session` and `model_server_client` raise, CommandError, and OSError."""
    target.begin()
    async with session(where, namespace) as connected:
        documents = [] if only is Part.MODELS else await _documents(connected)
        found_in = connected.namespace
    models: list[SavedModel] = []
    if only is not Part.RESOURCES:
        async with model_server_client(where, namespace, options) as server:
            models = await _save_models(target, server, as_writer=options.token_file is not None)
    manifest = Manifest(
        format=FORMAT,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        namespace=found_in,
        model_server=None if only is Part.RESOURCES else options.name,
        objects=[target.write_object(document) for document in documents],
        models=models,
        needed=[NeededObject(kind=each.kind, name=each.name) for each in sorted(needed(documents))],
    )
    target.finish(manifest)
    return manifest


def summary(manifest: Manifest, directory: Path) -> str:
    """Return what was saved, and what has to be kept elsewhere."""
    size = decimal(sum(model.size for model in manifest.models))
    done = (
        f"{directory} has {len(manifest.objects)} resources of namespace {manifest.namespace} "
        f"and {len(manifest.models)} models ({size})"
    )
    if not manifest.needed:
        return done
    names = ", ".join(f"{each.kind} {each.name}" for each in manifest.needed)
    return f"{done}\nnot saved, and needed to restore it: {names}"


async def _documents(connected: Session) -> list[JsonObject]:
    """Return what is kept of each object in the namespace."""
    found = []
    for resource in RESOURCES:
        listing = await connected.client.list(resource, connected.namespace)
        if listing.rejected:
            raise CommandError(
                f"{resource.kind} {listing.rejected[0].key} cannot be read: {listing.rejected[0].problem}"
            )
        found += [saved(item) for item in sorted(listing.items, key=lambda item: str(item["metadata"]["name"]))]
    return found


async def _save_models(target: BackupDirectory, server: ModelServerClient, *, as_writer: bool) -> list[SavedModel]:
    """Download each model that is not in the directory yet, the oldest first, as a restore uploads them."""
    listed = sorted(await server.models(as_writer=as_writer), key=_age)
    kept = {model.name: target.has_model(model.name, model.size, model.hash) for model in listed}
    missing = [model for model in listed if kept[model.name] is None]
    found = []
    with Transfers("saving", len(missing), _total(missing)) as transfers:
        for model in listed:
            checksum = kept[model.name]
            if checksum is None or model.size is None:
                found.append(await _download(target, server, model, transfers, as_writer=as_writer))
            else:
                found.append(_entry(model, model.hash, model.size, checksum))
    return found


async def _download(
    target: BackupDirectory, server: ModelServerClient, model: Model, transfers: Transfers, *, as_writer: bool
) -> SavedModel:
    checksum, size = sha256(), 0
    transfers.begin(model.name, model.size)
    with target.writing_model(model.name) as write:

        def take(chunk: bytes) -> None:
            nonlocal size
            write(chunk)
            checksum.update(chunk)
            size += len(chunk)
            transfers.advance(len(chunk))

        answered = await server.files.download(model.name, take, as_writer=as_writer)
        if model.size not in (None, size):
            raise CommandError(f"model {model.name} was replaced while it was downloaded; run the backup again")
    return _entry(model, answered, size, checksum.hexdigest())


def _entry(model: Model, answered: str, size: int, checksum: str) -> SavedModel:
    tags = sorted(model.tags)
    return SavedModel(name=model.name, hash=answered, size=size, sha256=checksum, tags=tags)


def _age(model: Model) -> tuple[float, float, str]:
    """Return what orders models like `spec.follow.newestBy: UploadTime`, the newest last."""
    return model.uploaded_at or 0.0, model.trained_at or 0.0, model.name


def _total(models: Iterable[Model]) -> int:
    return sum(model.size or 0 for model in models)
