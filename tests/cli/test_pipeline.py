"""What `status` shows of a pipeline: where a tag gets models from, which is next, and what it waits for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.freeze import wanted
from rasa_environments.cli.overview import overview, tag_row
from rasa_environments.cli.tables import drawn, line
from tests.reconcile.objects import tag

SOAKS = "model new soaks until 2026-01-01T13:00:00Z"


def waiting(**spec: Any) -> ModelTag:
    """The ModelTag production on `old`, for which `new` waits."""
    found = tag("production", **{"model": None, "promoteFrom": {"tag": "staging"}, **spec})
    status = {
        "observedGeneration": 0,
        "desiredModel": {"name": "old", "hash": "0"},
        "candidateModel": {"name": "new", "hash": "1"},
        "conditions": [
            {"type": kind, "status": status, "reason": "Any", "message": message, "lastTransitionTime": ""}
            for kind, status, message in (("Ready", "True", ""), ("Promoted", "Unknown", SOAKS))
        ],
    }
    return ModelTag.model_validate({**found.model_dump(by_alias=True), "status": status})


def shown(*tags: ModelTag) -> str:
    """The tables for these ModelTags."""
    output = Console(width=200)
    with output.capture() as captured:
        output.print(drawn(overview([], tags), datetime(2026, 2, 1, tzinfo=UTC), "bots"))
    return captured.get()


def test_a_model_that_waits_is_shown_with_its_source_and_what_it_waits_for() -> None:
    row = tag_row(waiting())

    assert (row.model, row.candidate, row.source, row.waits_for) == ("old", "new", "tag staging", SOAKS)
    assert line(row).startswith(f"model tag bots/production tag=production model=old next=new ({SOAKS}) tagged=")


def test_the_table_has_a_column_for_the_source_and_the_next_model() -> None:
    words = shown(waiting())

    assert "NEXT" in words and "FROM" in words  # noqa: PT018
    assert f"production: {SOAKS}" in words


def test_without_a_pipeline_the_table_has_no_columns_for_it() -> None:
    assert "NEXT" not in shown(tag("production", model="old"))


@pytest.mark.parametrize(("model", "source"), [(None, "tag staging"), ("old", "tag staging (paused)")])
def test_a_pinned_tag_says_that_its_source_is_paused(model: str | None, source: str) -> None:
    assert tag_row(waiting(model=model)).source == source


def test_a_freeze_replaces_an_earlier_one_as_a_whole_and_is_removed_as_a_whole() -> None:
    assert wanted("audit", None) == {"reason": "audit", "endTime": None}
    assert wanted(None, None) is None
