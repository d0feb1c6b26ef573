"""A backup that was damaged, or made by somebody with bad intentions, is refused before anything is restored."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from rasa_environments.cli.backups.directory import BackupDirectory, Manifest, NeededObject, SavedModel
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError

TAG = {
    "apiVersion": "rasa-environments.io/v1alpha1",
    "kind": "ModelTag",
    "metadata": {"name": "production"},
    "spec": {"model": "m"},
}
CONTENT = b"model"


@pytest.fixture
def backup(tmp_path: Path) -> BackupDirectory:
    """A finished backup with one object and one model."""
    found = BackupDirectory(tmp_path / "backup")
    found.begin()
    with found.writing_model("m") as write:
        write(CONTENT)
    digest = sha256(CONTENT).hexdigest()
    model = SavedModel(name="m", hash=digest, size=len(CONTENT), sha256=digest, tags=["production"])
    found.finish(
        Manifest(
            format="rasa-environments.io/backup-1",
            created="2026-01-01T00:00:00Z",
            namespace="bots",
            model_server="default",
            objects=[found.write_object(TAG)],
            models=[model],
            needed=[NeededObject(kind="Secret", name="credentials")],
        )
    )
    return found


def read(backup: BackupDirectory) -> list[dict[str, Any]]:
    """Everything that `restore` reads before it writes."""
    manifest = backup.manifest()
    for model in manifest.models:
        backup.check_model(model)
    return [backup.document(entry, "bots") for entry in manifest.objects]


def test_what_was_saved_is_read(backup: BackupDirectory) -> None:
    assert read(backup) == [{**TAG, "metadata": {"name": "production", "namespace": "bots"}}]


def test_only_its_owner_can_read_a_backup(backup: BackupDirectory) -> None:
    modes = {path.stat().st_mode & 0o077 for path in (backup.path, *backup.path.rglob("*"))}

    assert modes == {0}


def test_a_finished_backup_is_never_written_over(backup: BackupDirectory) -> None:
    with pytest.raises(CommandError, match="holds a finished backup already"):
        backup.begin()


def test_a_directory_with_other_files_is_not_taken_for_a_backup(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")

    with pytest.raises(CommandError, match=r"holds files that are no backup \(thesis.txt\)"):
        BackupDirectory(tmp_path).begin()


def test_an_interrupted_backup_is_none(backup: BackupDirectory) -> None:
    (backup.path / "backup.json").unlink()

    with pytest.raises(CommandError, match="an unfinished one; run the backup again") as raised:
        backup.manifest()
    assert raised.value.code is ExitCode.NOT_FOUND


def test_an_interrupted_backup_goes_on_in_the_same_directory(backup: BackupDirectory) -> None:
    (backup.path / "backup.json").rename(backup.path / "backup.json.part")

    backup.begin()
    saved = backup.write_object(TAG)

    assert saved.name == "production"


def test_an_interrupted_download_leaves_no_model(tmp_path: Path) -> None:
    backup = BackupDirectory(tmp_path)
    backup.begin()

    with contextlib.suppress(KeyboardInterrupt), backup.writing_model("m") as write:
        write(b"half")
        raise KeyboardInterrupt

    assert not backup.model_file("m").exists()
    assert backup.has_model("m", 4, sha256(b"half").hexdigest()) is None


def test_a_model_of_an_earlier_run_is_kept_if_it_is_whole(backup: BackupDirectory) -> None:
    digest = sha256(CONTENT).hexdigest()

    assert backup.has_model("m", len(CONTENT), digest) == digest
    assert backup.has_model("m", len(CONTENT), "0" * 64) is None
    assert backup.has_model("m", None, digest) is None


def damaged(**changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        manifest = json.loads((path / "backup.json").read_text())
        (path / "backup.json").write_text(json.dumps({**manifest, **changes}))

    return change


def of_model(**changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        manifest = json.loads((path / "backup.json").read_text())
        manifest["models"][0] |= changes
        (path / "backup.json").write_text(json.dumps(manifest))

    return change


def of_object(content: str) -> Callable[[Path], None]:
    """Another content of the object, with the right checksum."""

    def change(path: Path) -> None:
        (path / "objects" / "modeltag.production.yaml").write_text(content)
        manifest = json.loads((path / "backup.json").read_text())
        manifest["objects"][0]["sha256"] = sha256(content.encode()).hexdigest()
        (path / "backup.json").write_text(json.dumps(manifest))

    return change


def linked(name: str) -> Callable[[Path], None]:
    """Put a link in place of a file or folder; what it leads to has the right content."""

    def change(path: Path) -> None:
        (path / name).rename(path.parent / "elsewhere")
        (path / name).symlink_to(path.parent / "elsewhere")

    return change


def a_pipe(path: Path) -> None:
    (path / "models" / "m.tar.gz").unlink()
    os.mkfifo(path / "models" / "m.tar.gz")


HEAD = "apiVersion: rasa-environments.io/v1alpha1\nkind: ModelTag\nmetadata: {name: production}\n"
BOMB = "".join(
    f"{name}: &{name} [{', '.join(f'*{inner}' for _ in range(9))}]\n" for inner, name in zip("abc", "bcd", strict=True)
)
HOSTILE = {
    "a model of another content": lambda path: (path / "models" / "m.tar.gz").write_bytes(b"MODEL"),
    "a model that was cut": lambda path: (path / "models" / "m.tar.gz").write_bytes(b"mod"),
    "a model that is a link": linked("models/m.tar.gz"),
    "models in another folder": linked("models"),
    "a manifest that is a link": linked("backup.json"),
    "a model that is a pipe": a_pipe,
    "a model outside of the backup": of_model(name="../../etc/passwd"),
    "a model at an absolute path": of_model(name="/etc/passwd"),
    "a model with no name": of_model(name=""),
    "a model with a control character in its name": of_model(name="a\nb"),
    "a model of a negative size": of_model(size=-1),
    "a tag that leads elsewhere": of_model(tags=["../production"]),
    "one tag on two models": of_model(tags=["production", "production"]),
    "another format": damaged(format="rasa-environments.io/backup-2"),
    "a field that is not of the format": damaged(run="rm"),
    "an object of another kind": damaged(objects=[{"kind": "Secret", "name": "a", "sha256": "0" * 64}]),
    "an object outside of the backup": damaged(objects=[{"kind": "ModelTag", "name": "../a", "sha256": "0" * 64}]),
    "a manifest that is no JSON": lambda path: (path / "backup.json").write_text("{"),
    "a manifest nested without end": lambda path: (path / "backup.json").write_text("[" * 100_000),
    "a manifest without end": lambda path: (path / "backup.json").write_bytes(b" " * (16 * 1024**2 + 1)),
    "an object of another content": lambda path: (path / "objects" / "modeltag.production.yaml").write_text("a: 1"),
    "an object that is a link": linked("objects/modeltag.production.yaml"),
    "an object of another name": of_object(HEAD.replace("production", "worker") + "spec: {model: m}\n"),
    "an object of another kind than the manifest says": of_object(HEAD.replace("ModelTag", "Secret") + "spec: {}\n"),
    "an object of another namespace": of_object(HEAD.replace("{name", "{namespace: theirs, name") + "spec: {}\n"),
    "an object with an owner": of_object(HEAD.replace("{name", "{ownerReferences: [], name") + "spec: {}\n"),
    "an object with an unknown field": of_object(HEAD + "spec: {modle: m}\n"),
    "an object that is not valid": of_object(HEAD + "spec: {model: 7}\n"),
    "a YAML bomb": of_object(HEAD + "a: &a [x]\n" + BOMB + "spec: *d\n"),
    "YAML nested without end": of_object(HEAD + "spec: " + "[" * 50_000),
    "YAML that makes an object of Python": of_object(HEAD + "spec: !!python/object/apply:os.system [id]\n"),
    "two documents": of_object(HEAD + "spec: {}\n---\na: 1\n"),
    "an object without end": of_object("#" * (512 * 1024 + 1)),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_backup_is_refused(backup: BackupDirectory, change: Callable[[Path], None]) -> None:
    change(backup.path)

    with pytest.raises(CommandError, match="nothing was restored") as raised:
        read(backup)
    assert raised.value.code is ExitCode.REFUSED
