"""Every release of Rasa has two sample models that it trained itself."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from local.models import NAMES, models_of
from local.rasa import RELEASES

EACH_MODEL = pytest.mark.parametrize(
    ("version", "model"),
    [
        pytest.param(version, models_of(release) / f"{name}.tar.gz", id=f"{version}-{folder}")
        for version, release in RELEASES.items()
        for folder, name in NAMES.items()
    ],
)


def trained_by(model: Path) -> str:
    with tarfile.open(model) as archive:
        name = next(name for name in archive.getnames() if name in ("fingerprint.json", "metadata.json"))
        content = archive.extractfile(name)
        assert content is not None
        described: dict[str, Any] = json.load(content)
    return str(described.get("version") or described["rasa_open_source_version"])


@EACH_MODEL
def test_each_model_was_trained_by_its_release(version: str, model: Path) -> None:
    assert trained_by(model) == version


@EACH_MODEL
def test_models_stay_small_enough_to_be_committed(version: str, model: Path) -> None:
    assert model.stat().st_size < 10_000


def test_a_release_that_there_is_not_is_refused() -> None:
    command = [sys.executable, "-m", "local", "models", "2.8.34", "1.2.3"]

    refused = subprocess.run(command, capture_output=True, text=True, check=False)

    assert refused.returncode == 2
    assert "1.2.3: there is 1.10.26, 2.8.34, 3.6.21" in refused.stderr
