"""The last answers of Rasa servers, which count for a while if they do not answer again.

A server that does not answer is usually loading a model, which takes 10 to 30 s.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.facts import ProbeResult, TaggedModel
from rasa_environments.judge.comparison import serves

INCONCLUSIVE: Final = frozenset({Reason.MODEL_UNKNOWN, Reason.UNAUTHORIZED, Reason.WORKERS_UNHEARD})
"""Reasons of servers that did answer, but not conclusively: their earlier answers no longer count."""
ANSWER_COUNTS_SECONDS: Final = 600.0
"""Seconds that an answer counts if the server does not answer again."""

ServerT = TypeVar("ServerT", bound=Hashable)


@dataclass(frozen=True)
class LastAnswer:
    """An answer of one server."""

    result: ProbeResult
    time: str
    """When it was given (RFC 3339)."""
    at: float
    """The same, as seconds of a monotonic clock."""


def last_answers(
    before: Mapping[ServerT, LastAnswer], fresh: Mapping[ServerT, ProbeResult], *, time: str, at: float
) -> dict[ServerT, LastAnswer]:
    """Return the last answer of each server that was just probed, as long as it counts."""
    known = {server: before[server] for server in fresh if server in before}
    for server, result in fresh.items():
        if result.problem is None:
            known[server] = LastAnswer(result, time, at)
        elif result.reason in INCONCLUSIVE:
            known.pop(server, None)
    return {server: answer for server, answer in known.items() if at - answer.at < ANSWER_COUNTS_SECONDS}


def with_last_answer(
    result: ProbeResult, last: LastAnswer | None, *, wanted: TaggedModel | None, wanted_since: float
) -> ProbeResult:
    """Return the result, or if the server did not answer its last answer with its time.

    An answer from before the model became the desired one does not show that it is served now: another one was desired
    in between, and perhaps loaded.
    """
    if result.problem is None or last is None:
        return result
    if wanted is not None and serves(last.result, wanted) != "False" and last.at < wanted_since:
        return result
    return replace(result, model=last.result.model, model_id=last.result.model_id, answered_time=last.time)
