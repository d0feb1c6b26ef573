"""Errors of commands: one line for the user, and an exit code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import NoReturn, TypeAlias

import typer

from rasa_environments.cli.exit_codes import INTERRUPTED, ExitCode
from rasa_environments.cli.visible_text import visible
from rasa_environments.cluster.errors import ApiError, ConfigurationError
from rasa_environments.domain.advice import detailed_message_of
from rasa_environments.rasa.errors import (
    ModelNameConflictError,
    ModelRefusedError,
    RasaError,
    UnauthorizedError,
    UnknownModelError,
)

NewLoop: TypeAlias = Callable[[], asyncio.AbstractEventLoop]
DENIED = "denied request: "
"""Text before the message of a ValidatingAdmissionPolicy (k8s.io/apiserver, admission/plugin/policy/validating)."""


class CommandError(Exception):
    """The command failed; the message has problem, place and remedy."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


def execute(command: Coroutine[None, None, None], new_loop: NewLoop | None = None) -> None:
    """Run the command on a new event loop; errors become `error: ...` on stderr and an exit code."""
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(command)
    except ApiError as error:
        fail(explained(error), code=code_of(error))
    except CommandError as error:
        fail(str(error), code=error.code)
    except ConfigurationError as error:
        fail(str(error))
    except RasaError as error:
        fail(detailed_message_of(error), code=code_of_model_server(error))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def fail(message: str, *further: str, code: ExitCode = ExitCode.FAILED) -> NoReturn:
    """Exit with these lines on stderr and the exit code."""
    sys.stderr.write("".join(f"error: {visible(line)}\n" for line in (message, *further)))
    raise typer.Exit(code)


def code_of(error: ApiError) -> ExitCode:
    """Return the exit code for an error of the API server: a rejected request counts as refused, not failed."""
    match error.status:
        case 404:
            return ExitCode.NOT_FOUND
        case 408 | 429:  # it asks to come again
            return ExitCode.FAILED
        case status if 400 <= status < 500:
            return ExitCode.REFUSED
    return ExitCode.FAILED


def code_of_model_server(error: RasaError) -> ExitCode:
    """Return the exit code for an error of a model server."""
    if isinstance(error, UnknownModelError):
        return ExitCode.NOT_FOUND
    refused = isinstance(error, UnauthorizedError | ModelRefusedError | ModelNameConflictError)
    return ExitCode.REFUSED if refused else ExitCode.FAILED


def explained(error: ApiError) -> str:
    """Explain an error of the API server, with a remedy."""
    said = error.message or error.reason
    match error.status:
        case 0:
            return f"{said}; check --kubeconfig, --context and that the cluster runs"
        case 401:
            return f"the API server rejected these credentials ({said}); log in again, or use another --context"
        case 403:
            return _forbidden(said)
        case 404:
            return _not_found(error)
    if code_of(error) is ExitCode.REFUSED:
        return f"the API server refused this: {said}"
    return f"the API server is unavailable ({error.status}): {said}; try again"


def _not_found(error: ApiError) -> str:
    if _unknown_kind(error):
        return (
            "the CRDs of rasa-environments.io are not installed in this cluster; install them: kubectl apply -f crds/"
        )
    return f"{error.message or error.reason}; check the name and --namespace"


def _forbidden(message: str) -> str:
    """Explain why something is not permitted: in the words of a policy, or of the authorizer."""
    _, denied, words = message.partition(DENIED)
    if denied:
        return words
    return f"the API server denied this: {message}; ask for the permission, or use another --context"


def _unknown_kind(error: ApiError) -> bool:
    """Return whether the kind, rather than an object, does not exist (an unknown path is answered in plain text)."""
    return "could not find the requested resource" in error.message or "page not found" in error.message
