"""A reconciliation has a deadline; whatever its result, the operator continues."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from unittest.mock import AsyncMock, Mock

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.errors import ApiError
from rasa_environments.controller.answer_times import AnswerTimes
from rasa_environments.controller.promotions import Promotions
from rasa_environments.controller.queue import DONE, FAILED, OUTAGE, Kind, Request, Result, WorkQueue
from rasa_environments.domain.lister import Lister
from rasa_environments.reconcile.contents import Contents
from rasa_environments.reconcile.unread_servers import UnreadServers
from rasa_environments.runtime.metrics import Metrics
from rasa_environments.runtime.reconciliations import DEADLINE_SECONDS, HANGING_SECONDS, Reconciliations
from rasa_environments.runtime.watches import Watches
from tests.reconcile.clock import run

REQUEST = Request(Kind.MODEL_SERVER, ObjectKey("bots", "default"))


def attempted(
    reconcile: Callable[[ObjectKey], Awaitable[Result]], contents: Mock | None = None, *, waits: bool = False
) -> tuple[Result, float, str]:
    """The result of an attempt, its duration in seconds, and how the metrics count it."""
    contents = contents or Mock(spec=Contents)
    unread = Mock(spec=UnreadServers, is_awaited_by=AsyncMock(return_value=waits))
    metrics = Metrics(Lister(), WorkQueue(), Watches({}), Promotions(), AnswerTimes())

    async def attempt() -> tuple[Result, float]:
        reconciliations = Reconciliations({Kind.MODEL_SERVER: reconcile}, contents, unread, metrics)
        result = await reconciliations.attempt(REQUEST)
        await reconciliations.drained(0)
        assert reconciliations.hanging() is None
        return result, asyncio.get_running_loop().time()

    result, seconds = run(attempt())
    counted = re.findall(r'_total\{kind="ModelServer",result="(\w+)"\} 1\.0', metrics.text().decode())
    assert len(counted) == 1
    return result, seconds, counted[0]


def test_one_that_takes_too_long_is_cancelled_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    cancelled = False

    async def drip(_: ObjectKey) -> Result:
        nonlocal cancelled
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled = True
            raise
        return DONE

    assert attempted(drip) == (FAILED, DEADLINE_SECONDS, "timeout")
    assert cancelled
    assert "ModelServer bots/default: not reconciled within 150 s; retrying with backoff" in caplog.text


def test_the_deadline_is_over_long_before_the_liveness_probe_fails() -> None:
    assert 2 * DEADLINE_SECONDS <= HANGING_SECONDS


FAILURES = [
    (ApiError(500, "", "down"), OUTAGE, "WARNING"),
    (TimeoutError(), FAILED, "ERROR"),
]


@pytest.mark.parametrize(("error", "result", "level"), FAILURES)
def test_what_goes_wrong_is_logged_and_tried_again(
    error: Exception, result: Result, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: ObjectKey) -> Result:
        raise error

    with caplog.at_level(logging.WARNING):
        assert attempted(fail) == (result, 0, "error")

    assert [record.levelname for record in caplog.records] == [level]


def test_a_fault_of_the_operator_is_reported_in_the_status() -> None:
    contents, fault = Mock(spec=Contents), KeyError("spec")

    async def fail(_: ObjectKey) -> Result:
        raise fault

    attempted(fail, contents)

    contents.report_failure.assert_awaited_once_with(REQUEST, fault)


def test_a_status_that_cannot_be_written_ends_nothing() -> None:
    contents = Mock(spec=Contents)
    contents.report_failure.side_effect = ApiError(500, "", "down")

    async def fail(_: ObjectKey) -> Result:
        raise KeyError

    assert attempted(fail, contents) == (FAILED, 0, "error")


@pytest.mark.parametrize(("result", "counted"), [(DONE, "done"), (FAILED, "retry")])
def test_a_result_is_handed_on(result: Result, counted: str) -> None:
    async def reconcile(_: ObjectKey) -> Result:
        return result

    assert attempted(reconcile) == (result, 0, counted)


def test_an_object_that_waits_for_its_model_server_is_not_reconciled() -> None:
    async def reconcile(_: ObjectKey) -> Result:
        raise AssertionError("it waits")

    assert attempted(reconcile, waits=True) == (DONE, 0, "done")
