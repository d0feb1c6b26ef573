"""Differences between generations of model servers: command line, variables, defaults and uniqueness rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer, Profile
from rasa_environments.api.workload import ProImage
from rasa_environments.desired.command_line import jwt_variables, rasa_pro_arguments, run_arguments, x_arguments
from rasa_environments.desired.compose import (
    ACTION_ENDPOINT,
    COMMON_QUEUE,
    DATABASE_USER,
    LOGIN_DATABASE,
    compose_variables,
)
from rasa_environments.desired.context import Context, own_queue, profile_of_environment
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.secret_variables import LICENSE_VARIABLE, MODEL_SERVER_TOKEN_VARIABLE, TOKEN_VARIABLE

ENDPOINTS_FILE = "endpoints.yml"
CREDENTIALS_FILE = "credentials.yml"
LEGACY_LICENSE_VARIABLE = "RASA_PRO_LICENSE"
"""The only variable for the licence before Rasa Pro 3.13 (rasa/utils/licensing.py)."""
RASA_PRO_REPOSITORY = "rasa/rasa-pro"
LAST_OPEN_SOURCE = (3, 6)
"""Minor version of the last open-source releases (the package rasa on PyPI ends with 3.6.21)."""
FIRST_RASA_PRO = (3, 8)
"""Minor version of the first releases of the package rasa-pro on PyPI."""


@dataclass(frozen=True)
class ProfileRules:
    """How environments of a profile are run, in the order of docs/explanation/profiles.md."""

    arguments: Callable[[Context], list[str]]
    """Arguments for the entrypoint of the image, `rasa`."""
    majors: frozenset[int]
    """Major versions of Rasa that the profile supports."""
    example: str
    """A version to suggest in messages."""
    image: Callable[[Context, str], str] = lambda _, version: f"rasa/rasa:{version}-full"
    """The vendor's image of a version."""
    first_release: tuple[int, ...] = ()
    """The first release that the profile knows how to run."""
    variables: Callable[[Context], Mapping[str, str]] = lambda _: {}
    """Variables besides those of every profile; none of them is secret."""
    repeated_variables: Mapping[str, str] = field(default_factory=dict)
    """Further names of secret values: the variable whose value each of them has, too."""
    queue: Callable[[Context], str] = lambda _: "rasa_core_events"
    """Default queue of RabbitMQ."""
    database_user: str | None = None
    """Default user of the tracker store's database."""
    login_database: str | None = None
    """Default database that the tracker store logs in to first."""
    action_endpoint: str | None = None
    """Default webhook of the action server."""
    rasa_channel: bool = False
    """Whether the server chats through the channel `rasa`, which every environment then has."""
    configured_by_server: bool = False
    """Whether the Rasa servers take endpoints and channels from the model server instead of from files."""
    token_in_address: bool = False
    """Whether Rasa inserts the pull token into a URL without escaping it (RasaHQ/rasa#9258)."""
    jwt: bool = False
    """Whether the command line requires a JWT secret; one is generated if none is given."""
    own_queue_and_database: bool = False
    """Whether two environments that share a queue or a database are rejected."""
    tag_is_environment: bool = False
    """Whether an environment must use the tag of its own name."""
    names_exchange_and_keys: bool = True
    """Whether Rasa accepts the name of a RabbitMQ exchange and a prefix of Redis keys; 1.x accepts neither."""
    asks_production: bool = False
    """Whether the server asks production before it accepts a model or tag, so that production must be reachable before
    it has a model."""


def _rasa_pro_image(context: Context, version: str) -> str:
    """Return the image of Rasa Pro from where the spec or the defaults say that its images are."""
    source = (context.spec.rasa and context.spec.rasa.pro_image) or ProImage()
    registry = f"{source.registry}/" if source.registry else ""
    return f"{registry}{source.repository or RASA_PRO_REPOSITORY}:{version}{source.tag_suffix or ''}"


def _x_configured_by_rasa_x(context: Context) -> list[str]:
    """Return the arguments of `rasa x` with the configuration URL of Rasa X 0.32, whose token only the pod knows."""
    if MODEL_SERVER_TOKEN_VARIABLE not in context.secret_values:
        raise SpecError(
            "the profile RasaX-0.32 reads its configuration from Rasa X with a token: name a Secret with the key token "
            f"in spec.credentialsSecretRef of ModelServer {context.server.metadata.key}"
        )
    return x_arguments(context, "$(RASA_X_HOST)/api/config?token=$(RASA_X_TOKEN)")


def _configured_by_rasa_x(context: Context) -> Mapping[str, str]:
    """Return the variables of Rasa X 0.32, whose own configuration reads the pull interval from a variable."""
    if context.rolls_on_promotion:
        raise SpecError(
            "spec.model.updateStrategy RollingUpdate is not supported with the profile RasaX-0.32, whose servers get "
            "the pull interval from Rasa X and always pull: use InPlace"
        )
    return compose_variables(context, COMMON_QUEUE)


PROFILES: Mapping[Profile, ProfileRules] = {
    Profile.RASA_X_0_2: ProfileRules(
        arguments=x_arguments,
        majors=frozenset({1}),
        example="1.10.26",
        variables=lambda context: compose_variables(context, own_queue(context.environment)),
        queue=lambda context: own_queue(context.environment),
        database_user=DATABASE_USER,
        login_database=LOGIN_DATABASE,
        action_endpoint=ACTION_ENDPOINT,
        rasa_channel=True,
        jwt=True,
        own_queue_and_database=True,
        names_exchange_and_keys=False,
        asks_production=True,
    ),
    Profile.RASA_X_0_32: ProfileRules(
        arguments=_x_configured_by_rasa_x,
        majors=frozenset({1}),
        example="1.10.26",
        variables=_configured_by_rasa_x,
        queue=lambda _: COMMON_QUEUE,
        database_user=DATABASE_USER,
        login_database=LOGIN_DATABASE,
        action_endpoint=ACTION_ENDPOINT,
        configured_by_server=True,
        token_in_address=True,
        rasa_channel=True,
        jwt=True,
        names_exchange_and_keys=False,
        asks_production=True,
    ),
    Profile.RASA_ENTERPRISE_1_0: ProfileRules(
        arguments=run_arguments,
        majors=frozenset({2, 3}),
        example="2.8.34",
        queue=lambda _: COMMON_QUEUE,
        rasa_channel=True,
        tag_is_environment=True,
        asks_production=True,
    ),
    Profile.OPEN_SOURCE: ProfileRules(arguments=run_arguments, majors=frozenset({2, 3}), example="3.6.21"),
    Profile.RASA_PRO: ProfileRules(
        arguments=rasa_pro_arguments,
        variables=jwt_variables,
        repeated_variables={"AUTH_TOKEN": TOKEN_VARIABLE, LEGACY_LICENSE_VARIABLE: LICENSE_VARIABLE},
        majors=frozenset({3}),
        example="3.21.0",
        image=_rasa_pro_image,
        first_release=FIRST_RASA_PRO,
    ),
}


def rules_of(server: ModelServer) -> ProfileRules:
    """Return the rules of a server's profile."""
    return PROFILES[Profile(server.spec.profile)]


def profile_of(context: Context) -> ProfileRules:
    """Return the rules of the environment's profile."""
    return PROFILES[context.profile]


def require_tag_of_its_name(environment: DeploymentEnvironment, server: ModelServer) -> None:
    """Check that tag and environment have the same name, if the profile requires it. Raises SpecError.

    "This value must match the target model tag and the name specified in the UI" (page of Rasa Enterprise 1.0).
    """
    if rules_of(server).tag_is_environment and environment.tag != environment.environment:
        raise SpecError(
            f"spec.tag {environment.tag} is not the environment's name {environment.environment}: with the profile "
            f"{server.spec.profile} they are one; leave spec.tag out, or name the environment {environment.tag}"
        )


def image_of(context: Context) -> str:
    """Return the container image: that of the spec, or the vendor's for the version.

    Raises SpecError where neither is given, or the profile does not support the version.
    """
    rasa, rules = context.spec.rasa, profile_of(context)
    if rasa is not None and rasa.version is not None:
        unknown = _unknown_version(context.profile, rasa.version)
        if unknown is not None:
            raise SpecError(unknown)
    if rasa is not None and rasa.image is not None:
        return rasa.image
    if rasa is None or rasa.version is None:
        raise SpecError(
            f"spec.rasa.version is missing: set it, for example to {rules.example}, or set spec.rasa.image, "
            f"here or in spec.defaults of ModelServer {context.server.metadata.key}"
        )
    without_image = _without_image(context.profile, rasa.version)
    if without_image is not None:
        raise SpecError(without_image)
    return rules.image(context, rasa.version)


def unsupported_version(
    environment: DeploymentEnvironment, server: ModelServer, version: str, *, own_image: bool
) -> str | None:
    """Return why the environment's profile does not run the version; None if it does."""
    profile = profile_of_environment(environment, server)
    return _unknown_version(profile, version) or (None if own_image else _without_image(profile, version))


def _unknown_version(profile: Profile, version: str) -> str | None:
    """Return why the profile does not support the version, whatever the image; None if it does."""
    rules = PROFILES[profile]
    if _minor(version)[0] not in rules.majors:
        versions = " and ".join(f"{number}.x" for number in sorted(rules.majors))
        return (
            f"spec.rasa.version {version} is not supported by the profile {profile}, "
            f"which runs Rasa {versions}: set one of them, for example {rules.example}"
        )
    if _minor(version) < rules.first_release:
        first = ".".join(map(str, rules.first_release))
        return (
            f"spec.rasa.version {version} is not supported by the profile {profile}, which runs Rasa {first} "
            f"or later: set such a version, for example {rules.example}, or set spec.profile to OpenSource"
        )
    return None


def _without_image(profile: Profile, version: str) -> str | None:
    """Return why the vendor has no image of the version for the profile; None if there is one."""
    if profile is Profile.RASA_PRO or _minor(version) <= LAST_OPEN_SOURCE:
        return None
    return (
        f"spec.rasa.version {version} is a release of Rasa Pro, of which there is no image for the profile "
        f"{profile}: set spec.profile to RasaPro, with a ModelServer of the profile OpenSource or RasaPro, "
        f"or set an open-source version, for example {PROFILES[profile].example}"
    )


def _minor(version: str) -> tuple[int, int]:
    """Return the major and minor version."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
