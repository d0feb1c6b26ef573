"""Recognizing writes of a status by another operator."""

from __future__ import annotations

import contextlib

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import resource_of
from rasa_environments.cluster.status_writes import DOUBT_SECONDS, StatusWrites

ENVIRONMENTS = resource_of("DeploymentEnvironment")
KEY = ObjectKey("bots", "production")
MANAGER = "rasa-environments"
FIRST, SECOND, THIRD = (f"2026-01-01T00:00:0{second}Z" for second in (1, 2, 3))
REFUSED, LOST = ApiError(409, "Conflict", "it was changed"), ApiError(0, "Unreachable", "the line was cut")


def environment(status_time: str | None = None, **others: str) -> JsonObject:
    """Return an environment whose status was written by the operators, and by others, at these times."""
    entries: list[JsonObject] = [{"manager": "kubectl", "operation": "Apply", "time": THIRD, "fieldsV1": {}}]
    if status_time:
        entries.append({"manager": MANAGER, "operation": "Update", "subresource": "status", "time": status_time})
    entries += [{"manager": name, "subresource": "status", "time": time} for name, time in others.items()]
    return {"metadata": {"namespace": KEY.namespace, "name": KEY.name, "managedFields": entries}}


class Clock:
    """A clock that tests set."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The process's."""
    return Clock()


@pytest.fixture
def writes(clock: Clock) -> StatusWrites:
    """Return what a process knows after it read the environment once, with a status of the first second."""
    known = StatusWrites(MANAGER, clock)
    assert not known.has_another_written(ENVIRONMENTS, KEY, environment(FIRST))
    return known


def write(writes: StatusWrites, outcome: str | ApiError) -> None:
    """Record a write of the status at this time, or a failed one."""
    with contextlib.suppress(ApiError), writes.sending(ENVIRONMENTS, KEY):
        if isinstance(outcome, ApiError):
            raise outcome
    if isinstance(outcome, str):
        writes.answered(ENVIRONMENTS, KEY, environment(outcome))


def met(writes: StatusWrites, obj: JsonObject) -> bool:
    """Return whether another operator is noticed when the object is read."""
    return writes.has_another_written(ENVIRONMENTS, KEY, obj)


def test_a_status_that_is_later_than_what_is_known_is_anothers(writes: StatusWrites) -> None:
    assert met(writes, environment(SECOND))


def test_it_is_noticed_once(writes: StatusWrites) -> None:
    assert met(writes, environment(SECOND))
    assert not met(writes, environment(SECOND))


def test_what_was_there_before_says_nothing_of_who_works_now() -> None:
    assert not met(StatusWrites(MANAGER), environment(FIRST))


def test_the_first_status_of_a_new_object_is_anothers_if_it_was_not_written_here() -> None:
    writes = StatusWrites(MANAGER)

    assert not met(writes, environment())
    assert met(writes, environment(FIRST))


def test_an_own_write_is_no_others(writes: StatusWrites) -> None:
    write(writes, SECOND)

    assert not met(writes, environment(SECOND))


def test_a_write_after_an_own_one_is_anothers(writes: StatusWrites) -> None:
    write(writes, SECOND)

    assert met(writes, environment(THIRD))


def test_a_change_by_somebody_else_is_no_operators(writes: StatusWrites) -> None:
    assert not met(writes, environment(FIRST, kubectl=THIRD))


def test_a_write_that_was_refused_because_another_was_faster_leaves_no_doubt(writes: StatusWrites) -> None:
    write(writes, REFUSED)

    assert met(writes, environment(SECOND))


@pytest.mark.parametrize("later", [(), (REFUSED,)], ids=["then read", "then refused"])
def test_a_write_whose_answer_was_lost_may_be_made_late(
    writes: StatusWrites, clock: Clock, later: tuple[ApiError, ...]
) -> None:
    write(writes, LOST)
    for outcome in later:
        write(writes, outcome)

    assert not met(writes, environment(FIRST))
    clock.seconds += DOUBT_SECONDS - 1
    assert not met(writes, environment(SECOND))
    clock.seconds += 2
    assert met(writes, environment(THIRD)), "no write of ours can be on its way any more"


def test_a_write_that_was_given_up_may_be_made_late(writes: StatusWrites) -> None:
    with pytest.raises(TimeoutError), writes.sending(ENVIRONMENTS, KEY):
        raise TimeoutError

    assert not met(writes, environment(SECOND))


def test_a_new_object_of_an_old_name_begins_anew(writes: StatusWrites) -> None:
    writes.forget(ENVIRONMENTS, KEY)

    assert not met(writes, environment(SECOND))


@pytest.mark.parametrize("odd", [None, "text", [None], [{"manager": MANAGER, "subresource": "status", "time": 1}]])
def test_managed_fields_of_another_shape_say_nothing(writes: StatusWrites, odd: object) -> None:
    obj = environment()
    obj["metadata"]["managedFields"] = odd

    assert not met(writes, obj)
