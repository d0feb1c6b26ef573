"""`run`: the operator."""

from __future__ import annotations

import logging
from typing import Annotated

import typer
from pydantic import ValidationError
from typer.models import OptionInfo

from rasa_environments.api.problems import problems
from rasa_environments.cli.cluster_options import ClusterOptions
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.runtime.logs import configure_logs
from rasa_environments.runtime.settings import LogFormat, LogLevel, Settings

logger = logging.getLogger(__name__)

DEFAULT = Settings()
VARIABLE_PREFIX = "RASA_ENVIRONMENTS_"
EXIT_CODES = {
    ExitCode.DONE: "it was stopped by SIGTERM or Ctrl-C",
    ExitCode.FAILED: "the credentials or the address cannot be used, or another process leads",
}


def setting(name: str, *flags: str) -> OptionInfo:
    """The option of a setting: its help is the setting's own, its variable RASA_ENVIRONMENTS_<NAME>."""
    option: OptionInfo = typer.Option(
        *flags, help=Settings.model_fields[name].description, envvar=VARIABLE_PREFIX + name.upper(), show_envvar=False
    )
    return option


def run(  # noqa: PLR0913, PLR0917 - one for each setting
    where: ClusterOptions,
    namespaces: Annotated[list[str] | None, setting("namespaces", "--namespace", "-n")] = None,
    workers: Annotated[int, setting("workers")] = DEFAULT.workers,
    model_server_interval: Annotated[float, setting("model_server_interval")] = DEFAULT.model_server_interval,
    served_interval: Annotated[float, setting("served_interval")] = DEFAULT.served_interval,
    accept_unchecked: Annotated[bool, setting("accept_unchecked")] = DEFAULT.accept_unchecked,
    resync_interval: Annotated[float, setting("resync_interval")] = DEFAULT.resync_interval,
    leader_elect: Annotated[bool, setting("leader_elect")] = DEFAULT.leader_elect,
    lease_namespace: Annotated[str | None, setting("lease_namespace")] = DEFAULT.lease_namespace,
    operator_namespace: Annotated[str | None, setting("operator_namespace")] = DEFAULT.operator_namespace,
    operator_selector: Annotated[str | None, setting("operator_selector")] = DEFAULT.operator_selector,
    allowed_injectors: Annotated[list[str] | None, setting("allowed_injectors", "--allowed-injector")] = None,
    allow_link_local: Annotated[bool, setting("allow_link_local")] = DEFAULT.allow_link_local,
    allow_loopback: Annotated[bool | None, setting("allow_loopback")] = DEFAULT.allow_loopback,
    address: Annotated[str, setting("address")] = DEFAULT.address,
    port: Annotated[int, setting("port")] = DEFAULT.port,
    log_format: Annotated[LogFormat, setting("log_format")] = DEFAULT.log_format,
    log_level: Annotated[LogLevel, setting("log_level")] = DEFAULT.log_level,
) -> None:
    """Run the operator until SIGTERM or Ctrl-C stops it.

    Each option of its own is also read from RASA_ENVIRONMENTS_<OPTION>, for example RASA_ENVIRONMENTS_LOG_FORMAT.
    """
    try:
        settings = Settings(
            credentials=where.source,
            namespaces=tuple(namespaces or ()),
            workers=workers,
            model_server_interval=model_server_interval,
            served_interval=served_interval,
            accept_unchecked=accept_unchecked,
            resync_interval=resync_interval,
            leader_elect=leader_elect,
            lease_namespace=lease_namespace,
            operator_namespace=operator_namespace,
            operator_selector=operator_selector,
            allowed_injectors=tuple(allowed_injectors or ()),
            allow_link_local=allow_link_local,
            allow_loopback=allow_loopback,
            address=address,
            port=port,
            log_format=log_format,
            log_level=log_level,
        )
    except ValidationError as error:
        raise typer.BadParameter("; ".join(problems(error))) from None
    configure_logs(settings)
    execute(operate(settings))


async def operate(settings: Settings) -> None:
    """Runs the operator. Imported here, since the other commands can do without all that it consists of."""
    from rasa_environments.cluster.lease import LeadershipLostError  # noqa: PLC0415
    from rasa_environments.runtime.operator import run as run_operator  # noqa: PLC0415

    try:
        await run_operator(settings)
    except LeadershipLostError as error:
        logger.error("stopped: %s", error)  # noqa: TRY400 - what happened is known, a traceback would add nothing
        raise typer.Exit(ExitCode.FAILED) from None
    except OSError as error:
        reason = error.strerror or str(error)
        where = f"{settings.address}:{settings.port}"
        raise CommandError(
            f"health and metrics cannot be served at {where} ({reason}); set --address, --port"
        ) from None
