"""The files that install everything at once are generated, and `make check` finds outdated ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from local.binaries import find_kubectl
from local.installation import MANIFESTS, ROOT
from local.kustomize import KustomizationRefusedError, kustomized
from local.progress import silent
from rasa_environments.api.base import GROUP
from release.single_file import OVERLAYS, main


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files."""
    directory = tmp_path_factory.mktemp("manifests")
    assert main(["--directory", str(directory)]) == 0
    return directory


@pytest.mark.parametrize(("file", "overlay"), OVERLAYS.items())
def test_a_file_has_the_definitions_and_the_overlay_and_no_resource_that_needs_them(
    written: Path, file: str, overlay: str
) -> None:
    kubectl = find_kubectl(silent)
    parts = (ROOT / "crds", MANIFESTS / "overlays" / overlay)

    objects = list(yaml.load_all((written / file).read_text(), yaml.CSafeLoader))

    assert objects == [obj for part in parts for obj in kustomized(part, kubectl)]
    assert [obj["kind"] for obj in objects if obj["apiVersion"].startswith(GROUP)] == []


def test_what_is_shipped_is_what_is_written(written: Path) -> None:
    for file in OVERLAYS:
        assert (written / file).read_text() == (MANIFESTS / file).read_text()


def test_what_was_changed_does_not_pass_the_check(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = shutil.copytree(written, tmp_path / "manifests")
    check = ["--directory", str(copied), "--check"]
    assert main(check) == 0

    (copied / "install.yaml").write_text("kind: Secret\n")

    assert main(check) == 1
    assert "manifests/install.yaml differs from its sources; run `make generate`" in capsys.readouterr().err


def test_a_folder_that_kustomize_does_not_take_is_reported_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(KustomizationRefusedError, match="unable to find one of"):
        kustomized(tmp_path, find_kubectl(silent))
