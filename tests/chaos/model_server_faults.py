"""Faults of a model server, and of anything in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.chaos.actions import HTML, PAGE, Action, Close, Delay, Drip, Hang, LoseAnswer, Reset, Say, say_json
from tests.chaos.calls import Call
from tests.chaos.faults import BRIEF, Fault, Readiness, writes
from tests.chaos.proxy import Which, every
from tests.chaos.scene import Scene

MODELS = "models"
LOGIN = Say(302, "", {"Location": "https://login.example/"})


def puts_tag(call: Call) -> bool:
    """Calls that set a tag."""
    return call.method == "PUT"


def reads(call: Call) -> bool:
    """Calls that only read."""
    return not call.writes


def recover(scene: Scene) -> None:
    """All is well again."""
    scene.models.recover()


def begin(action: Action, which: Which = every) -> Callable[[Scene], None]:
    """From now on this happens to these calls."""
    return lambda scene: scene.models.fail(lambda call: action if which(call) else None)


def fault(
    name: str,
    action: Action,
    which: Which = every,
    *,
    seconds: float = 30,
    brief: float | None = None,
    puts: int = 1,
    tick: Callable[[Scene, int], None] = lambda _scene, _second: None,
) -> Fault:
    """Return a fault of the model server, which does not affect what the operator sees of the API server."""
    return Fault(
        name,
        begin(action, which),
        recover,
        tick,
        seconds=seconds,
        brief=brief,
        readiness=Readiness.KEPT,
        rate=3.0,
        of=MODELS,
        puts=puts,
    )


def refuse(scene: Scene) -> None:
    """Connections are refused."""
    scene.models.refuse()


def alternate(scene: Scene) -> None:
    """Every other call fails."""
    failure = Say(500, "out of memory")
    scene.models.fail(lambda call: failure if call.number % 2 else None)


def flap(scene: Scene, second: int) -> None:
    """Be unreachable every other second."""
    if second % 2:
        scene.models.listen()
    else:
        scene.models.refuse()


def catalogue() -> Iterator[Fault]:
    """Return each fault once; those with a brief form are the most telling."""
    yield from wrong_answers()
    yield from no_answers()
    yield from wrong_puts()


def wrong_answers() -> Iterator[Fault]:
    """Answers that are none."""
    yield fault("500 on everything", Say(500, "out of memory"), seconds=60)
    yield fault("503 on everything", Say(503, "starting"))
    yield fault("401 for a while", Say(401, '{"reason": "NotAuthenticated"}'))
    yield fault("404 on everything", Say(404, "{}"))
    yield fault("429 with a huge Retry-After", Say(429, "", {"Retry-After": "86400"}))
    yield fault("HTML on everything", Say(200, PAGE, HTML), brief=BRIEF)
    yield fault("an empty 200", Say(200))
    yield fault("a 204 to everything", Say(204))
    yield fault("an empty list of models", say_json([]), lambda call: call.path.endswith("/models"))
    yield fault("an object as list of models", say_json({"models": []}), lambda call: call.path.endswith("/models"))
    yield fault("redirects", LOGIN)
    yield Fault("every other call fails", alternate, recover, seconds=30, readiness=Readiness.KEPT, rate=3, of=MODELS)


def no_answers() -> Iterator[Fault]:
    """No answer, or a slow one."""
    yield Fault(
        "refused connections", refuse, recover, seconds=60, brief=BRIEF, readiness=Readiness.KEPT, rate=3, of=MODELS
    )
    yield fault("reset connections", Reset())
    yield fault("closed connections", Close())
    yield fault("no answer", Hang(forwards=False), seconds=90)
    yield fault("no answer to reads", Hang(forwards=False), reads)
    yield fault("answers that drip", Drip(20), reads, seconds=60)
    yield fault("5 s of latency", Delay(5))
    yield Fault("flapping", lambda _: None, recover, flap, seconds=30, readiness=Readiness.KEPT, rate=3, of=MODELS)


def wrong_puts() -> Iterator[Fault]:
    """Tags that are not set, or not reported as set."""
    yield fault("204 to a tag that is not put", Say(204), puts_tag, brief=2 * BRIEF)
    yield fault("200 to a tag that is not put", say_json({}), puts_tag)
    yield fault("500 to puts", Say(500, "read-only"), puts_tag)
    yield fault("HTML to puts", Say(200, PAGE, HTML), puts_tag)
    yield fault("no answer to puts", Hang(forwards=False), puts_tag, seconds=60)
    yield fault("answers of writes lost", LoseAnswer(), writes, puts=2)


MODEL_SERVER_FAULTS = tuple(catalogue())
