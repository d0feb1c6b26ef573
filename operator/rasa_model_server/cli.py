"""The command line."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from rasa_model_server import __version__
from rasa_model_server.application import create_application, open_stores
from rasa_model_server.credentials import Credentials, Secret
from rasa_model_server.log import set_up_log
from rasa_model_server.rasa_x.profiles import PROFILES, ProfileName
from rasa_model_server.server import bind, configuration_of, serve, url_of
from rasa_model_server.settings import (
    DEFAULT_MAXIMUM_MODEL_BYTES,
    DEFAULT_PORT,
    LogFormat,
    Settings,
    SettingsError,
    check_settings,
)
from rasa_model_server.storage import StorageError
from rasa_model_server.storage.retention import Retention

PREFIX = "RASA_MODEL_SERVER_"
"""Of the variables. None is called PORT: a Kubernetes Service named rasa-model-server sets RASA_MODEL_SERVER_PORT to an
address, in all pods of its namespace."""

PROGRAM = "rasa-model-server"

application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _option(variable: str, text: str, *, minimum: int | None = None, maximum: int | None = None) -> object:
    return typer.Option(envvar=PREFIX + variable, help=text, min=minimum, max=maximum)


def _secret_file(variable: str, text: str) -> object:
    return typer.Option(
        envvar=f"{PREFIX}{variable}_FILE",
        help=f"File with {text}; or give {PREFIX}{variable} its value.",
        metavar="FILE",
    )


@application.command(help="Serve Rasa models and tags over HTTP from an object store.")
def run(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    storage: Annotated[
        str | None, _option("STORAGE", "A directory (it is created), s3://bucket/prefix, gs://, az:// or memory://.")
    ] = None,
    adopt: Annotated[
        str | None, _option("ADOPT", "A bucket or directory whose *.tar.gz are served, and never written or deleted.")
    ] = None,
    redirect: Annotated[
        bool, _option("REDIRECT", "Send pulls of adopted models to a signed URL of the bucket.")
    ] = False,
    profile: Annotated[
        ProfileName, _option("PROFILE", "The generation of Rasa X to answer as; ModelServer is none of them.")
    ] = "ModelServer",
    host: Annotated[str, _option("LISTEN_HOST", "Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[
        int, _option("LISTEN_PORT", "Port to listen on; 0 for any free one.", minimum=0, maximum=65535)
    ] = DEFAULT_PORT,
    project: Annotated[str, _option("PROJECT", "The project that all models are in.")] = "default",
    token_file: Annotated[Path | None, _secret_file("TOKEN", "the service token, which pulls models")] = None,
    api_token_file: Annotated[Path | None, _secret_file("API_TOKEN", "the api token, which also writes")] = None,
    username_file: Annotated[Path | None, _secret_file("USERNAME", "the name to log in with")] = None,
    password_file: Annotated[Path | None, _secret_file("PASSWORD", "the password to log in with")] = None,
    jwt_secret_file: Annotated[Path | None, _secret_file("JWT_SECRET", "the key that logins are signed with")] = None,
    insecure_no_authentication: Annotated[
        bool, typer.Option("--insecure-no-authentication", help="Let everybody read and write everything.")
    ] = False,
    max_model_bytes: Annotated[
        int, _option("MAX_MODEL_BYTES", "Largest model file that is taken.", minimum=1)
    ] = DEFAULT_MAXIMUM_MODEL_BYTES,
    max_unpacked_bytes: Annotated[
        int | None,
        _option("MAX_UNPACKED_BYTES", "Largest size that a model may unpack to; 8 times the above.", minimum=1),
    ] = None,
    retain_models: Annotated[
        int | None,
        _option("RETAIN_MODELS", "Delete untagged models but the last uploaded or tagged; else all stay.", minimum=1),
    ] = None,
    retain_days: Annotated[
        int | None,
        _option(
            "RETAIN_DAYS",
            "Delete untagged models that were not uploaded or tagged for so long.",
            minimum=1,
            maximum=36500,
        ),
    ] = None,
    retention_dry_run: Annotated[
        bool, _option("RETENTION_DRY_RUN", "Only name in the log which models would be deleted.")
    ] = False,
    endpoints_file: Annotated[
        Path | None, _option("ENDPOINTS_FILE", "endpoints.yml that /api/config answers with.")
    ] = None,
    credentials_file: Annotated[
        Path | None, _option("CREDENTIALS_FILE", "credentials.yml that /api/config answers with.")
    ] = None,
    environments_file: Annotated[
        Path | None, _option("ENVIRONMENTS_FILE", "environments.yml, for the profiles of Rasa X.")
    ] = None,
    users_file: Annotated[
        Path | None, _option("USERS_FILE", "Users who may do less than the one of --username-file.")
    ] = None,
    allow_loopback: Annotated[
        bool | None,
        _option("ALLOW_LOOPBACK", "Ask environments' servers at loopback addresses; else only outside of a cluster."),
    ] = None,
    trusted_proxies: Annotated[
        str, _option("TRUSTED_PROXIES", "Addresses and networks, with commas, whose X-Forwarded-For is believed.")
    ] = "",
    log_format: Annotated[LogFormat, _option("LOG_FORMAT", "How the log is written.")] = "text",
    version: Annotated[  # noqa: ARG001 - typer calls the callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Serve."""
    settings = Settings(
        storage=storage,
        adopt=adopt,
        redirect=redirect,
        credentials=Credentials(
            token=_secret("TOKEN", token_file),
            api_token=_secret("API_TOKEN", api_token_file),
            username=_secret("USERNAME", username_file),
            password=_secret("PASSWORD", password_file),
            jwt_secret=_secret("JWT_SECRET", jwt_secret_file),
        ),
        insecure_no_authentication=insecure_no_authentication,
        host=host,
        port=port,
        project=project,
        max_model_bytes=max_model_bytes,
        max_unpacked_bytes=max_unpacked_bytes,
        retention=Retention(retain_models, timedelta(days=retain_days) if retain_days else None, retention_dry_run),
        endpoints_file=endpoints_file,
        credentials_file=credentials_file,
        environments_file=environments_file,
        users_file=users_file,
        allow_loopback=allow_loopback,
        trusted_proxies=tuple(network.strip() for network in trusted_proxies.split(",") if network.strip()),
        log_format=log_format,
        profile=PROFILES[profile],
    )
    _serve(settings)


def main() -> None:
    """Run the command line. An error of the user ends it with one line and exit code 2."""
    try:
        code = application(prog_name=PROGRAM, standalone_mode=False)
    except (SettingsError, StorageError) as error:
        _fail(str(error))
    except TyperException as error:
        _fail(f"{error.format_message().rstrip('.')}: see {PROGRAM} --help")
    sys.exit(code)


def _fail(message: str) -> NoReturn:
    typer.echo(f"{PROGRAM}: {message}", err=True)
    sys.exit(2)


def _serve(settings: Settings) -> None:
    check_settings(settings)
    # Models and tokens are for this user alone, in a directory store as well.
    os.umask(0o077)
    stores = open_stores(settings)
    set_up_log(settings.log_format)
    starlette = create_application(settings, stores)
    with bind(settings) as listener:
        role = f" as {settings.profile.name}" if settings.profile.rasa_x is not None else ""
        open_to_all = ", without authentication" if settings.insecure_no_authentication else ""
        where = f"from {stores.description} on {url_of(listener)}"
        serve(configuration_of(starlette, settings), listener, f"Serving models {where}{role}{open_to_all}")


def _secret(variable: str, file: Path | None) -> Secret:
    value = os.environ.get(PREFIX + variable) or None
    option = f"--{variable.lower().replace('_', '-')}-file"
    if file is None:
        return Secret(value=value)
    if value is not None:
        raise SettingsError(f"{PREFIX + variable} and {option} are both given: leave one of them out")
    secret = Secret(file=file)
    if not file.is_file():
        raise SettingsError(f"{option} {file}: there is no such file")
    if secret.reveal() is None:
        raise SettingsError(f"{option} {file}: it is empty or cannot be read")
    return secret
