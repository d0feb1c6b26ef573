"""The table of environments and tags, shown while it changes."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.padding import Padding

from local.api_server import ApiServer
from local.processes import ProcessFailedError
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.overview import EnvironmentRow, Overview, TagRow, overview
from rasa_environments.cli.tables import drawn, line
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_TAGS, Resource

GLANCE_SECONDS = 0.25
RELAXED_GLANCE_SECONDS = 1.0

Row = EnvironmentRow | TagRow


class View:
    """The environments and tags of one namespace; `check` raises if a process that they depend on has ended."""

    def __init__(self, api: ApiServer, namespace: str, console: Console, check: Callable[[], None]) -> None:
        self._api = api
        self._namespace = namespace
        self._console = console
        self._check = check

    def look(self) -> Overview:
        """Return the current overview."""
        return overview(
            map(DeploymentEnvironment.model_validate, self._list(DEPLOYMENT_ENVIRONMENTS)),
            map(ModelTag.model_validate, self._list(MODEL_TAGS)),
        )

    def follow_until(self, done: Callable[[Overview], bool], what: str, seconds: float) -> Overview:
        """Show every change until it is `done`, and then the table.

        Raises ProcessFailedError, with what was observed instead, after that many seconds.
        """
        self._console.print(f"   waiting until {what}, for at most {seconds:.0f} s", markup=False)
        seen = self._follow(done, time.monotonic() + seconds, GLANCE_SECONDS)
        if not done(seen):
            rows = "\n".join(line(row) for row in rows_of(seen)) or "nothing"
            raise ProcessFailedError(f"waited {seconds:.0f} s in vain until {what}; seen instead:\n{rows}")
        self._console.print(self._table(seen))
        return seen

    def follow(self) -> None:
        """Show every change until interrupted."""
        self._follow(lambda _: False, math.inf, RELAXED_GLANCE_SECONDS)

    def _follow(self, done: Callable[[Overview], bool], deadline: float, pause: float) -> Overview:
        """Return the overview once it is done, or when the time is up."""
        with self._shown() as show:
            while True:
                seen = self.look()
                show(seen)
                if done(seen) or time.monotonic() > deadline:
                    return seen
                self._check()
                time.sleep(pause)

    @contextmanager
    def _shown(self) -> Iterator[Callable[[Overview], None]]:
        """Yield a function that shows an overview: as a live table, or without a terminal as a line for each change."""
        if self._console.is_terminal:
            with Live(console=self._console, auto_refresh=False, transient=True) as live:
                yield lambda seen: live.update(self._table(seen), refresh=True)
        else:
            known: set[str] = set()
            yield partial(self._print_changes, known)

    def _print_changes(self, known: set[str], seen: Overview) -> None:
        lines = [line(row) for row in rows_of(seen)]
        for changed in lines:
            if changed not in known:
                self._console.print(f"   {changed}", markup=False)
        known.clear()
        known.update(lines)

    def _table(self, seen: Overview) -> Padding:
        return Padding(drawn(seen, datetime.now(UTC), self._namespace), (1, 0, 1, 3), expand=False)

    def _list(self, resource: Resource) -> list[dict[str, object]]:
        identity = {"apiVersion": resource.api_version, "kind": resource.kind}
        return [item | identity for item in self._api.get(resource.path(self._namespace))["items"]]


def rows_of(seen: Overview) -> list[Row]:
    """Return all rows, environments first."""
    return [*seen.environments, *seen.tags]
