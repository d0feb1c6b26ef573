"""The command line: `rasa-environments`, and for kubectl `kubectl rasa`."""

from rasa_environments.cli.application import main

__all__ = ["main"]
