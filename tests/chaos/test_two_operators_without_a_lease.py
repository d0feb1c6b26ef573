"""Two operators without leader election, by mistake: they report it, and neither undoes the other's work."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION
from tests.chaos.conftest import NUMBERS, NewOperator
from tests.chaos.operators import ProxiedOperator, wait_until_quiet
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A, ModelServerProcess
from tests.integration.operator_process import start_together
from tests.integration.space import ENVIRONMENT, Space

NAMES = tuple(f"shared-{number}" for number in range(6))
RESYNC_SECONDS = 2.0
QUIET_SECONDS = RESYNC_SECONDS + 1
"""Longer than a resync: at rest neither writes."""
WARNING = "another operator works on the same objects"
MET = re.compile(r"^rasa_environments_status_writes_by_others_total ([0-9.e+]+)$", re.MULTILINE)
WRITES = 40
"""Writes of both operators for an environment that is created or rotated: each may lag behind the other."""


@dataclass(frozen=True)
class Both:
    """Two operators that work on the same namespace."""

    operators: tuple[ProxiedOperator, ProxiedOperator]
    space: Space

    def mark(self) -> tuple[int, ...]:
        """This moment."""
        return tuple(operator.proxy.mark() for operator in self.operators)

    def wait_until_quiet(self) -> None:
        """Wait until neither has written anything for a while."""
        wait_until_quiet(*self.operators, seconds=QUIET_SECONDS)

    def writes(self, since: tuple[int, ...]) -> Counter[str]:
        """Count the requests for each kind of object in the namespace, apart from the status."""
        places = [
            call.place
            for operator, start in zip(self.operators, since, strict=True)
            for call in operator.writes(start)
            if call.place.namespace == self.space.namespace
        ]
        return Counter("/".join(filter(None, (place.resource, place.subresource))) for place in places)

    def warned(self) -> bool:
        """Return whether one of them has noticed the other, once: in the log, and in the metric that keeps counting."""
        processes = [operator.process for operator in self.operators]
        warnings = [process.logged().count(WARNING) for process in processes]
        met = [MET.search(process.answer("/metrics").text) for process in processes]
        assert max(warnings) <= 1
        return any(
            warning and found is not None and float(found[1]) > 0 for warning, found in zip(warnings, met, strict=True)
        )

    def tokens(self) -> dict[str, str]:
        """Each environment's token."""
        return {name: self.space.token(name) for name in NAMES}

    def wait_until_rotated(self, when: str) -> None:
        """Wait until each environment reports the token of that rotation."""
        for name in NAMES:
            self.space.eventually(
                lambda: self.space.status(ENVIRONMENT, name).get("lastHandledRotateTokenAt") == when,  # noqa: B023 - at once
                f"{name} to be rotated",
            )


@pytest.fixture
def both(breakable: Installation, new_operator: NewOperator, model_server: ModelServerProcess) -> Iterator[Both]:
    first, second = (new_operator("--resync-interval", f"{RESYNC_SECONDS}s") for _ in range(2))
    space = Space(breakable.api, f"shared-{next(NUMBERS)}", first.process)
    space.create_namespace()
    furnish(space, model_server)
    start_together(first.process, second.process)
    yield Both((first, second), space)
    space.remove()


def rotated(name: str, when: str) -> dict[str, object]:
    """Return the environment with a request for a new token."""
    return environment(name, annotations={ROTATE_TOKEN_ANNOTATION: when})


@pytest.mark.full_chaos
def test_environments_that_both_create_end_as_with_one_and_nobody_writes_any_more(both: Both) -> None:
    space, start = both.space, both.mark()

    space.apply(model_tag("support", model=MODEL_A), *(environment(name, tag="support") for name in NAMES[:1]))
    space.apply(*(environment(name) for name in NAMES[1:]))

    space.wait_until_ready(NAMES[0])
    for name in NAMES:
        space.wait_for_condition(ENVIRONMENT, name, "Stalled", status="False")
    both.wait_until_quiet()
    writes = both.writes(start)
    assert writes.total() < WRITES * len(NAMES), writes


def test_a_rotation_that_both_see_gives_one_token_and_ends(both: Both) -> None:
    space = both.space
    space.apply(*(environment(name) for name in NAMES))
    for name in NAMES:
        space.wait_for_condition(ENVIRONMENT, name, "Stalled", status="False")
    both.wait_until_quiet()
    before, start = both.tokens(), both.mark()

    space.apply(*(rotated(name, "first") for name in NAMES))
    both.wait_until_rotated("first")
    space.apply(*(rotated(name, "second") for name in NAMES))
    both.wait_until_rotated("second")

    both.wait_until_quiet()
    assert both.warned()
    writes = both.writes(start)
    assert writes.total() < 2 * WRITES * len(NAMES), writes
    after = both.tokens()
    assert not set(after.values()) & set(before.values())
    assert len(set(after.values())) == len(NAMES)
