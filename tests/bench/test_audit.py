"""Requests in an audit log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.audit import AuditLog, counted, parsed

USER = "system:serviceaccount:bots:operator"


def entry(**changes: Any) -> bytes:
    """A line of an audit log."""
    made = {
        "user": {"username": USER},
        "verb": "create",
        "objectRef": {"resource": "secrets", "namespace": "bots", "name": "production-rasa"},
        "responseStatus": {"code": 201},
        "requestReceivedTimestamp": "2026-01-01T00:00:00.250000Z",
        "stageTimestamp": "2026-01-01T00:00:00.750000Z",
    }
    return json.dumps(made | changes).encode()


def test_a_request_has_its_kind_and_the_times_at_which_it_came_and_was_answered() -> None:
    (request,) = parsed([entry()], USER)

    assert (request.kind, request.namespace, request.status, request.writes) == ("create secrets", "bots", 201, True)
    assert request.answered - request.received == pytest.approx(0.5)


def test_watches_and_the_requests_of_others_do_not_count() -> None:
    others = entry(user={"username": "admin"})

    assert list(parsed([entry(verb="watch"), others], USER)) == []


def test_a_subresource_is_part_of_the_kind() -> None:
    status = entry(verb="patch", objectRef={"resource": "deploymentenvironments", "subresource": "status"})

    assert counted(parsed([status, status, entry()], USER)) == {
        "create secrets": 1,
        "patch deploymentenvironments/status": 2,
    }


def test_a_line_that_is_still_being_written_waits(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(entry() + b"\n" + entry()[:40])

    assert len(AuditLog(path).requests(0, USER)) == 1


def test_only_what_came_since_a_place_counts(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(entry() + b"\n")
    log = AuditLog(path)
    place = log.end()
    path.write_bytes(path.read_bytes() + entry(verb="get") + b"\n")

    assert counted(log.requests(place, USER)) == {"get secrets": 1}


def test_one_who_keeps_asking_is_not_silent(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(entry() + b"\n")

    with pytest.raises(TimeoutError, match="create secrets"):
        AuditLog(path).wait_for_silence(0, USER, seconds=60, limit=0)
