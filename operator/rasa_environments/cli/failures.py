"""What a person reads when a command cannot do what it was asked for: one line, and an exit code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import NoReturn

import typer

from rasa_environments.cli.exit_codes import INTERRUPTED, ExitCode
from rasa_environments.cluster.errors import ApiError, ConfigurationError
from rasa_environments.rasa.errors import ModelNameConflict, ModelRefused, RasaError, Unauthorized, UnknownModel

DENIED = "denied request: "
"""What stands before a ValidatingAdmissionPolicy's own words (k8s.io/apiserver, admission/plugin/policy/validating)."""


class CommandError(Exception):
    """The command cannot go on: the message says what is wrong, where, and what to do."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


def execute(command: Coroutine[None, None, None]) -> None:
    """Runs the command to its end; what it cannot do becomes `error: ...` on stderr and the exit code for it."""
    try:
        asyncio.run(command)
    except ApiError as error:
        fail(explained(error), code=code_of(error))
    except CommandError as error:
        fail(str(error), code=error.code)
    except ConfigurationError as error:
        fail(str(error))
    except RasaError as error:
        fail(error.explained, code=code_of_model_server(error))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def fail(message: str, *further: str, code: ExitCode = ExitCode.FAILED) -> NoReturn:
    """Ends the command with these lines on stderr and the exit code."""
    sys.stderr.write("".join(f"error: {line}\n" for line in (message, *further)))
    raise typer.Exit(code)


def code_of(error: ApiError) -> ExitCode:
    """The exit code for an answer of the API server: a request that it does not accept is refused, not failed."""
    match error.status:
        case 404:
            return ExitCode.NOT_FOUND
        case 408 | 429:  # it asks to come again
            return ExitCode.FAILED
        case status if 400 <= status < 500:
            return ExitCode.REFUSED
    return ExitCode.FAILED


def code_of_model_server(error: RasaError) -> ExitCode:
    """The exit code for what a model server answers."""
    if isinstance(error, UnknownModel):
        return ExitCode.NOT_FOUND
    refused = isinstance(error, Unauthorized | ModelRefused | ModelNameConflict)
    return ExitCode.REFUSED if refused else ExitCode.FAILED


def explained(error: ApiError) -> str:
    """An answer of the API server in words that say what to do."""
    said = error.message or error.reason
    match error.status:
        case 0:
            return f"{said}; check --kubeconfig, --context and that the cluster runs"
        case 401:
            return f"the API server does not accept these credentials ({said}); log in again, or use another --context"
        case 403:
            return _forbidden(said)
        case 404:
            return _not_found(error)
    if code_of(error) is ExitCode.REFUSED:
        return f"the API server refuses this: {said}"
    return f"the API server cannot answer now ({error.status}): {said}; try again"


def _not_found(error: ApiError) -> str:
    if _unknown_kind(error):
        return "this cluster does not know the resources of rasa-environments.io; install them: kubectl apply -f crds/"
    return f"{error.message or error.reason}; check the name and --namespace"


def _forbidden(message: str) -> str:
    """Why something is not permitted: a policy's own words, or those of the authorizer."""
    _, denied, words = message.partition(DENIED)
    if denied:
        return words
    return f"the API server does not permit this: {message}; ask for the right, or use another --context"


def _unknown_kind(error: ApiError) -> bool:
    """Whether it is the kind that is not there, and not an object (an unknown path is answered in plain text)."""
    return "could not find the requested resource" in error.message or "page not found" in error.message
