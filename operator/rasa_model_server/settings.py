"""The settings of the server."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from rasa_model_server.credentials import Credentials
from rasa_model_server.logins import MINIMUM_JWT_SECRET_BYTES
from rasa_model_server.names import name_problem
from rasa_model_server.rasa_x.environments_file import EnvironmentsFileError, read_environments
from rasa_model_server.rasa_x.profiles import MODEL_SERVER, Profile
from rasa_model_server.storage import EnvironmentRecord
from rasa_model_server.storage.opening import directory_of
from rasa_model_server.storage.retention import Retention
from rasa_model_server.users import NoUsers, UsersFileError, UsersOfFile, UserStore

DEFAULT_PORT = 5002
DEFAULT_MAXIMUM_MODEL_BYTES = 4 * 1024**3
UNPACKED_FACTOR = 8
"""How many times the largest model file a model may unpack to, unless told otherwise."""

LogFormat = Literal["text", "json"]


class SettingsError(Exception):
    """The settings are unusable. The message is one line that says what to do."""


@dataclass(frozen=True)
class Settings:
    """The settings of one server. Sizes are bytes."""

    storage: str | None = None
    """Where the server keeps what it writes. None: below the adopted place."""
    adopt: str | None = None
    """A bucket or directory whose model files are served as they are."""
    redirect: bool = False
    """Whether pulls of adopted models are sent to a signed URL of the bucket."""
    credentials: Credentials = field(default_factory=Credentials)
    insecure_no_authentication: bool = False
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    project: str = "default"
    max_model_bytes: int = DEFAULT_MAXIMUM_MODEL_BYTES
    max_unpacked_bytes: int | None = None
    retention: Retention = field(default_factory=Retention)
    """Which models are kept. By default all."""
    endpoints_file: Path | None = None
    credentials_file: Path | None = None
    environments_file: Path | None = None
    users_file: Path | None = None
    allow_loopback: bool | None = None
    """Whether environments' servers are asked at loopback addresses; None: only outside of a cluster."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks whose X-Forwarded-For says who is calling."""
    log_format: LogFormat = "text"
    profile: Profile = MODEL_SERVER

    @property
    def loopback_allowed(self) -> bool:
        """Whether environments' servers are asked at loopback addresses, which in a pod lead to this server."""
        if self.allow_loopback is not None:
            return self.allow_loopback
        return "KUBERNETES_SERVICE_HOST" not in os.environ

    @property
    def unpacked_limit(self) -> int:
        """How many bytes a model may unpack to."""
        return self.max_unpacked_bytes or self.max_model_bytes * UNPACKED_FACTOR


def check_settings(settings: Settings) -> None:
    """Refuse settings that cannot work, or that would leave the server open by accident.

    Raises SettingsError, which says what to do.
    """
    credentials = settings.credentials
    if credentials.username.configured != credentials.password.configured:
        missing = "PASSWORD" if credentials.username.configured else "USERNAME"
        raise SettingsError(
            f"a login takes a username and a password: set RASA_MODEL_SERVER_{missing} (or its file option) too"
        )
    if not (credentials.any_configured or settings.users_file or settings.insecure_no_authentication):
        raise SettingsError(
            "no token is configured, so anybody could read and write the models: set RASA_MODEL_SERVER_TOKEN and "
            "RASA_MODEL_SERVER_API_TOKEN (for example to the output of `openssl rand -hex 32`), or --token-file and "
            "--api-token-file, or say --insecure-no-authentication"
        )
    if (credentials.any_configured or settings.users_file) and settings.insecure_no_authentication:
        raise SettingsError(
            "--insecure-no-authentication is given together with tokens, which it would ignore: leave one of them out"
        )
    jwt_secret = credentials.jwt_secret.reveal()
    if jwt_secret is not None and len(jwt_secret.encode()) < MINIMUM_JWT_SECRET_BYTES:
        raise SettingsError(
            f"RASA_MODEL_SERVER_JWT_SECRET is shorter than {MINIMUM_JWT_SECRET_BYTES} bytes: "
            "take the output of `openssl rand -hex 32`"
        )
    if name_problem("model", settings.project) is not None:
        raise SettingsError(f"--project {settings.project!r}: use letters, digits, '.', '_' and '-'")
    for option, file in (
        ("--endpoints-file", settings.endpoints_file),
        ("--credentials-file", settings.credentials_file),
        ("--environments-file", settings.environments_file),
        ("--users-file", settings.users_file),
    ):
        if file is not None and not file.is_file():
            raise SettingsError(f"{option} {file}: there is no such file")
    _check_trusted_proxies(settings.trusted_proxies)
    _check_retention(settings.retention)
    if settings.redirect and (settings.adopt is None or directory_of(settings.adopt) is not None):
        raise SettingsError("--redirect is for the models of a bucket: give --adopt s3://, gs:// or az:// with it")
    if settings.environments_file is not None and settings.profile.rasa_x is None:
        raise SettingsError(
            "--environments-file is read by the profiles of Rasa X only, and this is --profile "
            f"{settings.profile.name}: leave it out, or choose another profile"
        )


def _check_retention(retention: Retention) -> None:
    if retention.dry_run and not retention.enabled:
        raise SettingsError("--retention-dry-run has nothing to show: give --retain-models or --retain-days with it")


def _check_trusted_proxies(networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            raise SettingsError(
                f"--trusted-proxies {network!r}: write addresses or networks, as in 10.0.0.7,10.1.0.0/16"
            ) from None


def environments_of(settings: Settings) -> tuple[EnvironmentRecord, ...]:
    """Return the environments in the file that the settings name, if any.

    Raises SettingsError if the file cannot be used.
    """
    if settings.environments_file is None:
        return ()
    try:
        return read_environments(settings.environments_file)
    except EnvironmentsFileError as error:
        raise SettingsError(f"--environments-file {settings.environments_file}: {error}") from None


def users_of(settings: Settings) -> UserStore:
    """Return the users in the file that the settings name, if any.

    Raises SettingsError if the file cannot be used.
    """
    if settings.users_file is None:
        return NoUsers()
    try:
        return UsersOfFile(settings.users_file)
    except UsersFileError as error:
        raise SettingsError(f"--users-file {settings.users_file}: {error}") from None
