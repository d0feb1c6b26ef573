"""The process ends on request, whatever hangs."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

HANGING = {
    "a task that swallows its cancellation": """
        async def main():
            limit_shutdown(0.5)
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    pass
    """,
    "an event loop that is blocked": """
        async def main():
            limit_shutdown(0.5)
            time.sleep(60)
    """,
    "a thread that does not end": """
        async def main():
            limit_shutdown(0.5)
            await asyncio.wait_for(asyncio.to_thread(time.sleep, 60), 0.1)
    """,
}


def started(main: str) -> subprocess.CompletedProcess[str]:
    """Run a process with that main function, and return it when it has ended."""
    lines = (
        "import asyncio, logging, time",
        "from rasa_environments.runtime.shutdown import limit_shutdown",
        "logging.basicConfig()",
        textwrap.dedent(main),
        "asyncio.run(main())",
    )
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("main", HANGING.values(), ids=HANGING.keys())
def test_a_process_that_hangs_is_ended_with_a_line_in_the_log(main: str) -> None:
    process = started(main)

    assert process.returncode == 1
    assert "not stopped within 0 s; ending the process" in process.stderr


def test_a_process_that_stops_in_time_is_left_alone() -> None:
    process = started("async def main():\n    limit_shutdown(30)\n")

    assert (process.returncode, process.stderr) == (0, "")
