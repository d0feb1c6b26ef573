"""From what was seen to who wants a look."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.reconcile.directory import Directory
from rasa_environments.reconcile.dispatch import CHILD_DELAY_SECONDS, Dispatcher
from rasa_environments.reconcile.pods import Pods
from rasa_environments.reconcile.queue import DONE, Kind, Request, Result, WorkQueue
from rasa_environments.reconcile.references import SecretReferences
from tests.reconcile.clock import run
from tests.reconcile.objects import environment_body, server_body, tag_body


def server(name: str, namespace: str = "bots") -> Request:
    """A look at a ModelServer."""
    return Request(Kind.MODEL_SERVER, ObjectKey(namespace, name))


def environment(name: str, namespace: str = "bots") -> Request:
    """A look at a DeploymentEnvironment."""
    return Request(Kind.DEPLOYMENT_ENVIRONMENT, ObjectKey(namespace, name))


def tag(name: str, namespace: str = "bots") -> Request:
    """A look at a ModelTag."""
    return Request(Kind.MODEL_TAG, ObjectKey(namespace, name))


@dataclass
class Scene:
    """What a dispatcher works on, with a new queue for each act."""

    directory: Directory = field(default_factory=Directory)
    references: SecretReferences = field(default_factory=SecretReferences)
    pods: Pods = field(default_factory=Pods)

    def dispatcher(self, queue: WorkQueue) -> Dispatcher:
        """A dispatcher that fills the queue."""
        return Dispatcher(self.directory, queue, self.references, self.pods)

    def known(self, kind: Kind) -> dict[ObjectKey, int]:
        """The known objects of a kind with their version."""
        return self.dispatcher(WorkQueue()).known(kind)

    def looks(self, act: Callable[[Dispatcher], object]) -> dict[Request, float]:
        """What wants a look because of an act, and after how many seconds."""

        async def test() -> dict[Request, float]:
            looked: dict[Request, float] = {}
            queue = WorkQueue()

            async def handle(request: Request) -> Result:
                looked[request] = asyncio.get_running_loop().time()
                return DONE

            act(self.dispatcher(queue))
            worker = asyncio.create_task(queue.run(handle))
            await asyncio.sleep(1)
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker
            return looked

        return run(test())

    def after(self, body: JsonObject) -> set[Request]:
        """Who wants a look when an object is seen."""
        return set(self.looks(lambda dispatcher: dispatcher.seen(Kind(body["kind"]), body)))

    def after_the_end_of(self, request: Request, uid: str | None = "uid") -> set[Request]:
        """Who wants a look when an object is gone."""
        return set(self.looks(lambda dispatcher: dispatcher.gone(request.kind, request.key, uid)))


def scene(*bodies: JsonObject) -> Scene:
    """A scene in which these objects are known."""
    made = Scene()
    for body in bodies:
        made.after(body)
    return made


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
        "a ModelTag that is deleted from the server one day",
        [],
        tag_body("live", deletionPolicy="Delete"),
        {tag("live"), server("default")},
    ),
]


@pytest.mark.parametrize(
    ("known", "body", "concerned"), [row[1:] for row in APPEARANCES], ids=[row[0] for row in APPEARANCES]
)
def test_what_appears_concerns_itself_and_who_has_to_do_with_it(
    known: Iterable[JsonObject], body: JsonObject, concerned: set[Request]
) -> None:
    assert scene(*known).after(body) == concerned


@pytest.mark.parametrize(
    ("known", "body", "concerned"), [row[1:] for row in APPEARANCES], ids=[row[0] for row in APPEARANCES]
)
def test_what_is_gone_concerns_the_same(known: Iterable[JsonObject], body: JsonObject, concerned: set[Request]) -> None:
    made = scene(*known, body)
    request = Request(Kind(body["kind"]), ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"]))

    assert made.after_the_end_of(request) == concerned
    assert request.key not in made.known(request.kind)


def test_a_change_of_the_spec_concerns_those_of_before_and_those_of_now() -> None:
    made = scene(
        server_body(),
        environment_body("left", tag="live"),
        environment_body("joined", tag="staging"),
        environment_body("a", tag="live", age=1),
    )

    assert made.after(environment_body("a", tag="staging", version=2, age=1)) == {
        environment("a"),
        environment("left"),
        environment("joined"),
    }


def test_a_change_that_leaves_the_spec_concerns_the_object_alone() -> None:
    made = scene(environment_body("support"), server_body())

    assert made.after(server_body(version=2)) == {server("default")}


@pytest.mark.parametrize("version", [6, 7])
def test_a_version_that_is_not_news_is_ignored(version: int) -> None:
    made = scene(environment_body("support", version=7, tag="live"))

    assert made.after(environment_body("support", version=version, tag="old")) == set()
    assert made.known(Kind.DEPLOYMENT_ENVIRONMENT) == {ObjectKey("bots", "support"): 7}


def test_the_end_of_a_former_object_of_the_same_name_is_ignored() -> None:
    made = scene(environment_body("support", uid="new"))

    assert made.after_the_end_of(environment("support"), "old") == set()
    assert ObjectKey("bots", "support") in made.known(Kind.DEPLOYMENT_ENVIRONMENT)


def test_an_object_that_a_list_lacks_is_gone_whatever_its_uid() -> None:
    made = scene(environment_body("support"))

    assert made.after_the_end_of(environment("support"), None) == {environment("support")}


def test_the_end_of_what_was_never_seen_concerns_nobody() -> None:
    assert scene().after_the_end_of(environment("support")) == set()


def test_an_object_that_is_not_of_this_version_is_told_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    made = scene()

    with caplog.at_level(logging.WARNING):
        assert made.after(environment_body("support", replicas="many")) == set()

    assert "DeploymentEnvironment bots/support is left alone" in caplog.text
    assert "spec.replicas" in caplog.text
    assert made.known(Kind.DEPLOYMENT_ENVIRONMENT) == {}


def test_after_a_version_that_cannot_be_read_the_last_one_counts() -> None:
    made = scene(environment_body("support", version=1))

    made.after(environment_body("support", version=2, replicas="many"))

    assert made.known(Kind.DEPLOYMENT_ENVIRONMENT) == {ObjectKey("bots", "support"): 1}


def test_all_known_objects_of_a_kind_are_told_with_their_version() -> None:
    made = scene(server_body(version=3), environment_body("support", version=4), tag_body("live", version=5))

    assert made.known(Kind.MODEL_SERVER) == {ObjectKey("bots", "default"): 3}
    assert made.known(Kind.DEPLOYMENT_ENVIRONMENT) == {ObjectKey("bots", "support"): 4}
    assert made.known(Kind.MODEL_TAG) == {ObjectKey("bots", "live"): 5}


def test_a_changed_child_concerns_its_environment_after_a_moment() -> None:
    made = scene()

    looks = made.looks(lambda dispatcher: dispatcher.child_changed(ObjectKey("bots", "support-rasa"), {}))

    assert looks == {environment("support"): CHILD_DELAY_SECONDS}


def test_a_child_that_is_gone_concerns_its_environment_at_once() -> None:
    made = scene()

    looks = made.looks(lambda dispatcher: dispatcher.child_changed(ObjectKey("bots", "support-rasa"), None))

    assert looks == {environment("support"): 0}


def test_an_object_that_is_not_named_as_a_child_concerns_nobody() -> None:
    made = scene()

    assert made.looks(lambda dispatcher: dispatcher.child_changed(ObjectKey("bots", "support"), None)) == {}


def test_a_pod_concerns_its_environment_when_something_moved() -> None:
    made = scene()
    pod = {"metadata": {"name": "a", "namespace": "bots", "labels": {"app.kubernetes.io/instance": "support"}}}

    def changed(dispatcher: Dispatcher) -> None:
        dispatcher.pod_changed(ObjectKey("bots", "a"), pod)

    assert made.looks(changed) == {environment("support"): CHILD_DELAY_SECONDS}
    assert made.looks(changed) == {}


def test_a_secret_concerns_those_who_name_it() -> None:
    made = scene()
    passwords = ObjectKey("bots", "passwords")
    for user in (server("default"), environment("support")):
        made.references.set(user, [passwords])
    made.references.set(environment("other"), [ObjectKey("bots", "other")])

    looks = made.looks(lambda dispatcher: dispatcher.secret_changed(passwords))

    assert set(looks) == {server("default"), environment("support")}
