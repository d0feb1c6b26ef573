"""Which objects are queued when something changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey, Rejection
from rasa_environments.api.kinds import parse
from rasa_environments.controller.event_handlers import CHILD_DELAY_SECONDS, EventHandlers
from rasa_environments.controller.pods import Pods
from rasa_environments.controller.queue import DONE, Kind, Request, Result, WorkQueue
from rasa_environments.controller.secret_references import SecretReferences
from rasa_environments.domain.lister import Lister
from tests.reconcile.clock import run
from tests.reconcile.objects import environment_body, server_body, tag_body


def server(name: str, namespace: str = "bots") -> Request:
    """Return a request to reconcile a ModelServer."""
    return Request(Kind.MODEL_SERVER, ObjectKey(namespace, name))


def environment(name: str, namespace: str = "bots") -> Request:
    """Return a request to reconcile a DeploymentEnvironment."""
    return Request(Kind.DEPLOYMENT_ENVIRONMENT, ObjectKey(namespace, name))


def tag(name: str, namespace: str = "bots") -> Request:
    """Return a request to reconcile a ModelTag."""
    return Request(Kind.MODEL_TAG, ObjectKey(namespace, name))


@dataclass
class Scene:
    """The collaborators of the event handlers, with a new queue for each act."""

    lister: Lister = field(default_factory=Lister)
    references: SecretReferences = field(default_factory=SecretReferences)
    pods: Pods = field(default_factory=Pods)
    settled: set[ObjectKey] = field(default_factory=set)
    """The names of children that are as they were reconciled."""

    def event_handlers(self, queue: WorkQueue) -> EventHandlers:
        """Return event handlers that fill the queue."""
        return EventHandlers(self.lister, queue, self.references, self.pods, self.settled.__contains__)

    def version(self, request: Request) -> int | None:
        """The version in which an object is known."""
        known = self.event_handlers(WorkQueue()).known(request)
        return None if known is None else known.metadata.version

    def looks(self, act: Callable[[EventHandlers], object]) -> dict[Request, float]:
        """Return what an act queues, and after how many seconds."""

        async def test() -> dict[Request, float]:
            looked: dict[Request, float] = {}
            queue = WorkQueue()

            async def handle(request: Request) -> Result:
                looked[request] = asyncio.get_running_loop().time()
                return DONE

            act(self.event_handlers(queue))
            worker = asyncio.create_task(queue.run(handle))
            await asyncio.sleep(1)
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker
            return looked

        return run(test())

    def after(self, body: JsonObject) -> set[Request]:
        """Which others are queued when an object has been read."""
        return set(self.looks(lambda handlers: handlers.on_update(parse(body["kind"], body))))

    def after_the_end_of(self, request: Request) -> set[Request]:
        """Which others are queued when an object is gone."""
        return set(self.looks(lambda handlers: handlers.on_delete(request)))


def scene(*bodies: JsonObject) -> Scene:
    """Return a scene with these objects."""
    made = Scene()
    for body in bodies:
        made.after(body)
    return made


def test_whoever_refers_to_a_model_server_of_which_no_version_can_be_used_is_queued() -> None:
    made = scene(environment_body("support"), tag_body("support"))

    assert set(made.looks(lambda handlers: handlers.on_unusable(server("default")))) == {
        environment("support"),
        tag("support"),
    }
    assert made.looks(lambda handlers: handlers.on_unusable(environment("support"))) == {}


APPEARANCES: list[tuple[str, Iterable[JsonObject], JsonObject, set[Request]]] = [
    ("an environment", [], environment_body("support"), {environment("support")}),
    (
        "an environment beside others",
        [environment_body("other"), tag_body("support"), server_body()],
        environment_body("support"),
        {environment("support")},
    ),
    (
        "an environment that is older than another of its name",
        [server_body(), environment_body("other", environment="support")],
        environment_body("support", age=1),
        {environment("support"), environment("other")},
    ),
    (
        "an environment that is older than another of its tag",
        [server_body(), environment_body("other", tag="support")],
        environment_body("support", age=1),
        {environment("support"), environment("other")},
    ),
    (
        "an environment that is older than two others of its tag",
        [server_body(), *(environment_body(name, tag="support") for name in ("next", "other"))],
        environment_body("support", age=1),
        {environment("support"), environment("next")},
    ),
    (
        "an environment that is newer than another of its tag",
        [server_body(), environment_body("other", tag="support", age=1)],
        environment_body("support"),
        {environment("support")},
    ),
    (
        "a server",
        [
            environment_body("support"),
            environment_body("guest", namespace="guests", modelServerRef={"namespace": "bots"}),
            environment_body("foreign", modelServerRef={"name": "second"}),
            tag_body("live"),
        ],
        server_body(),
        {server("default"), environment("support"), environment("guest", "guests"), tag("live")},
    ),
    ("a ModelTag", [environment_body("live"), server_body()], tag_body("live"), {tag("live")}),
    (
        "a ModelTag that is older than two others of its tag",
        [server_body(), tag_body("next", tag="live"), tag_body("other", tag="live")],
        tag_body("live", age=1),
        {tag("live"), tag("next")},
    ),
    (
        "a ModelTag that names the actions of its model",
        [environment_body("live"), environment_body("other"), server_body()],
        tag_body("live", actionServer={"image": "actions:1"}),
        {tag("live"), environment("live")},
    ),
    (
        "a ModelTag that is deleted from the server one day",
        [],
        tag_body("live", deletionPolicy="Delete"),
        {tag("live"), server("default")},
    ),
]


def request_of(body: JsonObject) -> Request:
    """Return a request to reconcile that object."""
    return Request(Kind(body["kind"]), ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"]))


@pytest.mark.parametrize(
    ("known", "body", "concerned"), [row[1:] for row in APPEARANCES], ids=[row[0] for row in APPEARANCES]
)
def test_what_appears_concerns_who_has_to_do_with_it(
    known: Iterable[JsonObject], body: JsonObject, concerned: set[Request]
) -> None:
    assert scene(*known).after(body) == concerned - {request_of(body)}


@pytest.mark.parametrize(
    ("known", "body", "concerned"), [row[1:] for row in APPEARANCES], ids=[row[0] for row in APPEARANCES]
)
def test_what_is_gone_concerns_the_same(known: Iterable[JsonObject], body: JsonObject, concerned: set[Request]) -> None:
    made = scene(*known, body)
    request = request_of(body)

    told = made.after_the_end_of(request)

    if request.kind is Kind.DEPLOYMENT_ENVIRONMENT:  # and the tag that it followed: see below
        told = {each for each in told if each.kind is not Kind.MODEL_TAG}
    assert told == concerned - {request}
    assert made.version(request) is None


def test_a_change_of_the_spec_concerns_those_of_before_and_those_of_now() -> None:
    made = scene(
        server_body(),
        environment_body("left", tag="live"),
        environment_body("joined", tag="staging"),
        environment_body("a", tag="live", age=1),
    )

    assert made.after(environment_body("a", tag="staging", version=2, age=1)) == {
        environment("left"),
        environment("joined"),
    }


def test_a_change_that_leaves_the_spec_concerns_nobody_else() -> None:
    made = scene(environment_body("support"), server_body())

    assert made.after(server_body(version=2)) == set()


@pytest.mark.parametrize(("version", "queued"), [(6, False), (7, False), (8, True), (None, True)])
def test_an_object_is_queued_in_a_version_that_was_not_read_yet_and_when_it_is_gone(
    version: int | None, queued: bool
) -> None:
    made = scene(environment_body("support", version=7))

    looks = made.looks(lambda handlers: handlers.changed(environment("support"), version))

    assert set(looks) == ({environment("support")} if queued else set())


def test_an_object_that_was_never_read_is_queued() -> None:
    assert set(scene().looks(lambda handlers: handlers.changed(environment("support"), 1))) == {environment("support")}


def test_the_last_valid_version_stays_in_force_and_the_rejected_one_is_not_read_again() -> None:
    made = scene(environment_body("support", version=7, tag="live"))
    known = made.lister.environments.get(ObjectKey("bots", "support"))
    assert known is not None
    rejection = Rejection(version=8, generation=2, message="spec: is too large")

    assert made.looks(lambda handlers: handlers.reject(known, rejection)) == {}

    in_force = made.lister.environments.get(ObjectKey("bots", "support"))
    assert in_force is not None
    assert (in_force.tag, in_force.metadata.rejection) == ("live", rejection)
    assert made.looks(lambda handlers: handlers.changed(environment("support"), 8)) == {}
    assert set(made.looks(lambda handlers: handlers.changed(environment("support"), 9))) == {environment("support")}


def test_the_end_of_what_was_never_seen_concerns_nobody() -> None:
    assert scene().after_the_end_of(environment("support")) == set()


def test_a_changed_child_concerns_its_environment_after_a_moment() -> None:
    made = scene()

    looks = made.looks(lambda handlers: handlers.child_changed(ObjectKey("bots", "support-rasa"), {}))

    assert looks == {environment("support"): CHILD_DELAY_SECONDS}


def test_a_child_that_is_settled_by_the_end_of_the_delay_concerns_nobody() -> None:
    made = scene(environment_body("support"))
    child = ObjectKey("bots", "support-rasa")

    def its_own_write_comes_back(handlers: EventHandlers) -> None:
        handlers.child_changed(child, {})
        made.settled.add(child)

    assert made.looks(its_own_write_comes_back) == {}


def test_of_two_children_that_change_each_has_to_be_settled() -> None:
    made = scene(environment_body("support"))
    settled, other = ObjectKey("bots", "support-rasa"), ObjectKey("bots", "support-actions")
    made.settled.add(settled)

    def both_change(handlers: EventHandlers) -> None:
        handlers.child_changed(other, {})
        handlers.child_changed(settled, {})

    assert list(made.looks(both_change)) == [environment("support")]
    made.settled.add(other)
    assert made.looks(both_change) == {}


def test_of_two_changes_of_a_child_the_one_that_is_not_settled_concerns_its_environment() -> None:
    made = scene(environment_body("support"))
    child = ObjectKey("bots", "support-rasa")

    async def settled_and_changed_again(handlers: EventHandlers) -> None:
        made.settled.add(child)
        handlers.child_changed(child, {})
        await asyncio.sleep(CHILD_DELAY_SECONDS * 1.5)
        made.settled.clear()
        handlers.child_changed(child, {})

    looks = made.looks(lambda handlers: asyncio.ensure_future(settled_and_changed_again(handlers)))
    assert list(looks) == [environment("support")]


def test_a_deleted_child_concerns_its_environment_at_once() -> None:
    made = scene()

    looks = made.looks(lambda handlers: handlers.child_changed(ObjectKey("bots", "support-rasa"), None))

    assert looks == {environment("support"): 0}


def test_an_object_that_is_not_named_as_a_child_concerns_nobody() -> None:
    made = scene()

    assert made.looks(lambda handlers: handlers.child_changed(ObjectKey("bots", "support"), None)) == {}


def test_a_pod_concerns_its_environment_when_something_moved() -> None:
    made = scene()
    pod = {"metadata": {"name": "a", "namespace": "bots", "labels": {"app.kubernetes.io/instance": "support"}}}

    def changed(event_handlers: EventHandlers) -> None:
        event_handlers.pod_changed(ObjectKey("bots", "a"), pod)

    assert made.looks(changed) == {environment("support"): CHILD_DELAY_SECONDS}
    assert made.looks(changed) == {}


VERIFYING: JsonObject = {
    "verifications": [
        {
            "name": "new",
            "hash": "1",
            "stage": "Candidate",
            "conversationsDigest": "d",
            "startTime": "2026-01-01T12:00:00Z",
        }
    ]
}


def test_a_pod_of_a_candidate_concerns_the_tag_that_waits_for_it() -> None:
    made = scene(server_body(), {**tag_body("live"), "status": VERIFYING}, environment_body("live"))
    labels = {"app.kubernetes.io/name": "rasa-candidate", "rasa-environments.io/candidate-of": "live"}
    pod = {"metadata": {"name": "a", "namespace": "bots", "labels": labels}}

    looks = made.looks(lambda handlers: handlers.pod_changed(ObjectKey("bots", "a"), pod))

    assert set(looks) == {environment("live"), tag("live")}


def test_the_candidate_of_a_tag_that_is_gone_is_removed_by_its_environment() -> None:
    made = scene(server_body(), {**tag_body("live"), "status": VERIFYING}, environment_body("live"))

    assert made.after_the_end_of(tag("live")) == {environment("live")}


def test_a_candidates_child_concerns_its_environment() -> None:
    made = scene()

    assert set(made.looks(lambda handlers: handlers.child_changed(ObjectKey("bots", "live-candidate"), None))) == {
        environment("live")
    }


def test_a_secret_concerns_those_who_name_it() -> None:
    made = scene()
    passwords = ObjectKey("bots", "passwords")
    for user in (server("default"), environment("support")):
        made.references.set(user, [passwords])
    made.references.set(environment("other"), [ObjectKey("bots", "other")])

    looks = made.looks(lambda handlers: handlers.secret_changed(passwords))

    assert set(looks) == {server("default"), environment("support")}


def test_a_status_that_this_process_has_not_written_concerns_the_tag_that_tells_of_it() -> None:
    known = scene(server_body(), tag_body("live"), environment_body("live"))

    written = {**environment_body("live", version=2), "status": {"tag": "live"}}

    assert known.after(written) == {tag("live")}


def test_the_end_of_an_environment_concerns_the_tag_that_it_followed() -> None:
    known = scene(server_body(), tag_body("live"), environment_body("live"))

    assert known.after_the_end_of(environment("live")) == {tag("live")}


def test_a_model_tag_that_comes_to_own_its_tag_concerns_those_whose_actions_it_names() -> None:
    newer = tag_body("next", tag="live", actionServer={"image": "actions:1"})
    made = scene(server_body(), environment_body("live"), tag_body("live", age=1), newer)

    assert made.after_the_end_of(tag("live")) == {tag("next"), environment("live")}


def test_a_model_tag_with_a_job_for_its_environments_or_none_any_more_concerns_those_that_admit_it() -> None:
    pod = {"containers": [{"name": "test", "image": "tests:1"}]}
    job = {"live": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}
    made = scene(server_body(), environment_body("live"), tag_body("live"))

    assert made.after(tag_body("live", version=2, verification=job)) == {environment("live")}
    assert made.after(tag_body("live", version=3)) == {environment("live")}
    assert made.after(tag_body("live", version=4, model="model-2")) == set()


def test_a_model_tag_that_names_other_actions_or_none_any_more_concerns_those_that_run_them() -> None:
    made = scene(server_body(), environment_body("live"), tag_body("live", actionServer={"image": "actions:1"}))

    assert made.after(tag_body("live", version=2, actionServer={"image": "actions:2"})) == {environment("live")}
    assert made.after(tag_body("live", version=3)) == {environment("live")}
    assert made.after(tag_body("live", version=4, model="model-2")) == set()


def test_an_environment_that_begins_to_go_concerns_the_tag_that_may_wait_for_it() -> None:
    known = scene(server_body(), tag_body("live"), environment_body("live"))
    going = environment_body("live", version=2)
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert known.after(going) == {tag("live")}
