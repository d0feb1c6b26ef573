"""Faults of the API server, and of anything in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from local.node.certificates import Authority
from rasa_environments.cluster.resources import resource_of
from tests.api.api_server import wait_until
from tests.chaos.actions import (
    HTML,
    JSON,
    PAGE,
    Action,
    Close,
    CutInEvent,
    Delay,
    Drip,
    EndAfter,
    EndAfterEvents,
    Hang,
    Inject,
    LoseAnswer,
    Repeat,
    Reset,
    Say,
    Stale,
    error_event,
    say_json,
    say_status,
)
from tests.chaos.calls import Call
from tests.chaos.faults import BRIEF, SILENT_SECONDS, Fault, Readiness, gets, lists, own_group, strike, watches, writes
from tests.chaos.proxy import every
from tests.chaos.scene import Scene
from tests.integration.space import MERGE_PATCH, OUR_KINDS

KEPT, LOST, TRUE, ANY = Readiness.KEPT, Readiness.LOST, Readiness.TRUE, Readiness.ANY
HUGE = "86400"
"""A Retry-After that nobody can wait for, in seconds."""
TURNED_AWAY = say_status(429, "TooManyRequests", Retry_After="1")
ERRORS = {"500": (500, "InternalError"), "503": (503, "ServiceUnavailable"), "504": (504, "Timeout")}
SHAPES: dict[str, object] = {"a list": [], "null": None, "an empty object": {}, "a text": "ok"}
EVENTS = ("null", "[]", '{"type":"ADDED"}', '{"type":"MODIFIED","object":{}}', '{"type":7,"object":{"metadata":7}}')


def everything(name: str, action: Action, *, seconds: float = 30, brief: float | None = None, rate: float = 5) -> Fault:
    """Apply the same action to all calls, and break open watches."""
    return Fault(name, strike(action, cuts=every), seconds=seconds, brief=brief, rate=rate)


def refuse_token(scene: Scene) -> None:
    """Refuse the operator's current token for good."""
    token = scene.api.calls[-1].authorization
    refusal = say_status(401, "Unauthorized", "Unauthorized")
    scene.api.fail(lambda call: refusal if call.authorization == token else None)
    scene.api.cut(every, in_event=True)


def give_new_token(scene: Scene) -> None:
    """Put a new token into the kubeconfig, and keep refusing the old one."""
    scene.write_kubeconfig(new_token=True)


def change_certificate(scene: Scene) -> None:
    """Show a new certificate of the same authority."""
    assert scene.api.authority is not None
    scene.api.show_certificate_of(scene.api.authority)
    scene.api.abort()


def change_authority(scene: Scene) -> None:
    """Show a certificate of an authority that the kubeconfig does not name."""
    scene.api.authority = Authority()
    scene.api.show_certificate_of(scene.api.authority)
    scene.api.abort()


def name_in_kubeconfig(scene: Scene) -> None:
    """Write the current address and authority into the kubeconfig."""
    scene.write_kubeconfig()


def flap(scene: Scene, second: int) -> None:
    """Be unreachable every other second."""
    if second % 2:
        scene.api.listen()
    else:
        scene.api.refuse()


def freeze_watches(scene: Scene) -> None:
    """Deliver nothing more in watches, and close none."""
    scene.api.freeze(watches)


def lose_watches(scene: Scene) -> None:
    """Silence the currently open watches for good; new ones work."""
    scene.api.freeze(watches, new=False)


def freeze_all(scene: Scene) -> None:
    """Let nothing through, and close nothing."""
    scene.api.fail(lambda _: Hang())
    scene.api.freeze()


def restart_unseen(scene: Scene) -> None:
    """Restart the API server while it is unreachable."""
    scene.api.refuse()
    scene.cluster.stop_api_server()
    scene.cluster.start_api_server()
    wait_until(lambda: knows_own_kinds(scene), "the API server to know the definitions again")


def knows_own_kinds(scene: Scene) -> bool:
    """Return whether the API server accepts changes to the custom resources, which takes a moment after its start."""
    try:
        return all(may_be_patched(scene, kind) for kind in OUR_KINDS)
    except httpx.HTTPError:
        return False


def may_be_patched(scene: Scene, kind: str) -> bool:
    """Return whether objects of the kind exist, and an empty patch is accepted."""
    api, path = scene.installed.api, resource_of(kind).path
    listed = api.request("GET", path())
    if not listed.accepted or not listed.body["items"]:
        return False
    metadata = listed.body["items"][0]["metadata"]
    return api.request(
        "PATCH", path(metadata["namespace"], metadata["name"]), {}, params={"dryRun": "All"}, headers=MERGE_PATCH
    ).accepted


def redirect_elsewhere(scene: Scene) -> None:
    """Redirect everything to another server, which must not learn the token."""
    moved = Say(302, "", {"Location": f"{scene.models.url}/login"})
    scene.api.fail(lambda _: moved)
    scene.api.cut(every, in_event=True)


def redirect_to_page(scene: Scene) -> None:
    """Redirect everything to a page on the same server."""
    scene.api.fail(to_login_page)
    scene.api.cut(every, in_event=True)


def ignore(scene: Scene) -> None:
    """Close connections, and answer no new ones."""
    scene.api.ignore()
    scene.api.abort()


def stale_lists(scene: Scene) -> None:
    """Repeat the first response to each list."""
    strike(Stale(), lists, cuts=watches)(scene)


def to_login_page(call: Call) -> Action:
    """A redirect to a page of the same server."""
    return Say(200, PAGE, HTML) if call.path == "/login" else Say(302, "", {"Location": "/login"})


def alternate(call: Call) -> Action | None:
    """Fail every other call."""
    return say_status(500, "InternalError") if call.number % 2 else None


def catalogue() -> Iterator[Fault]:
    """Return each fault once; those with a brief form are the most telling."""
    yield from credentials()
    yield from broken_watches()
    yield from broken_answers()
    yield from refusals()
    yield from connections()
    yield from oddities()


def credentials() -> Iterator[Fault]:
    """Tokens and certificates."""
    yield Fault("401, then a new token", refuse_token, give_new_token, seconds=30, brief=BRIEF, rate=10)
    yield everything("401 for a while", say_status(401, "Unauthorized"), seconds=30, rate=10)
    yield everything("403 for a while", say_status(403, "Forbidden"), seconds=30)
    yield Fault("another certificate of the same CA", change_certificate, seconds=30, readiness=ANY)
    yield Fault("a certificate of another CA", change_authority, name_in_kubeconfig, seconds=100, brief=BRIEF)
    yield Fault("another port", lambda scene: scene.api.move(), name_in_kubeconfig)


def broken_watches() -> Iterator[Fault]:
    """Watches alone, while lists are answered."""
    for name, action, readiness, brief in (
        ("410 on watches", say_status(410, "Expired"), TRUE, None),
        ("404 on watches", say_status(404, "NotFound"), TRUE, None),
        ("500 on watches", say_status(500, "InternalError"), TRUE, None),
        ("ERROR event 410", error_event(410, "Expired"), TRUE, None),
        ("ERROR event 500", error_event(500, "InternalError"), TRUE, None),
        ("watches cut in an event", CutInEvent(), TRUE, None),
        ("watches reset in an event", CutInEvent(resets=True), TRUE, None),
        ("HTML on watches", Say(200, PAGE, HTML), TRUE, None),
        ("watches that end at once", EndAfter(), TRUE, BRIEF),
        ("watches that end after an event", EndAfterEvents(1), TRUE, None),
        ("watches that end after 0.7 s", EndAfter(0.7), ANY, None),
        ("events of another shape", Inject(EVENTS), TRUE, None),
        ("events of another shape before others", Inject(EVENTS, goes_on=True), TRUE, None),
        ("events twice", Repeat(2), KEPT, None),
        ("old events again", Repeat(1, old=True), KEPT, None),
    ):
        # Watches that bring everything are never unready: where they are cut, one is opened at once.
        kept = ANY if readiness is KEPT else readiness
        yield Fault(name, strike(action, watches, cuts=watches), readiness=kept, brief=brief, rate=10)
    yield Fault(
        "watches that are dead for good",
        lose_watches,
        lambda _: None,
        seconds=100,
        readiness=TRUE,
        unready_within=SILENT_SECONDS,
    )
    yield Fault("half-open watches", freeze_watches, seconds=150, readiness=TRUE, unready_within=SILENT_SECONDS)


def broken_answers() -> Iterator[Fault]:
    """Answers with status 200 that are none."""
    page = Say(200, PAGE, HTML)
    yield everything("HTML on everything", page, brief=BRIEF)
    yield Fault("HTML on lists", strike(page, lists, cuts=watches))
    yield Fault("HTML on GETs", strike(page, gets), readiness=KEPT)
    yield Fault("HTML on writes", strike(page, writes), readiness=KEPT)
    yield everything("an empty 200", Say(200, "", JSON))
    for name, body in SHAPES.items():
        yield everything(f"{name} as JSON", say_json(body))
    yield Fault("a list as answer to writes", strike(say_json([]), writes), readiness=KEPT)
    yield Fault("an empty object as answer to GETs", strike(say_json({}), gets), readiness=KEPT)
    yield Fault("redirects elsewhere", redirect_elsewhere)
    yield Fault("redirects to a page", redirect_to_page)
    yield everything("redirects in a circle", Say(302, "", {"Location": "/api/v1/pods"}), rate=15)


def refusals() -> Iterator[Fault]:
    """Answers with an error."""
    for name, (code, reason) in ERRORS.items():
        yield everything(f"{name} on everything", say_status(code, reason))
    yield everything("429 with Retry-After", TURNED_AWAY, rate=15)
    yield everything("429 without Retry-After", say_status(429, "TooManyRequests"), rate=15)
    yield everything("429 with a huge Retry-After", say_status(429, "TooManyRequests", Retry_After=HUGE))
    yield Fault("404 on the group", strike(say_status(404, "NotFound"), own_group, cuts=own_group))
    yield Fault(
        "503 on the group",
        strike(say_status(503, "ServiceUnavailable"), own_group, cuts=own_group),
        seconds=200,
        brief=BRIEF,
    )
    yield Fault("409 on writes", strike(say_status(409, "Conflict"), writes), readiness=KEPT)
    yield Fault("500 on writes", strike(say_status(500, "InternalError"), writes), readiness=KEPT)
    yield Fault("every other call fails", lambda scene: scene.api.fail(alternate), readiness=ANY)


def connections() -> Iterator[Fault]:
    """No answer at all."""
    yield Fault("refused connections", lambda scene: scene.api.refuse(), seconds=60, brief=BRIEF)
    yield Fault("ignored connections", ignore, seconds=65, unready_within=SILENT_SECONDS)
    yield everything("reset connections", Reset())
    yield everything("closed connections", Close())
    yield Fault("no answer", strike(Hang(), cuts=every), seconds=90, unready_within=SILENT_SECONDS)
    yield Fault("everything half open", freeze_all, seconds=150, unready_within=SILENT_SECONDS)
    yield Fault("flapping", lambda _: None, tick=flap, readiness=ANY, rate=40)
    yield Fault("restarted while cut off", restart_unseen, seconds=15, readiness=LOST)
    yield Fault("answers of writes lost", strike(LoseAnswer(), writes), readiness=KEPT, brief=BRIEF)


def oddities() -> Iterator[Fault]:
    """Slow, or late."""
    yield Fault("30 s of latency", strike(Delay(30)), seconds=120, readiness=ANY)
    yield Fault("2 s of latency", strike(Delay(2)), seconds=30, readiness=KEPT)
    yield Fault("answers that drip", strike(Drip(500), lambda call: not call.is_watch), readiness=ANY)
    yield Fault("stale lists", stale_lists, tick=relist, seconds=30, readiness=ANY, rate=20)


def relist(scene: Scene, second: int) -> None:
    """Watches are cut now and then, so that everything is listed."""
    if second % 5 == 4:
        scene.api.cut(watches, in_event=True)


API_SERVER_FAULTS = tuple(catalogue())
