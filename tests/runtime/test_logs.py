"""Log lines say which reconciliation they belong to."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from unittest.mock import AsyncMock, Mock

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.queue import DONE, Kind, Request, Result
from rasa_environments.reconcile.contents import Contents
from rasa_environments.reconcile.unread_servers import UnreadServers
from rasa_environments.runtime.log_context import reconciliation_of
from rasa_environments.runtime.logs import configure_logs
from rasa_environments.runtime.metrics import Metrics
from rasa_environments.runtime.reconciliations import Reconciliations
from rasa_environments.runtime.settings import Settings

A, B = (Request(Kind.MODEL_TAG, ObjectKey("bots", name)) for name in "ab")
logger = logging.getLogger("rasa_environments.test")


class Log:
    """Return what is written to stderr as JSON."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """The log of an operator with --log-format json."""
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()  # those of pytest are to stay open
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("sys.excepthook", sys.excepthook)  # and put back at the end
    configure_logs(Settings(log_format="json"))
    yield Log(stream)
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def object_of(line: dict[str, str]) -> tuple[str | None, ...]:
    return tuple(line.get(name) for name in ("kind", "namespace", "name"))


async def test_a_line_names_the_object_and_the_reconciliation_that_it_belongs_to(log: Log) -> None:
    async def reconcile(key: ObjectKey) -> Result:
        logger.info("begun")
        await asyncio.sleep(0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(speak(f"of {key.name}"))
        return DONE

    async def speak(message: str) -> None:
        logger.info(message)

    unread = Mock(spec=UnreadServers, is_awaited_by=AsyncMock(return_value=False))
    reconciliations = Reconciliations({Kind.MODEL_TAG: reconcile}, Mock(spec=Contents), unread, Mock(spec=Metrics))
    await asyncio.gather(reconciliations.attempt(A), reconciliations.attempt(B))
    await reconciliations.attempt(A)
    logger.info("afterwards")

    *within, after = log.lines
    assert [object_of(line) for line in within] == [("ModelTag", "bots", name) for name in "ababaa"]
    assert len({line["reconcileID"] for line in within}) == 3
    assert [line["message"] for line in within] == ["begun", "begun", "of a", "of b", "begun", "of a"]
    assert object_of(after) == (None, None, None)
    assert "reconcileID" not in after


def test_a_line_may_be_about_more_than_the_object(log: Log) -> None:
    with reconciliation_of(A):
        logger.warning("moved", extra={"fields": {"tag": "live"}})

    assert object_of(log.lines[0]) == ("ModelTag", "bots", "a")
    assert log.lines[0]["tag"] == "live"


def test_a_line_of_kopf_names_its_object_and_has_nothing_else_that_kopf_attaches(log: Log) -> None:
    reference = {"apiVersion": "v1", "kind": "ModelTag", "namespace": "bots", "name": "a", "uid": "1"}
    logging.getLogger("kopf.objects").error("handler failed", extra={"k8s_ref": reference, "k8s_skip": "secret"})

    (line,) = log.lines
    assert line.keys() == {"time", "level", "logger", "message", "kind", "namespace", "name"}


def test_warnings_of_python_are_lines_too(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old\nfashioned", stacklevel=1)

    (line,) = log.lines
    assert (line["logger"], line["level"]) == ("py.warnings", "WARNING")
    assert "old\nfashioned" in line["message"]


def test_what_ends_the_process_is_a_line_too(log: Log) -> None:
    sys.excepthook(KeyError, KeyError("spec"), None)

    (line,) = log.lines
    assert (line["level"], line["exception"]) == ("CRITICAL", "KeyError: 'spec'")


@pytest.mark.parametrize("name", ["httpx", "httpcore.connection", "aiohttp.access"])
def test_loggers_that_would_write_urls_with_tokens_are_quiet(log: Log, name: str) -> None:
    logging.getLogger(name).info("GET /status?token=secret")

    assert log.lines == []
