"""Log from the operator's process what blocks the event loop, and for how long."""

import asyncio
import sys
import time

LIMIT = 0.02
"""Shorter blocks are not logged, in seconds."""


def run(handle: asyncio.Handle) -> None:
    """Runs what the loop runs next. The time of the thread counts: on a busy machine it waits for its turn, too."""
    callback = getattr(handle, "_callback", None)
    task = getattr(callback, "__self__", None)
    started = time.thread_time()
    original(handle)
    held = time.thread_time() - started
    if held > LIMIT:
        what = task.get_coro() if isinstance(task, asyncio.Task) else callback
        sys.stderr.write(f"the event loop was held for {held:.3f} s by {what!r}\n")


original = asyncio.Handle._run
asyncio.Handle._run = run  # type: ignore[method-assign,assignment]
