"""Promotions from the command line, as a process, with the operator at work."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from local.cluster import ClusterFacts
from tests.integration.manifests import CREDENTIALS, environment, model_tag, secret
from tests.integration.model_server_front import MODELS, Front
from tests.integration.model_server_process import MODEL_A, MODEL_B, SAMPLES, TOKEN
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG, wait_until_tagged

Ran = subprocess.CompletedProcess[str]
Command = Callable[[str], Ran]


@pytest.fixture
def command(cluster: ClusterFacts, tag_space: Space) -> Command:
    """Runs `rasa-environments <line>` in the test's namespace."""

    def run(line: str) -> Ran:
        where = ["--kubeconfig", str(cluster.kubeconfig), "--namespace", tag_space.namespace]
        arguments = [sys.executable, "-m", "rasa_environments", *line.split(), *where]
        return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)

    return run


def started(space: Space) -> str:
    """An environment whose tag is on model A; returns its name with its namespace."""
    space.apply(model_tag(model=MODEL_A), environment())
    space.wait_until_ready()
    return f"{space.namespace}/production"


def test_a_promotion_ends_when_the_pods_serve_the_model(tag_space: Space, command: Command) -> None:
    key = started(tag_space)

    with scripted_rasa(tag_space) as rasa:
        rasa.model = MODEL_B
        ran = command(f"promote {MODEL_B} production --wait")

    assert ran.returncode == 0, ran.stderr
    steps = ran.stdout.splitlines()
    assert steps[0] == f"{key}: {MODEL_A} -> {MODEL_B} (ModelTag {key})"
    assert steps[-1] == f"{MODEL_B} is served by environment {key}"


def test_while_rasa_is_busy_loading_it_is_not_done(tag_space: Space, command: Command) -> None:
    key = started(tag_space)

    with scripted_rasa(tag_space) as rasa:
        rasa.model = MODEL_A
        tag_space.wait_for_condition(TAG, "production", "Served", status="True", reason="Served")
        loaded = threading.Event()
        answer = rasa.answer

        def answer_once_loaded(path: str, token: str) -> tuple[int, dict[str, object]]:
            loaded.wait()
            return answer(path, token)

        rasa.answer = answer_once_loaded  # type: ignore[method-assign]
        while_loading = command(f"promote {MODEL_B} production --timeout 15s")
        rasa.model = MODEL_B
        loaded.set()
        when_loaded = command(f"promote {MODEL_B} production")

    assert while_loading.returncode == 5, while_loading.stdout
    assert f"\nerror: {key}: {MODEL_B} is not served after 15s: waiting for " in while_loading.stderr
    assert when_loaded.returncode == 0, when_loaded.stderr


def test_where_the_operator_accepts_pods_that_nobody_can_ask_it_says_so(tag_space: Space, command: Command) -> None:
    key = started(tag_space)

    ran = command(f"promote {MODEL_B} production")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == (
        f"{MODEL_B} is wanted by environment {key}; whether it is served is not checked (--accept-unchecked)"
    )


def test_the_tag_alone_can_be_waited_for(tag_space: Space, command: Command) -> None:
    started(tag_space)

    ran = command(f"promote {MODEL_B} production --until tagged")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == f"tag production is on {MODEL_B}"


def test_a_model_that_the_server_does_not_have_fails_with_its_reason(
    tag_space: Space, front: Front, command: Command
) -> None:
    key = started(tag_space)

    ran = command("promote nowhere production")

    assert ran.returncode == 4
    assert ran.stderr.endswith(
        f"error: {key}: the model server at {front.url}{MODELS}/nowhere/tags/production has no model nowhere that can "
        "carry tag production (ModelNotFound); upload it, or name one that it lists (the ModelTag still "
        "asks for nowhere)\n"
    )
    assert front.behind.tags() == {"production": MODEL_A}


def test_after_a_promotion_that_never_took_place_a_rollback_goes_to_the_model_that_is_still_served(
    tag_space: Space, front: Front, command: Command
) -> None:
    key = started(tag_space)
    command("promote nowhere production")

    ran = command("rollback production --until tagged")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == f"{key}: nowhere -> {MODEL_A} (ModelTag {key})"
    wait_until_tagged(tag_space, MODEL_A)


def test_while_the_model_server_is_down_a_promotion_waits_and_goes_on_without_the_command(
    tag_space: Space, front: Front, command: Command
) -> None:
    key = started(tag_space)
    front.down()

    ran = command(f"promote {MODEL_B} production --timeout 3s")

    assert ran.returncode == 6
    assert "\nwaiting for the tag: the model server at" in f"\n{ran.stderr}"
    unknown = f"error: {key}: whether {MODEL_B} is served is unknown after 3s: waiting for the tag: the model server"
    assert f"\n{unknown}" in ran.stderr
    assert ran.stderr.endswith(f"; the promotion continues, see kubectl rasa status -n {tag_space.namespace}\n")
    front.up()
    wait_until_tagged(tag_space, MODEL_B)


def test_of_two_model_tags_the_one_that_rules_is_promoted(tag_space: Space, command: Command) -> None:
    tag_space.apply(model_tag("live", tag="production", model=MODEL_A), environment())
    wait_until_tagged(tag_space, MODEL_A, "live")
    tag_space.apply(model_tag("live-too", tag="production", model=MODEL_A))
    tag_space.wait_for_condition(TAG, "live-too", "Ready", status="False", reason="TagConflict")

    ran = command(f"promote {MODEL_B} production --no-wait")

    assert ran.returncode == 0, ran.stderr
    assert wait_until_tagged(tag_space, MODEL_B, "live")["previousModel"]["name"] == MODEL_A


def test_an_uploaded_model_can_be_promoted(tag_space: Space, front: Front, command: Command, tmp_path: Path) -> None:
    file = Path(shutil.copy(SAMPLES / f"{MODEL_B}.tar.gz", tmp_path / "new-model.tar.gz"))

    uploaded = command(f"upload {file} --url {front.behind.url}")

    assert uploaded.returncode == 0, uploaded.stderr
    assert uploaded.stdout == "new-model is uploaded; promote it: kubectl rasa promote new-model ENVIRONMENT\n"
    tag_space.apply(environment())
    assert command("promote new-model production --no-wait").returncode == 0
    wait_until_tagged(tag_space, "new-model")
    assert front.behind.tags() == {"production": "new-model"}


def test_a_file_that_is_no_model_is_refused_with_what_is_wrong(front: Front, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "notes.tar.gz"
    file.write_text("buy milk")

    ran = command(f"upload {file} --url {front.behind.url}")

    assert ran.returncode == 3
    assert ran.stderr.splitlines()[-1] == (
        f"error: the model server at {front.behind.url}{MODELS} refuses notes.tar.gz (400 BadModel); upload a file "
        "that `rasa train` wrote, or see its log (the file is not a model: it is not gzip: a model is a .tar.gz as "
        "`rasa train` writes it)"
    )


def test_without_a_token_to_write_an_upload_says_what_to_add(tag_space: Space, front: Front, command: Command) -> None:
    tag_space.delete("Secret", CREDENTIALS)
    tag_space.apply(secret(CREDENTIALS, token=TOKEN))

    ran = command(f"upload {SAMPLES / f'{MODEL_A}.tar.gz'} --url {front.behind.url}")

    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"error: the model server at {front.behind.url} takes no tags or models without credentials; add `apiToken`, "
        "or `username` and `password`, to the Secret of credentialsSecretRef"
    )


def test_actions_are_promoted_with_their_model_and_a_rollback_returns_to_both(
    tag_space: Space, command: Command
) -> None:
    first, second = (f"registry.example.com/actions:{number}" for number in (1, 2))
    tag_space.apply(model_tag(model=MODEL_A, actionServer={"image": first}), environment(actionServer={"image": first}))
    wait_until_tagged(tag_space, MODEL_A)

    promoted = command(f"promote {MODEL_B} production --until tagged --actions {second}")
    image_then = tag_space.status(ENVIRONMENT, "production")["actionServer"]["image"]
    rolled_back = command("rollback production --until tagged")
    image_now = tag_space.status(ENVIRONMENT, "production")["actionServer"]["image"]

    assert (promoted.returncode, image_then) == (0, second), promoted.stderr
    assert (rolled_back.returncode, image_now) == (0, first), rolled_back.stderr
    assert wait_until_tagged(tag_space, MODEL_A)["history"][0]["actionServerImage"] == first


def test_an_image_that_is_none_is_refused_before_anything_is_asked(command: Command) -> None:
    ran = command("promote any production --actions :1")

    assert ran.returncode == 2
    assert "must be an image" in " ".join(ran.stderr.split())
