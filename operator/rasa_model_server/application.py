"""The ASGI application."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware import Middleware

from outbound_http.addresses import AddressPolicy
from rasa_model_server import __version__
from rasa_model_server.authentication import Authenticator
from rasa_model_server.metrics import Metrics
from rasa_model_server.rasa_x.configuration import DEFAULT_CREDENTIALS, DEFAULT_ENDPOINTS
from rasa_model_server.rasa_x.environments import environments_file_router, environments_router
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.settings import Settings, environments_of, users_of
from rasa_model_server.storage import Adoption, Catalogue, ReadingLimits, Storage
from rasa_model_server.storage.adopted.place import open_adopted, open_own
from rasa_model_server.storage.retention import retaining
from rasa_model_server.storage.sweeping import sweeping
from rasa_model_server.web.access import Access
from rasa_model_server.web.configuration import Configuration, configuration_router
from rasa_model_server.web.error_answers import EXCEPTION_HANDLERS
from rasa_model_server.web.exposition import Exposition, metrics_router
from rasa_model_server.web.front_page import front_page_router
from rasa_model_server.web.health import health_router, probe_router
from rasa_model_server.web.login import login_router
from rasa_model_server.web.model_routes import model_router
from rasa_model_server.web.models import Models
from rasa_model_server.web.observation import Observation
from rasa_model_server.web.openapi import DocumentedAPI, openapi_router
from rasa_model_server.web.pulls import pull_routes
from rasa_model_server.web.variant import ModelApi

if TYPE_CHECKING:
    from rasa_model_server.rasa_x.emulation import Emulation


@dataclass(frozen=True)
class Stores:
    """The store of what the server writes, and that of the files that it adopts, if any."""

    own: Storage
    adopted: Storage | None = None

    @property
    def description(self) -> str:
        """What to call them in a log."""
        if self.adopted is None:
            return self.own.description
        return f"{self.adopted.description}, with tags in {self.own.description},"


def open_stores(settings: Settings) -> Stores:
    """Open what the settings name.

    Raises StorageError if it cannot be opened.
    """
    adopted = open_adopted(settings.adopt) if settings.adopt is not None else None
    return Stores(open_own(settings.storage, settings.adopt), adopted)


def create_application(settings: Settings, stores: Stores | None = None) -> FastAPI:
    """Return the application for these settings.

    Raises StorageError if the store cannot be opened, and SettingsError if the environments or users cannot be read.
    """
    opened = stores if stores is not None else open_stores(settings)
    adoption = _adoption(settings, opened)
    catalogue = Catalogue(opened.own.store, opened.own.directory, adoption)
    metrics = Metrics()
    profile = settings.profile
    authenticator = Authenticator(
        settings.credentials,
        users_of(settings),
        anonymous=settings.insecure_no_authentication,
        another_kind=profile.credential_of_another_kind,
    )
    access = Access(authenticator)
    in_file = profile.rasa_x is not None and profile.rasa_x.environments_in_file
    registry = Registry(catalogue, environments_of(settings), file_only=in_file)
    api = ModelApi(
        settings.project, settings.max_model_bytes, settings.unpacked_limit, profile, redirects=settings.redirect
    )
    emulation = _emulation(settings, registry, authenticator)
    models = Models(catalogue, api, emulation.check if emulation is not None else registry)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        adopting = adoption.running() if adoption is not None else contextlib.nullcontext()
        async with sweeping(opened.own), retaining(catalogue, settings.retention), adopting:
            yield
        if emulation is not None:
            await emulation.aclose()

    application = DocumentedAPI(
        title="Rasa model server",
        version=__version__,
        description="Models and tags for Rasa, with the API of Rasa X.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url=None,
        middleware=[Middleware(Observation, metrics=metrics)],
        exception_handlers=dict(EXCEPTION_HANDLERS),
        lifespan=lifespan,
    )
    application.router.routes.extend(pull_routes(catalogue, api, access))
    for router in (
        model_router(models, api, access),
        login_router(authenticator),
        environments_file_router(registry, access) if in_file else environments_router(registry, access),
        configuration_router(_configuration(settings), access),
        *(emulation.routers if emulation is not None else (health_router(catalogue),)),
        probe_router(catalogue),
        metrics_router(Exposition(catalogue, metrics)),
        openapi_router(),
        front_page_router(),
    ):
        application.include_router(router)
    return application


def _adoption(settings: Settings, stores: Stores) -> Adoption | None:
    if stores.adopted is None:
        return None
    return Adoption(stores.adopted, stores.own, ReadingLimits(settings.max_model_bytes, settings.unpacked_limit))


def _emulation(settings: Settings, registry: Registry, authenticator: Authenticator) -> Emulation | None:
    """Return what a server that emulates Rasa X needs, or None for any other."""
    if settings.profile.rasa_x is None:
        return None
    # Only here: the HTTP client takes 6 MB, which a server that sends no requests does without.
    from rasa_model_server.rasa_x.emulation import emulation  # noqa: PLC0415

    policy = AddressPolicy(allow_loopback=settings.loopback_allowed)
    return emulation(settings.profile.rasa_x, settings.profile, registry, authenticator, policy)


def _configuration(settings: Settings) -> Configuration:
    rasa_x = settings.profile.rasa_x is not None
    return Configuration(
        settings.endpoints_file or (DEFAULT_ENDPOINTS if rasa_x else ""),
        settings.credentials_file or (DEFAULT_CREDENTIALS if rasa_x else ""),
    )
