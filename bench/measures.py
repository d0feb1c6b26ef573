"""What was measured, and the file that keeps it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.process_usage import Machine


@dataclass(frozen=True)
class Measure:
    """One row of the table: a figure of ours, and that of a peer where there is one."""

    name: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    must: str = ""
    """What it has to be: a ratio, or a figure with its unit."""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's; None without a peer."""
        return self.ours / self.peer if self.peer else None


@dataclass(frozen=True)
class Measured:
    """The measures of an area, how they were taken, and the figures that they are made of."""

    measures: Sequence[Measure]
    machine: Machine
    method: str
    """What was done, in a sentence or two; rounds and counts included."""
    figures: Mapping[str, Any] = field(default_factory=dict)


def keep(path: Path, areas: Mapping[str, Measured]) -> None:
    """Write the areas into the file; other areas in it stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there = json.loads(path.read_text()) if path.exists() else {}
    there |= {area: asdict(measured) for area, measured in areas.items()}
    path.write_text(json.dumps(there, indent=1, default=str) + "\n")


def kept(path: Path) -> dict[str, Measured]:
    """Return the areas in the file. Raises FileNotFoundError."""
    return {
        area: Measured(
            measures=[Measure(**measure) for measure in entry["measures"]],
            machine=Machine(**entry["machine"]),
            method=entry["method"],
            figures=entry["figures"],
        )
        for area, entry in json.loads(path.read_text()).items()
    }
