"""What a person reads when a command cannot do what it was asked for: one line, and exit code 1."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import NoReturn

import typer

from rasa_environments.cluster.errors import ApiError, ConfigurationError
from rasa_environments.rasa.errors import RasaError

DENIED = "denied request: "
"""What stands before a ValidatingAdmissionPolicy's own words (k8s.io/apiserver, admission/plugin/policy/validating)."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells count it: 128 + SIGINT."""


class CommandError(Exception):
    """The command cannot go on: the message says what is wrong, where, and what to do."""


def execute(command: Coroutine[None, None, None]) -> None:
    """Runs the command to its end; what it cannot do becomes `error: ...` on stderr and exit code 1."""
    try:
        asyncio.run(command)
    except ApiError as error:
        fail(explained(error))
    except (CommandError, ConfigurationError) as error:
        fail(str(error))
    except RasaError as error:
        fail(error.explained)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def fail(message: str, *further: str) -> NoReturn:
    """Ends the command with these lines on stderr and exit code 1."""
    sys.stderr.write("".join(f"error: {line}\n" for line in (message, *further)))
    raise typer.Exit(1)


def explained(error: ApiError) -> str:
    """An answer of the API server in words that say what to do."""
    match error.status:
        case 0:
            return f"{error.message}; check --kubeconfig, --context and that the cluster runs"
        case 401:
            return f"the API server does not accept these credentials ({error}); check --kubeconfig and --context"
        case 403:
            return _forbidden(error.message)
        case 404 if _unknown_kind(error):
            return (
                "this cluster does not know the resources of rasa-environments.io; install them: kubectl apply -f crds/"
            )
        case 404:
            return f"{error.message}; check the name and --namespace"
    return f"the API server refuses this: {error.message or error.reason}"


def _forbidden(message: str) -> str:
    """Why something is not permitted: a policy's own words, or those of the authorizer."""
    _, denied, words = message.partition(DENIED)
    if denied:
        return words
    return f"the API server does not permit this: {message}; ask for the right, or use another --context"


def _unknown_kind(error: ApiError) -> bool:
    """Whether it is the kind that is not there, and not an object (an unknown path is answered in plain text)."""
    return "could not find the requested resource" in error.message or "page not found" in error.message
