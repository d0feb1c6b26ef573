"""The registered environments."""

from __future__ import annotations

from rasa_model_server.rasa_x.environment_rules import PRODUCTION, WORKER
from rasa_model_server.storage import Catalogue, EnvironmentRecord


class Registry:
    """The environments registered through the API. Until some are, and always with `file_only`, those of a file."""

    def __init__(
        self, catalogue: Catalogue, from_file: tuple[EnvironmentRecord, ...] = (), *, file_only: bool = False
    ) -> None:
        self._catalogue = catalogue
        self._from_file = from_file
        self._file_only = file_only

    async def environments(self) -> tuple[EnvironmentRecord, ...]:
        """Return all, in the order in which they were given."""
        if self._file_only:
            return self._from_file
        registered = await self._catalogue.environments()
        return registered if registered is not None else self._from_file

    async def replace(self, environments: tuple[EnvironmentRecord, ...]) -> None:
        """Register these environments, and no others."""
        await self._catalogue.replace_environments(environments)

    async def minimum_version(self) -> None:
        """Return None: nobody is asked what production loads. See `Production`."""

    async def reserved_tags(self) -> tuple[str, ...]:
        """Return the names of the environments that there always are, and of those that are registered."""
        return (PRODUCTION, WORKER, *(environment.name for environment in await self.environments()))
