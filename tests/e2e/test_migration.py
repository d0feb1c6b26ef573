"""A release of the chart rasa-x is migrated as docs/how-to/migrate-from-rasa-x-helm.md says, while visitors chat."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from local.images import POSTGRESQL_IMAGE
from rasa_environments.api.base import JsonObject
from tests.e2e.caller import Caller
from tests.e2e.conftest import Lounge
from tests.e2e.models import ANSWERS
from tests.e2e.pod_space import PodSpace
from tests.e2e.rasa_x_release import (
    CHART,
    COMPONENT,
    OLD_DEPLOYMENT,
    OLD_SERVICE,
    RASA_X,
    RASA_X_PORT,
    RELEASE,
    labels,
    objects,
)
from tests.e2e.visitors import SENDERS, Talk
from tests.integration.manifests import secret
from tests.integration.model_server_process import MODEL_A, SAMPLES
from tests.integration.space import ENVIRONMENT

NAMESPACE = "migration"
NAME = "production"
FILE = Path(__file__).parent / "values" / f"{CHART}.yaml"
VALUES: JsonObject = yaml.safe_load(FILE.read_text())
OLD_URL = f"http://{OLD_SERVICE}.{NAMESPACE}.svc:5005"
NEW_PODS = {"app.kubernetes.io/name": "rasa", "app.kubernetes.io/instance": NAME}

pytestmark = pytest.mark.timeout(900)

Conversations = dict[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class Imported:
    """What the importer wrote."""

    file: Path
    report: str


@dataclass(frozen=True)
class Migrated:
    """Observations of the migration."""

    registered: JsonObject
    """The condition Registered while Rasa X knows the old server."""
    says: str
    """What the new server answered before it had traffic."""
    old_pods_left: int
    before: Conversations
    """What the old server knew of the conversations when the traffic moved."""
    after: Conversations
    """What the new server knows of them in the end."""
    talk: Talk


@pytest.fixture(scope="module")
def chart(space: PodSpace, caller: Caller) -> str:
    """The release runs, and its production serves model A; returns the address that visitors use."""
    space.cluster.kind.load_docker_image(POSTGRESQL_IMAGE)
    space.apply(*objects(VALUES, NAMESPACE))
    space.eventually(lambda: space.status("Deployment", f"{RELEASE}-rasa-x").get("readyReplicas") == 1, "Rasa X")
    space.eventually(lambda: caller.request("GET", OLD_URL).status == 200, "the chart's production to have started")
    with space.cluster.forwarded(NAMESPACE, RASA_X, RASA_X_PORT) as url:
        fill(url)
    space.eventually(lambda: greets(caller, OLD_URL), "the chart's production to serve model A")
    return OLD_URL


def fill(url: str) -> None:
    """Log in to Rasa X, register production, upload model A and tag it."""
    user = VALUES["rasax"]["initialUser"]
    with httpx.Client(base_url=f"{url}/api", trust_env=False, timeout=60) as rasa_x:
        token = rasa_x.post("/auth", json=user).raise_for_status().json()["access_token"]
        rasa_x.headers["Authorization"] = f"Bearer {token}"
        known = [{"name": NAME, "url": OLD_URL, "token": VALUES["rasa"]["token"]}]
        rasa_x.put("/environments", json=known).raise_for_status()
        file = SAMPLES / f"{MODEL_A}.tar.gz"
        rasa_x.post("/projects/default/models", files={"model": (file.name, file.read_bytes())}).raise_for_status()
        rasa_x.put(f"/projects/default/models/{MODEL_A}/tags/{NAME}").raise_for_status()


def greets(caller: Caller, url: str) -> bool:
    """Return whether the server at the address answers a greeting."""
    message = {"sender": "caller", "message": "hello"}
    answer = caller.request("POST", f"{url}/webhooks/rest/webhook", json_body=message)
    return answer.status == 200 and bool(answer.body)


@pytest.fixture(scope="module")
def imported(chart: str, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """The values are imported (step 2)."""
    command = [sys.executable, "-m", "rasa_environments", "import", str(FILE)]
    where = ["--release", RELEASE, "--namespace", NAMESPACE, "--chart-version", CHART]
    ran = subprocess.run([*command, *where], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    file = tmp_path_factory.mktemp("imported") / "imported.yaml"
    file.write_text(ran.stdout)
    return Imported(file, ran.stderr)


@pytest.fixture(scope="module")
def migrated(
    space: PodSpace, caller: Caller, chart: str, imported: Imported, talking: Lounge, measured: Callable[[str], None]
) -> Migrated:
    """Steps 3 to 5 of the page, while visitors talk to the address that they know."""
    with talking(NAMESPACE, chart) as visitors:
        registered = start_beside(space, imported)
        says = caller.says(space.url(NAME))
        visitors.wait_for_answers()
        before = conversations(caller, chart)
        move_traffic(space)
        visitors.wait_for_answers()
        remove_old_servers(space)
        visitors.wait_for_answers()
        left = len(old_pods(space))
        talk = visitors.end()
    measured(talk.summary("migration from the chart rasa-x"))
    return Migrated(registered, says, left, before, conversations(caller, space.url(NAME)), talk)


def start_beside(space: PodSpace, imported: Imported) -> JsonObject:
    """Step 3: the Secret that the report names, and the new servers beside the old ones."""
    user = VALUES["rasax"]["initialUser"]
    space.apply(secret(f"{RELEASE}-model-server", token=VALUES["rasax"]["token"], **user))
    kubectl(space, "apply", "--filename", str(imported.file))
    kubectl(space, "wait", "--for=condition=Ready", "mserver/default", "--timeout=2m")
    kubectl(space, "wait", "--for=condition=Ready", f"denv/{NAME}", "--timeout=10m")
    return space.wait_for_condition(ENVIRONMENT, NAME, "Registered", status="False")


def move_traffic(space: PodSpace) -> None:
    """Step 4: the chart's Service leads to the new pods."""
    patch = [{"op": "replace", "path": "/spec/selector", "value": NEW_PODS}]
    kubectl(space, "patch", "service", OLD_SERVICE, "--type", "json", "--patch", json.dumps(patch))


def remove_old_servers(space: PodSpace) -> None:
    """Step 5: `helm upgrade` with production external removes its Deployment, and keeps the annotated Service."""
    kubectl(space, "annotate", "service", OLD_SERVICE, "helm.sh/resource-policy=keep")
    space.delete("Deployment", OLD_DEPLOYMENT)
    space.eventually(lambda: not old_pods(space), "the chart's pods of production to be gone")
    kubectl(space, "annotate", "denv", NAME, "rasa-environments.io/adopt-registration=true")
    space.wait_for_condition(ENVIRONMENT, NAME, "Registered", status="True")


def kubectl(space: PodSpace, *words: str) -> None:
    """Run a command of the page."""
    space.cluster.kubectl(*words, "--namespace", NAMESPACE)


def old_pods(space: PodSpace) -> list[JsonObject]:
    """Return the pods of the chart's production, also those that are being ended."""
    selector = ",".join(f"{name}={value}" for name, value in labels(COMPONENT).items())
    found: list[JsonObject] = space.api.request("GET", space.path("Pod"), params={"labelSelector": selector}).body[
        "items"
    ]
    return found


def conversations(caller: Caller, url: str) -> Conversations:
    """Return who said what to the visitors, as the server at the address knows it."""
    return {sender: caller.tracker(url, VALUES["rasa"]["token"], sender) for sender in SENDERS}


def test_nothing_of_the_values_is_left_to_do(imported: Imported) -> None:
    assert imported.report.startswith("complete: ")


def test_rasa_x_keeps_the_old_server_until_the_registration_is_adopted(migrated: Migrated) -> None:
    assert migrated.registered["reason"] == "RegisteredByAnother"


def test_the_new_server_can_be_tried_before_it_has_traffic(migrated: Migrated) -> None:
    assert migrated.says == ANSWERS[MODEL_A]


def test_no_request_fails_from_the_first_step_to_the_last(migrated: Migrated) -> None:
    assert migrated.talk.failed == []
    assert set(migrated.talk.answers) == {ANSWERS[MODEL_A]}
    assert migrated.old_pods_left == 0


@pytest.mark.parametrize("sender", SENDERS)
def test_each_conversation_continues_where_the_old_server_left_it(migrated: Migrated, sender: str) -> None:
    before, after = migrated.before[sender], migrated.after[sender]

    assert len(before) > 2
    assert after[: len(before)] == before
    assert len(after) > len(before)


def test_no_message_is_lost_or_answered_twice(migrated: Migrated) -> None:
    said = sum(who == "user" for conversation in migrated.after.values() for who, _ in conversation)
    answered, failed = migrated.talk.answers.total(), len(migrated.talk.failed) + len(migrated.talk.cut_off)

    assert answered <= said <= answered + failed
