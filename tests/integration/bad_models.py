"""Models that a release of Rasa cannot load, or whose answer is the work of an action that no server runs."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

from local.models import NAMES, models_of, train
from local.progress import silent
from local.rasa import RasaRelease

COMPONENT = b"rasa.nlu.classifiers.keyword_intent_classifier"
"""The module of a component, as the metadata of a model names it in every release."""
MISSING = b"nobodys_package.classifiers.keyword_intent_classifier"
RESPONSE, ACTION = "utter_greet", "action_greet"


def without_a_package(release: RasaRelease, file: Path) -> Path:
    """Write a model of the release that needs a package which is not installed; return its path."""
    changed = 0
    with (
        tarfile.open(models_of(release) / f"{NAMES['b']}.tar.gz") as source,
        tarfile.open(file, "w:gz") as target,
    ):
        for member in source:
            content = source.extractfile(member)
            data = b"" if content is None else content.read()
            if Path(member.name).name == "metadata.json":
                changed += data.count(COMPONENT)
                data = data.replace(COMPONENT, MISSING)
                member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    assert changed > 0, "the model names its components otherwise"
    return file


def with_an_action(release: RasaRelease, binaries: Path, file: Path) -> Path:
    """Train a model of the release that answers a greeting by an action; return its path."""
    sources = file.parent / f"{file.name}-sources"
    shutil.copytree(models_of(release) / "src" / "b", sources)
    domain = sources / "domain.yml"
    text = domain.read_text()
    if "\nactions:\n" in text:
        domain.write_text(text.replace(f"- {RESPONSE}\n", f"- {ACTION}\n"))
    else:
        domain.write_text(f"{text}actions:\n- {ACTION}\n")
    for training in (each for each in sources.rglob("*") if each.name in {"training.yml", "stories.md"}):
        training.write_text(training.read_text().replace(RESPONSE, ACTION))
    return train(binaries, sources, file, str(release), silent)
