"""What differs between generations of model servers: command line, default channels, known Rasa versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.context import Context
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.secret_variables import JWT_VARIABLE, TOKEN_VARIABLE

ENDPOINTS_FILE = "endpoints.yml"
CREDENTIALS_FILE = "credentials.yml"


@dataclass(frozen=True)
class ProfileRules:
    """How an environment of a profile is run."""

    arguments: Callable[[Context], list[str]]
    """Arguments of the image's entrypoint `rasa`."""
    default_credentials: Callable[[Context], JsonObject]
    """Channels where the spec names none."""
    majors: frozenset[int]
    """Major versions of Rasa that the profile runs."""


def run_arguments(context: Context) -> list[str]:
    """`rasa run` with the HTTP API: what an open-source server of 2.x and 3.x takes."""
    rasa = context.spec.rasa
    arguments = [
        "run",
        "--enable-api",
        "--port",
        str(context.port),
        "--endpoints",
        ENDPOINTS_FILE,
        "--credentials",
        CREDENTIALS_FILE,
        "--auth-token",
        f"$({TOKEN_VARIABLE})",
        "--cors",
        (rasa and rasa.cors) or "*",
    ]
    if context.spec.jwt is not None:
        arguments += ["--jwt-method", context.spec.jwt.method or "HS256", "--jwt-secret", f"$({JWT_VARIABLE})"]
    return arguments + list((rasa and rasa.extra_args) or ())


PROFILES: Mapping[Profile, ProfileRules] = {
    Profile.MODEL_SERVER: ProfileRules(
        arguments=run_arguments,
        default_credentials=lambda _: {"rest": None},
        majors=frozenset({2, 3}),
    ),
}


def profile_of(context: Context) -> ProfileRules:
    """The rules of the profile that the environment's server has."""
    return PROFILES[Profile(context.server.spec.profile)]


def image_of(context: Context) -> str:
    """The container image: as given, or the vendor's of the version.

    Raises SpecError where neither is given, or the profile does not run that version.
    """
    rasa = context.spec.rasa
    if rasa is not None and rasa.version is not None:
        major = int(rasa.version.split(".")[0])
        known = profile_of(context).majors
        if major not in known:
            versions = " and ".join(f"{number}.x" for number in sorted(known))
            raise SpecError(
                f"spec.rasa.version {rasa.version} is not known to the profile {context.server.spec.profile}, "
                f"which runs Rasa {versions}: set such a version, for example 3.6.21"
            )
    if rasa is not None and rasa.image is not None:
        return rasa.image
    if rasa is None or rasa.version is None:
        raise SpecError(
            "spec.rasa.version is missing: set it, for example to 3.6.21, or set spec.rasa.image, "
            f"here or in spec.defaults of ModelServer {context.server.metadata.key}"
        )
    return f"rasa/rasa:{rasa.version}-full"
