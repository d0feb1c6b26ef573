"""Trains the two sample models of each release of Rasa, from the `src` folder beside them."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local.processes import ProcessFailedError
from local.progress import Progress, ticking
from local.rasa import RASA_VERSION, RasaRelease

MODELS = Path(__file__).parent.parent / "samples" / "models"

NAMES = {"a": "20260101-120000", "b": "20260102-120000"}
"""The models by the folder of their training data, named as Rasa names what it trains."""


def models_of(release: RasaRelease) -> Path:
    """Return the directory of the release's models, named as in NAMES, and of their `src`."""
    return MODELS if release.version == RASA_VERSION else MODELS / release.version


def train_models(binaries: Path, release: RasaRelease, progress: Progress) -> list[Path]:
    """Train both models of the release, with Rasa from `binaries`; return their paths. Raises ProcessFailedError."""
    directory = models_of(release)
    return [
        train(binaries, directory / "src" / folder, directory / f"{name}.tar.gz", f"{name} with {release}", progress)
        for folder, name in NAMES.items()
    ]


def train(
    binaries: Path, source: Path, model: Path, what: str, progress: Progress, variables: Mapping[str, str] | None = None
) -> Path:
    """Train a model from the folder `source`, with these variables; return its path. Raises ProcessFailedError."""
    with tempfile.TemporaryDirectory(prefix="rasa-environments-train-") as scratch:
        command: list[str | Path] = [
            binaries / "rasa",
            "train",
            "--out",
            scratch,
            "--fixed-model-name",
            model.name.removesuffix(".tar.gz"),
        ]
        [data] = source.glob("training*")
        for option, path in (
            ("--config", source / "config.yml"),
            ("--domain", source / "domain.yml"),
            ("--data", data),
        ):
            command += [option, path]
        environment = {
            "PATH": f"{binaries}:/usr/bin:/bin",
            "HOME": scratch,
            "TMPDIR": scratch,
            "RASA_TELEMETRY_ENABLED": "false",
            **(variables or {}),
        }
        with ticking(progress, f"training {what}", f"trained {what}"):
            result = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            tail = "\n".join((result.stdout + result.stderr).splitlines()[-15:])
            raise ProcessFailedError(f"training {what} failed:\n{tail}")
        shutil.copyfile(Path(scratch) / model.name, model)
    return model
