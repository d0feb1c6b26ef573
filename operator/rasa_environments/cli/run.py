"""`run`: the operator."""

from __future__ import annotations

import logging

import typer

from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.setting_options import with_setting_options
from rasa_environments.runtime.logs import configure_logs
from rasa_environments.runtime.settings import Settings

logger = logging.getLogger(__name__)

EXIT_CODES = {
    ExitCode.DONE: "it was stopped by SIGTERM or Ctrl-C",
    ExitCode.FAILED: "the credentials or the address cannot be used, or the Lease was lost to another process",
}


@with_setting_options
def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or Ctrl-C stops it.

    Each of its own options can also be set by a variable RASA_ENVIRONMENTS_<OPTION>, for example
    RASA_ENVIRONMENTS_LOG_FORMAT.
    """
    import uvloop  # noqa: PLC0415 - the other commands make a request or two

    configure_logs(settings)
    execute(operate(settings), uvloop.new_event_loop)


async def operate(settings: Settings) -> None:
    """Run the operator; it is imported here, since the other commands do not need its modules."""
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
        raise CommandError(f"cannot serve health and metrics at {where} ({reason}); set --address or --port") from None
