"""The pages about moving: in their order, no pod is without its model, and no status names another one."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.binaries import find_kubectl
from local.installation import ROOT
from local.progress import silent
from tests.integration.conftest import Installation
from tests.integration.followers import followers
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A, SAMPLES, ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG, wait_until_tagged
from tests.model_server.processes import running_process

HOW_TO = ROOT / "docs" / "how-to"
NEXT = {"RASA_MODEL_SERVER_TOKEN": "next-service-token", "RASA_MODEL_SERVER_API_TOKEN": "next-api-token"}


class Page:
    """A page whose commands and manifests are for the namespace of a test."""

    def __init__(self, name: str, space: Space, shared: Installation, folder: Path) -> None:
        self._text = (HOW_TO / name).read_text(encoding="utf-8")
        self._space, self._shared, self._folder = space, shared, folder
        self.address: str | None = None
        """The address in place of the one in the page."""

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks in that language."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self._text, re.MULTILINE | re.DOTALL)

    def write(self, number: int, name: str) -> None:
        """Write a manifest of the page to a file, as its reader does."""
        (self._folder / name).write_text(self._here(self.blocks("yaml")[number]), encoding="utf-8")

    def run(self, number: int) -> str:
        """Run the commands of a block, as its reader does, and return their output. Each has to succeed."""
        output = ""
        for line in self._here(self.blocks("sh")[number]).splitlines():
            program, *arguments = shlex.split(line)
            assert program == "kubectl"
            if arguments[0] == "rasa":
                called = [sys.executable, "-m", "rasa_environments", *arguments[1:]]
            else:
                called = [str(find_kubectl(silent)), *arguments]
            if arguments[0] == "wait":
                called.append("--timeout=90s")
            kubeconfig = ["--kubeconfig", str(self._shared.facts.kubeconfig)]
            ran = subprocess.run(
                [*called, *kubeconfig], capture_output=True, text=True, check=False, timeout=120, cwd=self._folder
            )
            assert ran.returncode == 0, f"{line}: {ran.stdout}{ran.stderr}\n{self._space.described()}"
            output += ran.stdout
        return output

    def _here(self, text: str) -> str:
        text = text.replace("-n bots", f"-n {self._space.namespace}")
        text = text.replace("namespace: bots", f"namespace: {self._space.namespace}")
        return text.replace("http://models-next:5002", self.address) if self.address else text


def started(space: Space, server: ModelServerProcess) -> str:
    """An environment that serves model A; return the hash of the model."""
    space.apply(model_tag(model=MODEL_A), environment())
    wait_until_tagged(space, MODEL_A)
    space.wait_until_ready()
    return server.hash_of(MODEL_A)


@pytest.mark.timeout(300)
def test_an_environment_pulls_another_tag_and_never_loses_its_model(
    tag_space: Space, shared: Installation, tagged_model_server: ModelServerProcess, tmp_path: Path
) -> None:
    space, page = tag_space, Page("move-a-tag.md", tag_space, shared, tmp_path)
    model_hash = started(space, tagged_model_server)

    with followers(space) as pods:
        page.run(0)
        page.write(0, "live.yaml")
        page.run(1)
        page.run(2)
        pods.look()
        pods.replaced()
        page.run(3)  # ends with `status`, which succeeds only if all is well
        space.eventually(lambda: tagged_model_server.tags() == {"live": MODEL_A}, "the old tag to be gone")
        pods.look()

    assert (pods.answers, pods.desired) == ({model_hash}, {MODEL_A})
    assert space.status(ENVIRONMENT, "production")["tag"] == "live"
    space.wait_until_ready()


@pytest.mark.timeout(300)
def test_another_model_tag_takes_a_tag_over_and_the_tag_never_moves(
    tag_space: Space, shared: Installation, tagged_model_server: ModelServerProcess, tmp_path: Path
) -> None:
    space, page = tag_space, Page("move-a-tag.md", tag_space, shared, tmp_path)
    model_hash = started(space, tagged_model_server)

    with followers(space) as pods:
        created = datetime.fromisoformat(space.get(TAG, "production")["metadata"]["creationTimestamp"])
        space.eventually(lambda: datetime.now(UTC) > created + timedelta(seconds=1), "the other one to be younger")
        space.apply(model_tag("live", tag="production", model=MODEL_A))
        space.wait_for_condition(TAG, "live", "Ready", status="False", reason="TagConflict")
        page.run(4)
        pods.look()

    assert (pods.answers, pods.desired) == ({model_hash}, {MODEL_A})
    assert [entry["model"] for entry in space.status(TAG, "live")["history"]] == [MODEL_A]


@pytest.mark.timeout(300)
def test_a_namespace_moves_to_another_model_server_and_never_loses_a_model(
    tag_space: Space, shared: Installation, tagged_model_server: ModelServerProcess, tmp_path: Path
) -> None:
    space, page = tag_space, Page("move-to-another-model-server.md", tag_space, shared, tmp_path)
    model_hash = started(space, tagged_model_server)
    history = space.status(TAG, "production")["history"]
    for name, value in (("token", "next-service-token"), ("apiToken", "next-api-token")):
        (tmp_path / name).write_text(value)

    with running_process(tmp_path / "log", "--storage", str(tmp_path / "store"), variables=NEXT) as process:
        page.address = process.url
        page.write(0, "next.yaml")
        with followers(space) as pods:
            for number in range(5):
                page.run(number)
            space.eventually(lambda: process.url in page.run(5), "a pod to name the new address")
            pods.look()
            old, new = next(iter(pods.pods.values())), list(pods.pods.values())[-1]
            pods.replaced()
            page.run(6)
            pods.look()

        assert (pods.answers, pods.desired) == ({model_hash}, {MODEL_A})
        assert (new.url.startswith(process.url), old.url.startswith(process.url)) == (True, False)
        assert wait_until_tagged(space, MODEL_A)["history"] == history
        space.remove()


def test_the_samples_are_the_models_of_the_pages() -> None:
    assert (SAMPLES / f"{MODEL_A}.tar.gz").is_file()
    assert f"model: {MODEL_A}" in (HOW_TO / "move-a-tag.md").read_text(encoding="utf-8")
