"""Faults between the operator and its servers: each fault is a value, and the lists of them are catalogues.

The catalogue of the API server's faults is in `api_server_faults`, that of model servers in `model_server_faults`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

import pytest

from rasa_environments.api.base import GROUP
from tests.chaos.actions import Action
from tests.chaos.calls import Call
from tests.chaos.proxy import Which, every
from tests.chaos.scene import Scene

BRIEF = 2.5
"""Seconds that a fault lasts in `make test`."""
BURST = 200
"""Requests that a fault may cause at once: every watch is opened again, everything listed, each object tried."""
UNREADY_SECONDS = 10.0
"""Time limit for an operator to report a fault that blinds it, if it can notice at once."""
SILENT_SECONDS = 60.0
"""The same if nothing tells it: the other side is silent."""


class Readiness(Enum):
    """What /readyz has to report while a fault lasts."""

    KEPT = "200 throughout"
    """The operator sees everything, whatever happens to its writes."""
    LOST = "503 within the limit, until the end"
    """It sees nothing, or not everything."""
    TRUE = "503 within the limit, or all changes are seen"
    """What it sees depends on timing."""
    ANY = "either"
    """It sees everything late: both answers are right."""


@dataclass(frozen=True)
class Fault:
    """One fault, and what is allowed while it lasts."""

    name: str
    strike: Callable[[Scene], None]
    """Begins it."""
    lift: Callable[[Scene], None] = lambda scene: scene.api.recover()
    """Ends it."""
    tick: Callable[[Scene, int], None] = lambda _scene, _second: None
    """Called every second while it lasts."""
    seconds: float = 30.0
    """How long it lasts with --chaos=full."""
    brief: float | None = None
    """How long it lasts in `make test`, if it is part of it."""
    readiness: Readiness = Readiness.LOST
    unready_within: float = UNREADY_SECONDS
    rate: float = 5.0
    """Requests a second that the operator may send while it lasts, on average, after a burst."""
    of: str = "api"
    """Whose fault it is: a prefix for names of objects."""
    puts: int = 1
    """How often the promoted tag may be written to the model server, once that receives the request."""

    @property
    def title(self) -> str:
        """The name, and whose fault it is."""
        return f"{self.of}: {self.name}"

    @property
    def slug(self) -> str:
        """The name as a part of names of objects."""
        words = re.sub("[^a-z0-9]+", "-", self.name.lower())
        return f"{self.of}-{words[:30].strip('-')}"

    def allowed(self, seconds: float) -> int:
        """How many requests it may send in so many seconds."""
        return int(BURST + self.rate * seconds)


def watches(call: Call) -> bool:
    """Calls that open a watch."""
    return call.is_watch


def lists(call: Call) -> bool:
    """Calls that list."""
    return call.is_list


def gets(call: Call) -> bool:
    """Calls that read one object."""
    return call.is_get


def writes(call: Call) -> bool:
    """Calls that write."""
    return call.writes


def own_group(call: Call) -> bool:
    """Calls about the operator's own kinds."""
    return call.place.group == GROUP


def strike(action: Action, which: Which = every, *, cuts: Which | None = None) -> Callable[[Scene], None]:
    """Apply an action to these calls to the API server from now on.

    Break open watches within an event, if requested.
    """

    def begin(scene: Scene) -> None:
        scene.api.fail(lambda call: action if which(call) else None)
        if cuts is not None:
            scene.api.cut(cuts, in_event=True)

    return begin


def chosen(catalogue: Iterable[Fault], config: pytest.Config) -> list[object]:
    """Return the requested faults as parameters, with the duration of each."""
    full, longest = config.getoption("chaos") == "full", config.getoption("chaos_seconds")
    durations = [(fault, min(fault.seconds, longest) if full else fault.brief) for fault in catalogue]
    return [pytest.param(fault, seconds, id=fault.name) for fault, seconds in durations if seconds is not None]
