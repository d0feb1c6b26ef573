"""Real Rasa 3.6.21 whose bot calls an action: a promotion first changes the actions, and then the model."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from local.api_server import ApiServer
from local.deployed_pod import deployed_pod
from local.models import train
from local.progress import silent
from local.rasa import RasaProcess
from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import NAME_LABEL, NAME_OF_ACTION_SERVERS
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_action_server import NOWHERE
from tests.integration.test_model_tags import TAG, wait_until_tagged
from tests.integration.test_real_rasa import RASA_STARTS_SECONDS, is_listening
from tests.integration.test_tagged_actions import FIRST, OWN, SECOND, promotion

MODELS = ("first", "second")
Call = tuple[str, str]
"""The action that the served model calls, and the image of the action server that runs it."""


def write_bot(folder: Path, model: str) -> Path:
    """Write the sources of a bot that answers a greeting by an action of its own."""
    action = f"action_{model}"
    files: dict[str, JsonObject] = {
        "config.yml": {
            "recipe": "default.v1",
            "assistant_id": "actions",
            "language": "en",
            "pipeline": [{"name": "KeywordIntentClassifier"}],
            "policies": [{"name": "RulePolicy"}],
        },
        "domain.yml": {"version": "3.1", "intents": ["greet", "leave"], "actions": [action]},
        "training.yml": {
            "version": "3.1",
            "nlu": [
                {"intent": "greet", "examples": "- hello\n- hi\n"},
                {"intent": "leave", "examples": "- bye\n- ciao\n"},
            ],
            "rules": [
                {"rule": f"{intent} calls the action", "steps": [{"intent": intent}, {"action": action}]}
                for intent in ("greet", "leave")
            ],
        },
    }
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return folder


@dataclass
class Actions:
    """An HTTP server in place of the Service of the action server, which tells its image by the pods behind it."""

    space: Space
    calls: list[Call] = field(default_factory=list)

    @property
    def image(self) -> str:
        """The image of the oldest pod that is ready."""
        pods = [pod for pod in self.space.list("Pod") if is_ready_action_server(pod)]
        oldest = min(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        return str(oldest["spec"]["containers"][0]["image"])

    def run(self, call: JsonObject) -> JsonObject:
        """The answer to a call of Rasa."""
        image = self.image
        self.calls.append((str(call["next_action"]), image))
        return {"events": [], "responses": [{"text": f"{call['next_action']} by {image}"}]}


def is_ready_action_server(pod: JsonObject) -> bool:
    """Return whether a pod is one that the Service of the action server leads to."""
    ready = {each["type"]: each["status"] for each in pod.get("status", {}).get("conditions") or ()}
    is_one = pod["metadata"]["labels"].get(NAME_LABEL) == NAME_OF_ACTION_SERVERS
    return is_one and ready.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


@contextlib.contextmanager
def listening(actions: Actions) -> Iterator[str]:
    """Serve the webhook of the actions; return host and port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            call: JsonObject = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(actions.run(call)).encode()
            self.send_response(200 if self.path == "/webhook" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass(frozen=True)
class Bot:
    """A Rasa server in place of the only pod of production, and the actions that it calls."""

    space: Space
    actions: Actions
    process: RasaProcess

    def says(self, sender: str) -> str:
        """Its answer to a greeting."""
        asked = {"sender": sender, "message": "hello"}
        answer = httpx.post(f"{self.process.url}/webhooks/rest/webhook", json=asked, timeout=60, trust_env=False)
        return " ".join(said["text"] for said in answer.raise_for_status().json())

    def chats_until(self, answer: str) -> set[Call]:
        """Let visitors come until one gets this answer; return all calls until then."""
        before = len(self.actions.calls)
        self.space.eventually(
            lambda: self.says(f"visitor-{len(self.actions.calls)}") == answer, f"the answer {answer}", 60
        )
        return set(self.actions.calls[before:])


@pytest.fixture
def bot(
    shared: Installation, empty_space: Space, own_model_server: ModelServerProcess, rasa_binaries: Path, tmp_path: Path
) -> Iterator[Bot]:
    """Serves the first model with its actions; the second one is uploaded."""
    for model in MODELS:
        source = write_bot(tmp_path / f"{model}-source", model)
        own_model_server.upload(train(rasa_binaries, source, tmp_path / f"{model}.tar.gz", model, silent))
    space = empty_space
    furnish(space, own_model_server)
    space.apply(promotion("first", FIRST), environment(actionServer={"image": OWN}, model={"pullPeriodSeconds": 1}))
    wait_until_tagged(space, "first")
    space.eventually(lambda: space.status(ENVIRONMENT, "production").get("replicas") == 1, "the pod to be there")
    actions = Actions(space)
    with listening(actions) as address, ApiServer(shared.facts.kubeconfig) as api:
        pod, interface = deployed_pod(api, space.namespace, "production-rasa")
        service = f"production-actions.{space.namespace}.svc:5055"
        with RasaProcess(rasa_binaries, pod, interface=interface, replace={service: address}) as process:
            process.wait_until(lambda: is_listening(process), RASA_STARTS_SECONDS, "listening")
            yield Bot(space, actions, process)


@pytest.mark.timeout(420)
def test_the_actions_change_before_the_model_and_likewise_with_a_rollback(bot: Bot) -> None:
    space = bot.space
    assert bot.chats_until(f"action_first by {FIRST}") == {("action_first", FIRST)}

    space.patch(ENVIRONMENT, "production", {"spec": {"actionServer": {"podTemplate": NOWHERE}}})
    space.wait_for_condition(ENVIRONMENT, "production", "ActionServerAvailable", status="False")
    space.apply(promotion("second", SECOND))
    space.wait_for_condition(TAG, "production", "Tagged", status="False", reason="ActionServerNotReady")
    assert bot.chats_until(f"action_first by {FIRST}") == {("action_first", FIRST)}

    space.patch(ENVIRONMENT, "production", {"spec": {"actionServer": {"podTemplate": None}}})
    promoted = bot.chats_until(f"action_second by {SECOND}")

    assert ("action_second", FIRST) not in promoted
    assert promoted <= {("action_first", FIRST), ("action_first", SECOND), ("action_second", SECOND)}

    space.apply(promotion("first", FIRST))
    rolled_back = bot.chats_until(f"action_first by {FIRST}")

    assert ("action_first", SECOND) not in rolled_back
    assert rolled_back <= {("action_second", SECOND), ("action_second", FIRST), ("action_first", FIRST)}
