"""`make demo` and `make run`: every step happens, and nothing is left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from local.api_server import ApiServer
from local.cluster import ClusterFacts
from local.demonstration.steps import StepFailedError, Steps
from local.demonstration.view import View
from local.installation import ROOT, install
from local.processes import ProcessFailedError
from rasa_environments.cli.overview import Overview

COMMAND = [sys.executable, "-m", "local", "demo"]
MODEL_A, MODEL_B = "20260101-120000", "20260102-120000"
ASKED = "You: hello"


def environment(scratch: Path) -> dict[str, str]:
    """This process' environment, with another directory for temporary files."""
    scratch.mkdir()
    return {**os.environ, "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"}


def processes_of(scratch: Path) -> list[str]:
    """Return the command lines of processes whose arguments or variables mention the directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, variables = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(scratch) in command + variables:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def only_on_linux_without_kind(cluster: ClusterFacts) -> None:
    if cluster.flavour == "kind":
        pytest.skip("there is one kind cluster at a time")
    if sys.platform != "linux":
        pytest.skip("processes are looked for in /proc")


@pytest.mark.timeout(480)
def test_the_demonstration_shows_a_promotion_and_what_the_bot_says(
    cluster: ClusterFacts, rasa_binaries: Path, tmp_path: Path
) -> None:
    only_on_linux_without_kind(cluster)
    assert rasa_binaries.is_dir()
    scratch = tmp_path / "scratch"

    shown = subprocess.run(COMMAND, env=environment(scratch), capture_output=True, text=True, check=False)

    assert shown.returncode == 0, shown.stdout + shown.stderr
    before, promotion, after = shown.stdout.partition("Promote model")
    assert promotion
    for name in ("production", "worker", "staging"):
        assert f"environment default/{name} tag={name} wanted={MODEL_A} served=not checked ready=True" in before
    assert f"environment default/production tag=production wanted={MODEL_A} served={MODEL_A} ready=True" in before
    assert f"{ASKED}\n   Bot: Hello from model A.\n" in before
    assert f"environment default/production tag=production wanted={MODEL_B} served={MODEL_B} ready=True" in after
    assert f"production -> {MODEL_B}, worker -> {MODEL_A}, staging -> {MODEL_A}" in after
    assert f"{ASKED}\n   Bot: Hello from model B.\n" in after
    rejection = after.partition("Promote the bad model")[2]
    assert "step 2: expected bot: Hello from model B.; the bot answered: Hello from model A." in rejection
    assert f"{ASKED}\n   Bot: Hello from model B.\n" in rejection
    assert shown.stdout.endswith("Everything is ended and removed.\n")
    assert list(scratch.iterdir()) == []
    assert processes_of(scratch) == []


@contextmanager
def staying(scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """`make run` at the moment when it has shown everything, and waits."""
    command = [*COMMAND, "--stay", "--no-rasa"]
    with subprocess.Popen(
        command, env=environment(scratch), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                if "Ctrl-C ends everything" in line:
                    break
            assert process.poll() is None, "".join(said)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_stays_ends_when_it_is_told_to_and_leaves_nothing_behind(
    cluster: ClusterFacts, tmp_path: Path, number: signal.Signals
) -> None:
    only_on_linux_without_kind(cluster)
    scratch = tmp_path / "scratch"
    with staying(scratch) as process:
        assert any("kube-apiserver" in command for command in processes_of(scratch))

        process.send_signal(number)

        assert process.wait() == 0
    assert list(scratch.iterdir()) == []
    assert processes_of(scratch) == []


def test_a_demonstration_that_cannot_start_says_why_and_fails(tmp_path: Path) -> None:
    variables = environment(tmp_path / "scratch") | {"CLUSTER": "minikube"}

    shown = subprocess.run(COMMAND, env=variables, capture_output=True, text=True, check=False)

    assert shown.returncode == 1
    assert "Error: step 1 (Start a cluster) failed after 0.0 s: CLUSTER=minikube: choose one of" in shown.stderr
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_step_says_what_it_is_and_how_long_it_took() -> None:
    said: list[str] = []

    with Steps(said.append, lambda: "").step("Boil water"):
        said.append("   bubbles")

    assert said[:2] == ["\n1. Boil water", "   bubbles"]
    assert said[2].startswith("   done in ")


@pytest.mark.parametrize("error", [ProcessFailedError("no water"), httpx.ConnectError("no water"), OSError("no water")])
def test_a_step_that_fails_says_which_and_adds_the_evidence(error: Exception) -> None:
    steps = Steps(lambda _: None, lambda: "\nthe kettle's log ends: empty")

    with (
        pytest.raises(
            StepFailedError, match=r"step 1 \(Boil water\) failed after .* s: no water\nthe kettle's log ends"
        ),
        steps.step("Boil water"),
    ):
        raise error


def nothing(_: Overview) -> bool:
    return False


def test_waiting_in_vain_says_what_was_seen_instead(cluster: ClusterFacts) -> None:
    install(cluster.kubeconfig, [ROOT / "crds"])
    with ApiServer(cluster.kubeconfig) as api:
        view = View(api, "kube-public", Console(quiet=True), lambda: None)

        with pytest.raises(ProcessFailedError, match=r"in vain until it is served; seen instead:\nnothing"):
            view.follow_until(nothing, "it is served", 0)


def test_waiting_ends_when_a_process_that_it_depends_on_ends(cluster: ClusterFacts) -> None:
    install(cluster.kubeconfig, [ROOT / "crds"])

    def check() -> None:
        raise ProcessFailedError("the operator ended by itself")

    with ApiServer(cluster.kubeconfig) as api, pytest.raises(ProcessFailedError, match="the operator ended by itself"):
        View(api, "kube-public", Console(quiet=True), check).follow_until(nothing, "it is served", 60)
