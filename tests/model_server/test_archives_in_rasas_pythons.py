"""The Pythons and libraries that Rasa 1.10, 2.8 and 3.6 run with unpack what is taken to what the inspection saw."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.model_server.odd_archives import odd_archives
from tests.model_server.unpacking import DEPTH, Unpacked, accepted, found_below

# Rasa 1.10 unpacks with tarfile, 2.8 and 3.6 with tarsafe: what was pulled in the mode "r", files in the mode "r:gz".
UNPACK = """
import os, sys, tarfile
try:
    from tarsafe import TarSafe as Tar
except ImportError:
    Tar = tarfile.TarFile
corpus, top, depth = sys.argv[1:]
for name in os.listdir(corpus):
    for mode in ("r", "r:gz"):
        target = os.path.join(top, name + mode.replace(":", "_"), depth)
        os.makedirs(target)
        with open(os.path.join(corpus, name), "rb") as file:
            archive = Tar.open(fileobj=file, mode=mode)
            archive.extractall(target)
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Mapping[str, int]]:
    """Model files that the inspection takes, and the files that it saw in each."""
    directory = tmp_path_factory.mktemp("corpus")
    seen: dict[Path, Mapping[str, int]] = {}

    @settings(max_examples=300, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(odd_archives())
    def collect(content: bytes) -> None:
        facts = accepted(content)
        if facts is not None:
            file = directory / f"{len(seen)}.tar.gz"
            file.write_bytes(content)
            seen[file] = facts.files

    collect()
    assert len(seen) > 20
    return seen


@pytest.mark.parametrize("release", ["rasa_1_10", "rasa_2_8", "rasa_binaries"])
def test_rasas_python_unpacks_what_is_taken_to_what_was_seen(
    request: pytest.FixtureRequest, corpus: dict[Path, Mapping[str, int]], tmp_path: Path, release: str
) -> None:
    binaries: Path = request.getfixturevalue(release)

    subprocess.run(
        [binaries / "python", "-c", UNPACK, next(iter(corpus)).parent, tmp_path, DEPTH], check=True, timeout=120
    )

    for file, files in corpus.items():
        found = {mode: found_below(tmp_path / f"{file.name}{mode}") for mode in ("r", "r_gz")}
        assert found == dict.fromkeys(found, Unpacked(files, {})), file
