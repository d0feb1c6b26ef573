"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How often, and with how many environments."""

    rounds: int = 3
    """Of each side, in turns."""
    count: int = 250
    """Environments that are created at once."""
    large: bool = False
    """Whether to go on to 3000 environments."""
