"""The pipelines of the page "Train and promote in CI", with real Rasa that trains and serves."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from local.installation import ROOT
from local.models import MODELS
from local.service_account import service_account_kubeconfig
from tests.integration.ci_runners import StepFailedError, Workplace, run_github, run_gitlab
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import API_TOKEN, ModelServerProcess
from tests.integration.real_environments import RealRasa, real_rasas
from tests.integration.space import Space

PAGES = ROOT / "docs" / "how-to"
GITHUB = PAGES / "ci" / "github-actions.yaml"
GITLAB = PAGES / "ci" / "gitlab-ci.yaml"
PACKAGE = "https://packages.example.com/rasa_environments-0.2.0-py3-none-any.whl"
PIP = f"""#!/bin/sh
test "$*" = "install --quiet {PACKAGE}"
"""
"""Stands for pip: what it would install is there already."""


@dataclass(frozen=True)
class Pipeline:
    """What a pipeline needs, and the server whose model it changes."""

    place: Workplace
    kubeconfig: Path
    token: Path
    namespace: str
    staging: RealRasa

    def github(self) -> str:
        """Run the workflow of GitHub Actions, and return its output."""
        values = {
            "vars.RASA_ENVIRONMENTS_PACKAGE": PACKAGE,
            "secrets.KUBECONFIG": self.kubeconfig.read_text(),
            "secrets.MODEL_SERVER_API_TOKEN": self.token.read_text(),
        }
        return run_github(self._in_namespace(GITHUB), self.place, values)

    def gitlab(self) -> str:
        """Run the pipeline of GitLab, and return its output."""
        values = {
            "RASA_ENVIRONMENTS_PACKAGE": PACKAGE,
            "KUBECONFIG": str(self.kubeconfig),
            "MODEL_SERVER_API_TOKEN": str(self.token),
        }
        return run_gitlab(self._in_namespace(GITLAB), self.place, values)

    def _in_namespace(self, file: Path) -> Path:
        changed = self.place.job("pipeline") / file.name
        changed.write_text(file.read_text().replace("NAMESPACE: bots", f"NAMESPACE: {self.namespace}"))
        return changed


def rights(namespace: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the objects that the pages give a pipeline, with their paths."""
    text = "".join((PAGES / page).read_text() for page in ("promote.md", "promote-from-ci.md"))
    for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for manifest in yaml.safe_load_all(block.replace("namespace: bots", f"namespace: {namespace}")):
            match manifest:
                case {"kind": "ServiceAccount", "metadata": {"name": name}}:
                    yield f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}", manifest
                case {"kind": "Role" | "RoleBinding" as kind, "metadata": {"name": name}}:
                    api = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
                    yield f"{api}/{kind.lower()}s/{name}", manifest


@pytest.fixture
def pipeline(
    empty_space: Space, shared: Installation, own_model_server: ModelServerProcess, rasa_binaries: Path, tmp_path: Path
) -> Iterator[Pipeline]:
    """A repository with a bot, an environment `staging`, and a ServiceAccount with the rights that the page names."""
    namespace = empty_space.namespace
    for path, manifest in rights(namespace):
        answer = empty_space.api.apply(path, manifest)
        assert answer.accepted, answer.body["message"]
    kubeconfig = service_account_kubeconfig(shared.facts.kubeconfig, namespace, "ci", tmp_path / "ci-kubeconfig")
    (tmp_path / "token").write_text(API_TOKEN)
    python = programs(tmp_path / "python")
    images = {"rasa/rasa:3.6.21": rasa_binaries, "ubuntu": python, "python:3.11": python}
    place = Workplace(tmp_path / "runner", a_bot(tmp_path / "repository"), images)
    furnish(empty_space, own_model_server)
    empty_space.apply(environment("staging", model={"pullPeriodSeconds": 1}))
    with real_rasas(empty_space, shared.facts.kubeconfig, rasa_binaries, "staging") as rasas:
        yield Pipeline(place, kubeconfig, tmp_path / "token", namespace, rasas["staging"])


def programs(directory: Path) -> Path:
    """Return a directory with a stand-in for pip, and the command line."""
    directory.mkdir()
    (directory / "pip").write_text(PIP)
    (directory / "pip").chmod(0o755)
    (directory / "rasa-environments").symlink_to(Path(sys.executable).with_name("rasa-environments"))
    return directory


def a_bot(repository: Path) -> Path:
    """Return a repository as `rasa init` lays it out."""
    source = MODELS / "src" / "b"
    (repository / "data").mkdir(parents=True)
    for name in ("config.yml", "domain.yml"):
        shutil.copy(source / name, repository)
    shutil.copy(source / "training.yml", repository / "data")
    return repository


@pytest.mark.timeout(300)
@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_what_is_trained_is_served_when_the_pipeline_has_succeeded(pipeline: Pipeline, system: str) -> None:
    output = pipeline.github() if system == "github" else pipeline.gitlab()

    assert re.search(r"^\S+ is served by environment \S+/staging$", output, re.MULTILINE), output
    assert pipeline.staging.says() == "Hello from model B."


@pytest.mark.timeout(300)
def test_a_model_that_is_not_served_fails_the_pipeline(pipeline: Pipeline) -> None:
    pipeline.token.write_text("a-wrong-token")

    with pytest.raises(StepFailedError, match="it does not accept the credentials"):
        pipeline.gitlab()
