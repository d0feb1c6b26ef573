"""The records of a directory: parsed once, and again when their file changes."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from obstore.exceptions import GenericError

from rasa_model_server.storage.record_files import RecordFiles


class Decoder:
    """Takes the content for the record, and counts how often each file is decoded."""

    def __init__(self) -> None:
        self.decoded: Counter[str] = Counter()

    def __call__(self, path: str, content: bytes) -> str | None:
        self.decoded[Path(path).name] += 1
        return content.decode() or None


@pytest.fixture
def decoder() -> Decoder:
    return Decoder()


@pytest.fixture
def files(tmp_path: Path, decoder: Decoder) -> RecordFiles[str]:
    return RecordFiles(tmp_path, decoder)


def replace(path: Path, content: str) -> None:
    """Write a file as the store does: under another name, then renamed."""
    staged = path.with_name(f"{path.name}#1")
    staged.write_text(content)
    staged.rename(path)


def test_an_unchanged_file_is_decoded_once(files: RecordFiles[str], decoder: Decoder, tmp_path: Path) -> None:
    replace(tmp_path / "a.json", "one")

    assert [files.get("a"), files.get("a"), *files.all()] == ["one", "one", "one"]
    assert decoder.decoded == {"a.json": 1}


def test_a_file_that_another_program_replaces_is_decoded_again(files: RecordFiles[str], tmp_path: Path) -> None:
    replace(tmp_path / "a.json", "one")
    files.get("a")
    replace(tmp_path / "a.json", "two")

    assert files.get("a") == "two"
    assert files.all() == ["two"]


def test_a_removed_file_is_no_record(files: RecordFiles[str], tmp_path: Path) -> None:
    replace(tmp_path / "a.json", "one")
    files.get("a")
    (tmp_path / "a.json").unlink()

    assert (files.get("a"), files.all()) == (None, [])


def test_a_directory_that_is_not_there_has_no_records(decoder: Decoder, tmp_path: Path) -> None:
    files = RecordFiles(tmp_path / "models", decoder)

    assert (files.get("a"), files.all()) == (None, [])


def test_only_json_files_are_records(files: RecordFiles[str], decoder: Decoder, tmp_path: Path) -> None:
    replace(tmp_path / "a.json", "one")
    (tmp_path / "a.tar.gz").write_text("model")
    (tmp_path / "b.json#1").write_text("half a rec")
    (tmp_path / "c.json").mkdir()

    assert files.all() == ["one"]
    assert decoder.decoded == {"a.json": 1}


def test_a_pipe_in_the_place_of_a_record_does_not_hold_up_the_server(files: RecordFiles[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")

    assert (files.get("a"), files.all()) == (None, [])


def test_a_file_that_cannot_be_read_is_an_error_of_the_store(files: RecordFiles[str], tmp_path: Path) -> None:
    (tmp_path / "a.json").symlink_to("a.json")

    with pytest.raises(GenericError, match=r"a\.json"):
        files.get("a")
    with pytest.raises(GenericError):
        files.all()
