"""The command line: `rasa-environments`, and for kubectl `kubectl rasa`."""

import gc
import sys
from pathlib import PurePath

__all__ = ["main"]

KUBECTL_PLUGIN = "kubectl-rasa"
COMPLETION = "__complete"
"""In place of a command, as cobra calls it: completes the words that follow."""
OBJECTS_PER_COLLECTION = 100_000
"""Objects after which the garbage collector looks for cycles: by default, it takes a third of the time of a command."""


def main() -> None:
    """Run the command in the arguments; as a kubectl plugin, its name in help texts is `kubectl rasa`."""
    program, *arguments = sys.argv
    if arguments[:1] == [COMPLETION]:
        from rasa_environments.cli.completion.program import complete  # noqa: PLC0415 - it is done before the rest loads

        complete(arguments[1:])
    from rasa_environments.cli.commands import MODULES, application_of  # noqa: PLC0415

    named = [name for name in MODULES if name in arguments[:1]]
    if named != ["run"]:
        gc.set_threshold(OBJECTS_PER_COLLECTION)
    application = application_of(named or MODULES)
    application(prog_name="kubectl rasa" if PurePath(program).name == KUBECTL_PLUGIN else "rasa-environments")
