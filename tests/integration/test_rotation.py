"""A token rotation of an environment, end to end: Secret, pods, registration, and users who keep chatting.

The pods have a readiness gate, which opens once the real server in the pod's place is ready: so the rollout takes as
long as Rasa takes to start. The tests do the kubelet's work: a process for each pod, until the pod is deleted.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.api_server import ApiServer
from local.deployed_pod import pod_of
from local.rasa import RELEASES, RasaProcess
from rasa_environments.api.base import JsonObject
from tests.integration.chatting import Chats, chatting
from tests.integration.conftest import Installation
from tests.integration.manifests import CREDENTIALS, environment, model_server, secret
from tests.integration.model_server_process import MODEL_A, TOKEN
from tests.integration.real_environments import ANSWERS, LISTENING_SECONDS, RealRasa, running_rasa_x
from tests.integration.registry import LOGIN, PASSWORD, USER, Registry
from tests.integration.service_network import service_network
from tests.integration.space import ENVIRONMENT, Space

RELEASE = RELEASES["2.8.34"]
ROTATE = {"rasa-environments.io/rotate-token-at": "2026-01-01"}
GATE = "tests/rasa-is-ready"


@dataclass(frozen=True)
class Rotation:
    """What was seen of a rotation that is over; moments are of `time.monotonic`."""

    space: Space
    old_token: str
    new_token: str
    server: RealRasa
    """The server in the new pod."""
    registered_before: str
    told_meanwhile: JsonObject
    """The condition Registered while the new pod was not ready."""
    registered_meanwhile: str
    """The token in the registry when the new server was ready, before its pod was."""
    old_server_meanwhile: dict[str, int]
    """Status code of the old server then, by token."""
    answered_meanwhile: int
    """How many messages were answered from the change of the Secret until then."""
    registered_after: str
    pod_ready: float
    """Before the new pod became ready."""
    registered: float
    """After the new token was registered."""
    chats: Chats


@pytest.fixture(scope="module")
def rotation(
    shared: Installation,
    new_space: Callable[[], Space],
    rasa_2_8: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rotation]:
    space, kubeconfig = new_space(), shared.facts.kubeconfig
    with contextlib.ExitStack() as running, ApiServer(kubeconfig) as api:
        network = running.enter_context(service_network(kubeconfig))
        directory = tmp_path_factory.mktemp("rotation")
        rasa_x = running.enter_context(running_rasa_x("RasaEnterprise-1.0", directory, **LOGIN, **network))
        rasa_x.upload_samples(RELEASE)
        rasa_x.models.put_tag(MODEL_A, "production")
        registry = Registry(rasa_x.url)

        def registered_token() -> str:
            return str((registry.find("production") or {}).get("token"))

        def ready_server(pod: JsonObject) -> RealRasa:
            planned = pod_of(api, space.namespace, pod["spec"], pod)
            address = pod["status"]["podIP"]
            process = running.enter_context(RasaProcess(rasa_2_8, planned, interface=address))
            server = RealRasa("production", planned, address, process)
            process.wait_until(lambda: server.is_listening() and server.is_ready, LISTENING_SECONDS, "ready")
            return server

        space.apply(
            secret(CREDENTIALS, token=TOKEN, username=USER, password=PASSWORD),
            model_server(rasa_x.url, profile="RasaEnterprise-1.0"),
            environment(
                rasa={"version": RELEASE.version}, podTemplate={"spec": {"readinessGates": [{"conditionType": GATE}]}}
            ),
        )
        old_pod = pod_with_address(space)
        old = ready_server(old_pod)
        open_gate(space, old_pod)
        space.wait_for_condition(ENVIRONMENT, "production", "Registered", status="True")
        space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True")
        old_token, registered_before = space.token(), registered_token()
        with chatting(rasa_x.url) as chats:
            space.eventually(lambda: chats.answered, "a message to be answered")
            space.patch(ENVIRONMENT, "production", {"metadata": {"annotations": ROTATE}})
            new_pod = pod_with_address(space, beside=old_pod)
            rotated = time.monotonic()
            pending = space.wait_for_condition(ENVIRONMENT, "production", "Registered", status="Unknown")
            new = ready_server(new_pod)
            space.eventually(lambda: chats.answered_since(rotated) > 1, "more messages to be answered")
            meanwhile = registered_token()
            old_server = {token: old.status(token) for token in (old_token, space.token())}
            answered = chats.answered_since(rotated)
            pod_ready = time.monotonic()
            open_gate(space, new_pod)
            space.eventually(lambda: space.find("Pod", old_pod["metadata"]["name"]) is None, "the old pod to go")
            old.process.stop()
            space.eventually(lambda: registered_token() != old_token, "another token to be registered")
            registered = time.monotonic()
            space.wait_for_condition(ENVIRONMENT, "production", "Registered", status="True")
            space.eventually(lambda: chats.answered_since(registered) > 2, "messages to be answered again")
        yield Rotation(
            space=space,
            old_token=old_token,
            new_token=space.token(),
            server=new,
            registered_before=registered_before,
            told_meanwhile=pending,
            registered_meanwhile=meanwhile,
            old_server_meanwhile=old_server,
            answered_meanwhile=answered,
            registered_after=registered_token(),
            pod_ready=pod_ready,
            registered=registered,
            chats=chats,
        )


def pod_with_address(space: Space, beside: JsonObject | None = None) -> JsonObject:
    """Return the pod of production that has an address, or a new one beside a given pod."""

    def found() -> JsonObject | None:
        pods = [pod for pod in space.list("Pod") if pod["status"].get("podIP")]
        return next(
            (pod for pod in pods if beside is None or pod["metadata"]["uid"] != beside["metadata"]["uid"]), None
        )

    pod = space.eventually(found, "the pod to have an address")
    assert pod is not None
    return pod


def open_gate(space: Space, pod: JsonObject) -> None:
    """Make the pod ready, because its server is."""
    answer = space.api.request(
        "PATCH",
        space.path("Pod", pod["metadata"]["name"], "status"),
        {"status": {"conditions": [{"type": GATE, "status": "True"}]}},
        headers={"Content-Type": "application/strategic-merge-patch+json"},
    )
    assert answer.accepted, answer.body["message"]


def test_the_environment_gets_another_token(rotation: Rotation) -> None:
    assert rotation.registered_before == rotation.old_token
    assert rotation.new_token != rotation.old_token
    assert rotation.space.status(ENVIRONMENT, "production")["lastHandledRotateTokenAt"] == "2026-01-01"


def test_until_the_servers_run_with_it_the_old_one_stays_registered(rotation: Rotation) -> None:
    assert rotation.registered_meanwhile == rotation.old_token
    assert (rotation.told_meanwhile["reason"], rotation.told_meanwhile["message"]) == (
        "RegistrationPending",
        "the registry keeps the old token until the Rasa servers run with the new one",
    )


def test_until_the_new_pod_is_ready_the_old_server_continues_with_the_old_token(rotation: Rotation) -> None:
    assert rotation.old_server_meanwhile == {rotation.old_token: 200, rotation.new_token: 401}
    assert rotation.answered_meanwhile > 1


def test_afterwards_the_new_token_is_registered_and_the_old_one_opens_nothing(rotation: Rotation) -> None:
    assert rotation.registered_after == rotation.new_token
    assert (rotation.server.status(rotation.new_token), rotation.server.status(rotation.old_token)) == (200, 401)


def test_the_new_server_serves_the_model(rotation: Rotation) -> None:
    rotation.space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")
    rotation.space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="True")
    assert rotation.server.says() == ANSWERS[MODEL_A]


def test_messages_fail_only_between_the_end_of_the_old_server_and_the_new_registration(rotation: Rotation) -> None:
    lost = [
        chat for chat in rotation.chats.failed if chat.ended < rotation.pod_ready or chat.begun > rotation.registered
    ]

    assert lost == []
    assert {chat.answer for chat in rotation.chats.said} - {None} == {ANSWERS[MODEL_A]}
    assert rotation.chats.answered_since(rotation.registered) > 2
