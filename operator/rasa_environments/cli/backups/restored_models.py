"""Uploading the models of a backup, and setting their tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rasa_environments.api.model_server import ModelServer
from rasa_environments.cli.access import Session
from rasa_environments.cli.backups.directory import BackupDirectory, SavedModel
from rasa_environments.cli.backups.transfers import Transfers
from rasa_environments.cli.model_server_access import ModelServerOptions
from rasa_environments.cli.permission import permission, rights_to_promote
from rasa_environments.cli.tables import console
from rasa_environments.cli.writing import SUFFIXES, DryRun
from rasa_environments.cluster.resources import MODEL_SERVERS
from rasa_environments.rasa.listing import Model
from rasa_environments.rasa.model_server import ModelServerClient


@dataclass(frozen=True)
class RestoredModels:
    """A model server, as whoever may upload to it and promote."""

    connected: Session
    server: ModelServerClient
    options: ModelServerOptions
    dry_run: DryRun = DryRun.NONE

    async def restore(self, source: BackupDirectory, models: Sequence[SavedModel]) -> list[str]:
        """Upload the models that are missing, set the tags that no model has, and return what was not restored."""
        listed = {model.name: model for model in await self._listed()}
        taken = [model for model in models if model.name in listed and not is_same(listed[model.name], model)]
        missing = [model for model in models if model.name not in listed]
        if self.dry_run is DryRun.NONE:
            await self._upload(source, missing)
        self._say(f"{len(missing)} models uploaded, {len(models) - len(missing)} were there")
        names = {model.name for model in taken}
        tags = await self._restore_tags([model for model in models if model.name not in names])
        return [f"model {model.name}: there is another model of this name" for model in taken] + tags

    async def _upload(self, source: BackupDirectory, missing: Sequence[SavedModel]) -> None:
        with Transfers("uploading", len(missing), sum(model.size for model in missing)) as transfers:
            for model in missing:
                transfers.begin(model.name, model.size)
                await self.server.upload(source.model_file(model.name), transfers.advance)

    async def _restore_tags(self, models: Sequence[SavedModel]) -> list[str]:
        """Set the tags that no model has, each with the permission that a promotion takes."""
        wanted = {tag: model.name for model in models for tag in model.tags}
        if not wanted:
            return []
        carried = {tag: model.name for model in await self._listed() for tag in model.tags}
        left_out = []
        server = await self.connected.get(ModelServer, MODEL_SERVERS, self.options.name)
        for tag, model in missing_tags(wanted, carried).items():
            allowed = await permission(self.connected.client, tag, rights_to_promote(tag, server.metadata.namespace))
            if allowed.allowed:
                if self.dry_run is DryRun.NONE:
                    await self.server.put_tag(model, tag)
                self._say(f"tag {tag} set on {model}")
            else:
                left_out.append(f"tag {tag} of model {model}: {allowed.reason}")
        elsewhere = {tag: on for tag, on in carried.items() if tag in wanted and on != wanted[tag]}
        return left_out + [
            f"tag {tag} of model {wanted[tag]}: model {on} has it now" for tag, on in sorted(elsewhere.items())
        ]

    def _say(self, done: str) -> None:
        console().print(done + SUFFIXES[self.dry_run], markup=False)

    async def _listed(self) -> tuple[Model, ...]:
        return await self.server.models(as_writer=self.options.token_file is not None)


def is_same(listed: Model, saved: SavedModel) -> bool:
    """Return whether the server has the model of the backup: its hash is the one saved, or that of the file."""
    return listed.hash in (saved.hash, saved.sha256)


def missing_tags(wanted: Mapping[str, str], carried: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that no model has, and the models that are to have them."""
    return {tag: model for tag, model in sorted(wanted.items()) if tag not in carried}
