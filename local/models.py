"""Trains the two sample models from `samples/models/src`."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from local.processes import ProcessFailed
from local.progress import Progress, ticking

MODELS = Path(__file__).parent.parent / "samples" / "models"

NAMES = {"a": "20260101-120000", "b": "20260102-120000"}
"""The models, named as Rasa names what it trains, by the folder of their training data."""


def train_models(binaries: Path, progress: Progress, target: Path = MODELS) -> list[Path]:
    """Trains both models into `target` with the Rasa in `binaries`; returns their paths. Raises ProcessFailed."""
    return [
        _train(binaries, MODELS / "src" / folder, target / f"{name}.tar.gz", progress) for folder, name in NAMES.items()
    ]


def _train(binaries: Path, source: Path, model: Path, progress: Progress) -> Path:
    with tempfile.TemporaryDirectory(prefix="rasa-environments-train-") as scratch:
        command: list[str | Path] = [
            binaries / "rasa",
            "train",
            "--out",
            scratch,
            "--fixed-model-name",
            model.name.removesuffix(".tar.gz"),
        ]
        for option, file in (("--config", "config.yml"), ("--domain", "domain.yml"), ("--data", "training.yml")):
            command += [option, source / file]
        environment = {
            "PATH": f"{binaries}:/usr/bin:/bin",
            "HOME": scratch,
            "TMPDIR": scratch,
            "RASA_TELEMETRY_ENABLED": "false",
        }
        with ticking(progress, f"training {model.name} from {source.name}", f"trained {model.name}"):
            result = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            tail = "\n".join((result.stdout + result.stderr).splitlines()[-15:])
            raise ProcessFailed(f"training {model.name} failed:\n{tail}")
        shutil.copyfile(Path(scratch) / model.name, model)
    return model
