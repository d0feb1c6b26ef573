"""What a command says while it waits."""

from __future__ import annotations

import asyncio
from io import StringIO

import pytest
from rich.console import Console

from rasa_environments.cli import waiting as module
from rasa_environments.cli.waiting import waiting


def console(*, terminal: bool) -> tuple[Console, StringIO]:
    """A console, and what is written to it."""
    target = StringIO()
    return Console(file=target, force_terminal=terminal, width=200, markup=False, highlight=False), target


async def said(*steps: tuple[str, str | None], terminal: bool, until: str = "") -> str:
    """What is written while these steps are waited for, once `until` is part of it."""
    out, target = console(terminal=terminal)
    async with waiting(out) as shown:
        for step in steps:
            shown.say(*step)
        while until not in target.getvalue():  # noqa: ASYNC110 - the console has no event
            await asyncio.sleep(0)
    return target.getvalue()


async def test_without_a_terminal_each_step_is_a_line_with_when_it_began() -> None:
    written = await said(("waiting for the tag", None), ("waiting for pod x", "2026-01-02T12:00:00Z"), terminal=False)

    assert written == "waiting for the tag\nwaiting for pod x (since 2026-01-02T12:00:00Z)\n"


async def test_a_step_that_lasts_is_said_again_so_that_no_log_looks_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMINDER_SECONDS", 0.0)

    written = await said(("waiting for pod x", None), terminal=False, until="after 0s: still waiting for pod x\n")

    assert written.startswith("waiting for pod x\n")


async def test_a_terminal_keeps_one_line_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_SECONDS", 0.0)

    written = await said(("waiting for pod x", None), terminal=True, until="waiting for pod x … 0s")

    assert "\x1b[" in written


async def test_a_step_that_is_over_stays_on_the_terminal_with_how_long_it_took() -> None:
    written = await said(("waiting for the tag", None), ("waiting for pod x", None), terminal=True)

    assert "waiting for the tag: 0s\n" in written
    assert "waiting for pod x: 0s\n" in written


async def test_text_of_the_cluster_steers_no_terminal() -> None:
    assert await said(("a\x1b[2J\nb", None), terminal=False) == "a\\x1b[2J b\n"
