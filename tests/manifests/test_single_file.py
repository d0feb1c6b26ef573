"""The files that install everything at once are generated, and `make check` finds those that are not up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from local.binaries import find_kubectl
from local.installation import MANIFESTS, ROOT
from local.kustomize import KustomizationRefused, kustomized
from local.progress import silent
from local.single_file import OVERLAYS, main
from rasa_environments.api.base import GROUP, JsonObject


def written_to(directory: Path) -> dict[str, list[JsonObject]]:
    assert main(["--directory", str(directory)]) == 0
    return {file: list(yaml.load_all((directory / file).read_text(), yaml.CSafeLoader)) for file in OVERLAYS}


def test_a_file_has_the_definitions_and_the_overlay_and_no_resource_that_needs_them(tmp_path: Path) -> None:
    kubectl = find_kubectl(silent)

    written = written_to(tmp_path)

    for file, overlay in OVERLAYS.items():
        parts = (ROOT / "crds", MANIFESTS / "overlays" / overlay)
        assert written[file] == [obj for part in parts for obj in kustomized(part, kubectl)]
        assert [obj["kind"] for obj in written[file] if obj["apiVersion"].startswith(GROUP)] == []


def test_what_was_written_passes_the_check_and_what_was_changed_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written_to(tmp_path)
    check = ["--directory", str(tmp_path), "--check"]
    assert main(check) == 0

    (tmp_path / "install.yaml").write_text("kind: Secret\n")

    assert main(check) == 1
    assert "install.yaml differs from its sources; run `make generate`" in capsys.readouterr().err


def test_a_folder_that_kustomize_does_not_take_is_told_in_its_words(tmp_path: Path) -> None:
    with pytest.raises(KustomizationRefused, match="unable to find one of"):
        kustomized(tmp_path, find_kubectl(silent))
