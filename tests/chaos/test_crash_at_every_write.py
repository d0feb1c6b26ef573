"""The operator is killed (SIGKILL) at a write and restarted: the end state is the same as without a crash.

Each write is tried in two ways: it never reaches the server, or it does and the response is lost.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.calls import Phase
from tests.chaos.crash_stories import ALL_AT_ONCE, ROLLED_BACK, STORIES, VERIFIED, Story
from tests.chaos.crashes import CrashPoint, CrashStage, Run, crash_stage
from tests.integration.conftest import Installation

MOST_WRITES = 60
"""Writes of a story; none has more, and a story without end is stopped here."""
TELLING = CrashPoint(5, Phase.AFTER)
"""Within actions that must happen exactly once, and as a whole."""


@pytest.fixture(scope="module")
def stage(breakable: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashStage]:
    with crash_stage(breakable, tmp_path_factory.mktemp("crashes")) as stage:
        yield stage


def assert_bounded(crashed: Run, undisturbed: Run) -> None:
    """Check that the new process does only what is left to be done.

    Conversations that were held, but whose result was not written yet, are held once more. One that is cut short is not
    deleted.
    """
    assert crashed.written_in_all <= 2 * undisturbed.written_in_all + 5, crashed
    assert crashed.told <= 2 * undisturbed.told, crashed
    assert len(crashed.kept) <= len(undisturbed.kept) + 1, crashed


def test_a_crash_while_everything_changes_leaves_no_trace(stage: CrashStage) -> None:
    undisturbed = stage.play(ALL_AT_ONCE)

    crashed = stage.play(ALL_AT_ONCE, TELLING, undisturbed.ending)

    assert crashed.killed
    assert_bounded(crashed, undisturbed)


def test_a_crash_while_a_model_is_verified_leaves_no_trace_and_no_candidate(stage: CrashStage) -> None:
    undisturbed = stage.play(VERIFIED)
    assert undisturbed.told == 1

    for write in (3, 8):
        crashed = stage.play(VERIFIED, CrashPoint(write, Phase.AFTER), undisturbed.ending)

        assert crashed.killed
        assert_bounded(crashed, undisturbed)


def test_a_crash_while_a_model_is_verified_live_leaves_no_trace(stage: CrashStage) -> None:
    undisturbed = stage.play(ROLLED_BACK)
    assert undisturbed.told == 1
    assert undisturbed.kept == ()

    for write in (7, 9):
        crashed = stage.play(ROLLED_BACK, CrashPoint(write, Phase.AFTER), undisturbed.ending)

        assert crashed.killed
        assert_bounded(crashed, undisturbed)


@pytest.mark.full_chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_a_crash_at_any_write_leaves_no_trace(stage: CrashStage, story: Story) -> None:
    undisturbed = stage.play(story)
    assert undisturbed.writes
    failures: list[str] = []
    kills = 0
    for phase in Phase:
        for write in range(1, MOST_WRITES):
            point = CrashPoint(write, phase)
            try:
                crashed = stage.play(story, point, undisturbed.ending)
                assert_bounded(crashed, undisturbed)
            except AssertionError as error:
                failures.append(f"{point}: {error}")
            else:
                if not crashed.killed:
                    break
                kills += 1
    print(f"{story.name}: {len(undisturbed.writes)} writes without a crash, {kills} kills that left no trace")  # noqa: T201
    assert failures == []
