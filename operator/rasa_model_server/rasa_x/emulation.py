"""What a server that emulates Rasa X has: it talks to the Rasa servers of its environments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter

from outbound_http.addresses import AddressPolicy
from rasa_model_server.authentication import Authenticator
from rasa_model_server.rasa_x.chat import chat_router
from rasa_model_server.rasa_x.health import rasa_x_health_router
from rasa_model_server.rasa_x.production import Production
from rasa_model_server.rasa_x.profiles import Profile, RasaX
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.rasa_x.servers import RasaServers
from rasa_model_server.rasa_x.versions import Versions
from rasa_model_server.web.access import Access
from rasa_model_server.web.model_check import ModelCheck


@dataclass(frozen=True)
class Emulation:
    """Routers, what production demands of models, and the closing of the connections to the Rasa servers."""

    routers: tuple[APIRouter, ...]
    check: ModelCheck
    aclose: Callable[[], Awaitable[None]]


def emulation(
    rasa_x: RasaX, profile: Profile, registry: Registry, authenticator: Authenticator, policy: AddressPolicy
) -> Emulation:
    """Return the emulation. Requests go only to addresses that the policy allows."""
    servers = RasaServers(policy)
    access = Access(authenticator)
    routers = (
        rasa_x_health_router(rasa_x, Versions(registry, servers), authenticator),
        chat_router(registry, servers, access, without_api=profile.paths_without_api),
    )
    return Emulation(routers, Production(registry, servers), servers.aclose)
