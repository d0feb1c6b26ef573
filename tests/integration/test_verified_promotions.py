"""A model is verified by real Rasa in place of the candidate's pod, before the environment's users meet it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.api_server import ApiServer
from local.deployed_pod import deployed_pod
from local.models import NAMES, models_of
from local.rasa import RELEASES, RasaProcess
from rasa_environments.api.base import JsonObject
from tests.integration.conftest import Installation
from tests.integration.manifests import CREDENTIALS, config_map, environment, model_server, model_tag, secret
from tests.integration.model_server_process import API_TOKEN, TOKEN, ModelServerProcess, running_model_server
from tests.integration.real_environments import RealRasa, real_rasas
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG
from tests.integration.test_real_rasa import is_listening

LISTENING_SECONDS = 120.0
A, B = NAMES["a"], NAMES["b"]
OF_MODEL_A = """
test_cases:
  - test_case: greeting
    steps:
      - user: hello
      - utter: utter_greet
      - bot: Hello from model A.
"""
OF_ANY_MODEL = """
test_cases:
  - test_case: greeting
    steps:
      - user: hello
      - utter: utter_greet
      - matches: "^Hello from model [AB][.]$"
  - test_case: nothing is remembered
    steps:
      - user: hello
      - slot_was_not_set: [name]
"""


@dataclass
class Visitor:
    """Somebody who greets the environment's server without pause."""

    answers: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@contextlib.contextmanager
def visiting(rasa: RealRasa) -> Iterator[Visitor]:
    """Let the visitor chat inside the block."""
    visitor, ends = Visitor(), threading.Event()

    def chat() -> None:
        while not ends.is_set():
            try:
                visitor.answers.append(rasa.says("visitor"))
            except httpx.HTTPError as error:
                visitor.problems.append(repr(error))

    thread = threading.Thread(target=chat, daemon=True)
    thread.start()
    try:
        yield visitor
    finally:
        ends.set()
        thread.join(timeout=60)


@contextlib.contextmanager
def candidate(space: Space, kubeconfig: Path, binaries: Path) -> Iterator[RasaProcess]:
    """A real server in place of the candidate's pod, started from what the operator wrote."""
    space.eventually(
        lambda: [pod for pod in space.list("Pod") if "-candidate-" in pod["metadata"]["name"]], "the candidate's pod"
    )
    with ApiServer(kubeconfig) as api:
        space.eventually(lambda: is_ready(api, space), "the candidate's pod to have an address")
        pod, address = deployed_pod(api, space.namespace, "production-candidate")
    with RasaProcess(binaries, pod, interface=address) as process:
        process.wait_until(lambda: is_listening(process), LISTENING_SECONDS, "listening")
        yield process


def is_ready(api: ApiServer, space: Space) -> bool:
    """Whether kwok has made the candidate's pod ready."""
    with contextlib.suppress(Exception):
        return bool(deployed_pod(api, space.namespace, "production-candidate"))
    return False


def verified(stage: str = "candidate", seconds: int = 120) -> JsonObject:
    """A verification with the conversations, within that many seconds."""
    source = {"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}
    return {stage: {"conversations": [source], "timeoutSeconds": seconds}}


def serving_model_a(release: str, profile: str, url: str, **spec: Any) -> tuple[JsonObject, ...]:
    """An environment whose tag is on model A, and conversations that only model A passes."""
    return (
        secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN),
        model_server(url, profile=profile),
        config_map("conversations", **{"tests.yaml": OF_MODEL_A}),
        environment(rasa={"version": release}, model={"pullPeriodSeconds": 1}, **spec),
        model_tag(model=A),
    )


RELEASED = (
    ("3.6.21", "OpenSource", "rasa_binaries"),
    ("2.8.34", "OpenSource", "rasa_2_8"),
    ("1.10.26", "RasaX-0.2", "rasa_1_10"),
)
"""Each release, the profile that it is run with, and the fixture that installs it."""
with_every_release = pytest.mark.parametrize(("release", "profile", "binaries"), RELEASED)


@pytest.mark.timeout(600)
@with_every_release
def test_a_model_that_answers_wrongly_is_never_served_and_a_good_one_is_promoted_while_a_visitor_chats(
    release: str,
    profile: str,
    binaries: str,
    empty_space: Space,
    shared: Installation,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    rasa: Path = request.getfixturevalue(binaries)
    with running_model_server(tmp_path / "models", samples=models_of(RELEASES[release])) as models:
        prove_verified_promotion(release, profile, empty_space, shared.facts.kubeconfig, models, rasa)


def prove_verified_promotion(
    release: str, profile: str, space: Space, kubeconfig: Path, own_models: ModelServerProcess, rasa_binaries: Path
) -> None:
    """Reject model B, and promote it after the conversations were corrected."""
    space.apply(*serving_model_a(release, profile, own_models.url))
    with real_rasas(space, kubeconfig, rasa_binaries, "production") as servers:
        production = servers["production"]
        space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")
        with visiting(production) as visitor:
            space.patch(TAG, "production", {"spec": {"model": B, "verification": verified()}})
            with candidate(space, kubeconfig, rasa_binaries):
                rejected = space.wait_for_condition(TAG, "production", "Tagged", reason="ModelRejected")
            space.eventually(lambda: space.find("Deployment", "production-candidate") is None, "the candidate to go")
            assert (
                "step 3: expected bot: Hello from model A.; the bot answered: Hello from model B."
                in (rejected["message"])
            )
            assert own_models.tags() == {"production": A}
        assert set(visitor.answers) == {"Hello from model A."}
        assert visitor.problems == []

        with visiting(production) as visitor:
            space.apply(config_map("conversations", **{"tests.yaml": OF_ANY_MODEL}))
            retry = {"metadata": {"annotations": {"rasa-environments.io/retry-requested-at": "now"}}}
            space.patch(TAG, "production", retry)
            with candidate(space, kubeconfig, rasa_binaries):
                space.wait_for_condition(TAG, "production", "Tagged", status="True")
            space.eventually(lambda: visitor.answers[-1:] == ["Hello from model B."], "the visitor to meet model B")
        assert set(visitor.answers) == {"Hello from model A.", "Hello from model B."}
        assert visitor.problems == []
    assert space.find("ConfigMap", "production-candidate") is None
    [verification] = space.status(TAG, "production")["verifications"]
    assert (verification["name"], verification["result"]) == (B, "Succeeded")
