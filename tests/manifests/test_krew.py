"""krew can install `kubectl rasa`: it accepts the manifest, and the archive works when unpacked."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from local.binaries import find_kubectl
from local.progress import silent
from rasa_environments.api.base import JsonObject
from release.plugin import COMPLETION, MANIFEST, PROGRAM, PYTHON, main, manifest, plugin_archive, this_platform, version

BASE_URL = "https://downloads.example.com/rasa-environments/"


@pytest.fixture(scope="module")
def archive() -> Path:
    return plugin_archive(silent)


@pytest.fixture(scope="module")
def filled(archive: Path) -> JsonObject:
    return manifest([archive], BASE_URL)


@pytest.fixture(scope="module")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for PATH that krew links the program into, beside the Python that it wants."""
    root = tmp_path_factory.mktemp("krew")
    store, programs = root / "store", root / "bin"
    with tarfile.open(archive) as opened:
        # Python 3.11.2 has no filters: `extractall` knows no such argument, and ignores the attribute.
        opened.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        opened.extractall(store)
    programs.mkdir()
    (programs / PROGRAM).symlink_to(store / PROGRAM)
    (programs / PYTHON).symlink_to(Path(sys.base_prefix) / "bin" / PYTHON)
    return programs


def kubectl(programs: Path, *arguments: str) -> str:
    """Return kubectl's output without this project's environment on PATH."""
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(programs), "COLUMNS": "120"}
    ran = subprocess.run(
        [find_kubectl(silent), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=90
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_manifest_has_what_krew_asks_for(filled: JsonObject) -> None:
    assert filled["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert filled["kind"] == "Plugin"
    assert f"kubectl-{filled['metadata']['name']}" == PROGRAM
    assert re.fullmatch(r"v\d+\.\d+\.\d+", filled["spec"]["version"])
    assert 0 < len(filled["spec"]["shortDescription"]) <= 50
    assert "\n" not in filled["spec"]["shortDescription"]
    assert filled["spec"]["description"].strip()
    assert PYTHON in filled["spec"]["caveats"] or sys.version_info[:2] != (3, 11)


def test_a_platform_names_where_its_archive_is_and_what_it_hashes_to(filled: JsonObject, archive: Path) -> None:
    system, architecture = this_platform()

    assert filled["spec"]["platforms"] == [
        {
            "selector": {"matchLabels": {"os": system, "arch": architecture}},
            "uri": f"{BASE_URL}{PROGRAM}-{version()}-{system}-{architecture}.tar.gz",
            "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
            "bin": PROGRAM,
        }
    ]


def test_both_are_written_to_a_folder(archive: Path, filled: JsonObject, tmp_path: Path) -> None:
    assert main(["--directory", str(tmp_path), "--base-url", BASE_URL]) == 0

    assert yaml.safe_load((tmp_path / "rasa.yaml").read_text()) == filled
    assert (tmp_path / archive.name).read_bytes() == archive.read_bytes()


def test_an_address_that_krew_does_not_fetch_from_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--directory", str(tmp_path), "--base-url", ""])

    assert "is not https://" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_archive_has_regular_files_alone_and_all_below_one_folder(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        members = opened.getmembers()

    assert [member.name for member in members if not member.isreg()] == []
    assert [member.name for member in members if member.name.startswith("/") or ".." in member.name.split("/")] == []
    assert {member.name.partition("/")[0] for member in members} == {"LICENSE", PROGRAM, COMPLETION, "libraries"}


def test_kubectl_completes_the_plugin_and_itself(installed: Path) -> None:
    script = yaml.safe_load(MANIFEST.read_text())["spec"]["caveats"]
    (line,) = re.findall(r"^ +(printf .*)$", script, re.MULTILINE)
    target = installed / COMPLETION
    subprocess.run(["/bin/sh", "-c", line.replace("~/.krew/bin/", f"{installed}/")], check=True)
    target.chmod(0o755)

    assert "rollback" in kubectl(installed, "__complete", "rasa", "roll").splitlines()
    assert kubectl(installed, "__complete", "rasa", "promote", "--until=").splitlines()[:2] == [
        "--until=tagged",
        "--until=served",
    ]
    assert "rollout" in kubectl(installed, "__complete", "rollo")
    assert "warning" not in kubectl(installed, "plugin", "list")


def test_kubectl_finds_the_plugin_and_runs_it(installed: Path) -> None:
    assert str(installed / PROGRAM) in kubectl(installed, "plugin", "list")
    assert "Usage: kubectl rasa" in kubectl(installed, "rasa", "--help")
