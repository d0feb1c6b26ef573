"""A model that real Rasa cannot load, or whose action server is missing, is rejected while a visitor keeps chatting.

Pods have a readiness gate, which opens once the server in the pod's place is ready by the pod's own probe.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.api_server import ApiServer
from local.deployed_pod import pod_of
from local.models import models_of
from local.rasa import RELEASES, RasaProcess
from rasa_environments.api.base import JsonObject
from tests.integration.bad_models import ACTION, with_an_action, without_a_package
from tests.integration.conftest import Installation
from tests.integration.model_server_process import ModelServerProcess, running_model_server
from tests.integration.real_environments import LISTENING_SECONDS, RealRasa, real_rasas
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG
from tests.integration.test_rotation import GATE, open_gate, pod_with_address
from tests.integration.test_verified_promotions import RELEASED, A, serving_model_a, verified, visiting

GATED: JsonObject = {"spec": {"readinessGates": [{"conditionType": GATE}]}}
UNLOADABLE, WITH_ACTION = "20260103-120000", "20260104-120000"
SHORT, LONG = 30, 300
"""Seconds for a candidate that never loads its model, and for one that does."""


@dataclass(frozen=True)
class Rejection:
    """What was seen of a model that was rejected."""

    message: str
    reason: str
    was_ready: bool
    """Whether its candidate was ready by the pod's probe."""
    heard: set[str]
    """What the visitor heard meanwhile."""
    problems: list[str]
    tags: dict[str, str]


@dataclass(frozen=True)
class Rejections:
    """What was seen of both models."""

    unloadable: Rejection
    without_actions: Rejection


@dataclass(frozen=True)
class Production:
    """An environment that serves model A by real Rasa, and what is needed to run a candidate beside it."""

    space: Space
    api: ApiServer
    binaries: Path
    models: ModelServerProcess
    server: RealRasa
    pod: JsonObject

    def rejects(self, model: str, seconds: int) -> Rejection:
        """Promote a model that does not pass within that many seconds, while a visitor chats."""
        change = {"spec": {"model": model, "verification": verified(seconds=seconds)}}
        with visiting(self.server) as visitor:
            self.space.patch(TAG, "production", change)
            with self._candidate() as candidate:
                tagged = self.space.wait_for_condition(TAG, "production", "Tagged", reason="ModelRejected")
                was_ready = candidate.is_ready
            self.space.eventually(lambda: len(self.space.list("Pod")) == 1, "the candidate's pod to go")
        rejected = self.space.status(TAG, "production")["rejected"]
        [reason] = [each["reason"] for each in rejected if each["name"] == model]
        heard = set(visitor.answers)
        return Rejection(tagged["message"], reason, was_ready, heard, visitor.problems, self.models.tags())

    @contextlib.contextmanager
    def _candidate(self) -> Iterator[RealRasa]:
        """A real server in place of the candidate's pod, which becomes ready if the server has loaded the model."""
        running = pod_with_address(self.space, beside=self.pod)
        pod = pod_of(self.api, self.space.namespace, running["spec"], running)
        address = running["status"]["podIP"]
        with RasaProcess(self.binaries, pod, interface=address) as process:
            server = RealRasa("production", pod, address, process)
            process.wait_until(server.is_listening, LISTENING_SECONDS, "listening")
            if server.is_ready:
                open_gate(self.space, running)
            yield server


@pytest.fixture(scope="module", params=RELEASED, ids=[each[0] for each in RELEASED])
def rejections(
    request: pytest.FixtureRequest,
    new_space: Callable[[], Space],
    shared: Installation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rejections]:
    """Promote both models, one after the other."""
    version, profile, fixture = request.param
    binaries, release = request.getfixturevalue(fixture), RELEASES[version]
    directory, space, kubeconfig = tmp_path_factory.mktemp("models"), new_space(), shared.facts.kubeconfig
    with running_model_server(directory / "server", samples=models_of(release)) as models, ApiServer(kubeconfig) as api:
        models.upload(without_a_package(release, directory / f"{UNLOADABLE}.tar.gz"))
        models.upload(with_an_action(release, binaries, directory / f"{WITH_ACTION}.tar.gz"))
        space.apply(*serving_model_a(version, profile, models.url, podTemplate=GATED))
        pod = pod_with_address(space)
        open_gate(space, pod)
        with real_rasas(space, kubeconfig, binaries, "production") as servers:
            space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")
            production = Production(space, api, binaries, models, servers["production"], pod)
            yield Rejections(production.rejects(UNLOADABLE, SHORT), production.rejects(WITH_ACTION, LONG))


pytestmark = pytest.mark.timeout(900)


def test_a_model_whose_package_is_missing_is_rejected_once_its_time_is_over(rejections: Rejections) -> None:
    seen = rejections.unloadable

    assert not seen.was_ready
    assert seen.reason == "VerificationTimedOut"
    assert f"its candidate was not ready within {SHORT} s" in seen.message
    assert "has not loaded the model: see its log" in seen.message


def test_a_model_whose_action_server_is_missing_is_rejected_and_the_message_names_the_action(
    rejections: Rejections,
) -> None:
    seen = rejections.without_actions

    assert seen.was_ready
    assert seen.reason == "VerificationFailed"
    assert f"the bot answered: nothing, and ran {ACTION}: check that the environment's action server" in seen.message


def test_the_visitor_hears_neither_of_them_and_no_request_fails(rejections: Rejections) -> None:
    for seen in (rejections.unloadable, rejections.without_actions):
        assert seen.heard == {"Hello from model A."}
        assert seen.problems == []
        assert seen.tags == {"production": A}
