"""The command line: `rasa-environments`, and for kubectl `kubectl rasa`."""

import sys
from pathlib import PurePath

from rasa_environments.cli.commands import MODULES, application_of

__all__ = ["main"]

KUBECTL_PLUGIN = "kubectl-rasa"


def main() -> None:
    """Run the command in the arguments; as a kubectl plugin, its name in help texts is `kubectl rasa`."""
    program, *arguments = sys.argv
    named = [name for name in MODULES if name in arguments[:1]]
    application = application_of(named or MODULES)
    application(prog_name="kubectl rasa" if PurePath(program).name == KUBECTL_PLUGIN else "rasa-environments")
