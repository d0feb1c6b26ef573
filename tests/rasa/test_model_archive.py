"""What a model file says about itself, read while it arrives; little is kept, whatever the file."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.models import models_of
from local.rasa import RELEASES, RasaRelease
from rasa_environments.rasa import model_archive
from rasa_environments.rasa.model_archive import BadArchiveError, ModelArchive, ModelIdentity

METADATA = json.dumps({"domain": {"slots": {"model_id": {"type": "text"}}}, "model_id": "f00" * 10, "trained_at": "x"})
FINGERPRINT = json.dumps({"version": "2.8.34", "trained_at": 1795405950.4041338})


def archive(members: Mapping[str, str | bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """A *.tar.gz with these members."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", format=kind) as tar:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), 1767268800.25
            tar.addfile(member, io.BytesIO(data))
    return target.getvalue()


def read(data: bytes, piece: int = 65_536) -> ModelIdentity:
    """Return what the file says, fed piece by piece."""
    found = ModelArchive()
    for start in range(0, len(data), piece):
        if not found.feed(data[start : start + piece]):
            break
    return found.finish()


@pytest.mark.parametrize("release", RELEASES.values(), ids=str)
def test_real_models_say_what_status_says_of_them(release: RasaRelease) -> None:
    for file in sorted(models_of(release).glob("*.tar.gz")):
        with tarfile.open(file) as tar:
            names = {member.name: member for member in tar.getmembers()}
            name = "metadata.json" if "metadata.json" in names else "fingerprint.json"
            said = json.load(tar.extractfile(names[name]))  # type: ignore[arg-type]

        found = read(file.read_bytes())

        if name == "metadata.json":
            assert found == ModelIdentity(model_id=said["model_id"])
        else:
            assert found == ModelIdentity(trained_at=said["trained_at"])


@given(piece=st.integers(1, 700), before=st.integers(0, 1500))
def test_however_it_arrives_it_says_the_same(piece: int, before: int) -> None:
    data = archive({"components/train/weights": bytes(before), "./metadata.json": METADATA, "after": b"x"})

    assert read(data, piece) == ModelIdentity(model_id="f00" * 10)


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_each_format_of_a_tar_is_read(kind: int) -> None:
    if kind == tarfile.USTAR_FORMAT:
        members: dict[str, str | bytes] = {"fingerprint.json": FINGERPRINT}
    else:
        members = {f"core/{'long' * 40}": b"x" * 700, "fingerprint.json": FINGERPRINT}

    assert read(archive(members, kind)) == ModelIdentity(trained_at=1795405950.4041338)


def test_nothing_is_read_behind_the_document() -> None:
    found = ModelArchive()

    assert not found.feed(archive({"metadata.json": METADATA, "after": bytes(10_000)}))
    assert found.identity == ModelIdentity(model_id="f00" * 10)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cut off, or no gzip at all"),
        (b"<html>hunter2</html>", "no gzip, or a damaged one"),
        (archive({"metadata.json": METADATA})[:60], "cut off"),
        (gzip.compress(b"hunter2" * 1000), "inside the gzip it is no tar"),
        (archive({"config.yml": "hunter2"}), "neither metadata.json nor fingerprint.json"),
        (archive({"components/metadata.json": METADATA}), "neither metadata.json nor fingerprint.json"),
        (archive({"metadata.json": "hunter2"}), "its metadata.json has no model_id"),
        (archive({"metadata.json": ""}), "its metadata.json has no model_id"),
        (archive({"metadata.json": '{"model_id": "hunter2 hunter2"}'}), "its metadata.json has no model_id"),
        (archive({"metadata.json": '{"model_id": 3}'}), "its metadata.json has no model_id"),
        (archive({"fingerprint.json": '{"trained_at": NaN}'}), "its fingerprint.json has no trained_at"),
        (archive({"metadata.json": "[" * 100_000}), "its metadata.json has no model_id"),
        (archive({"metadata.json": "[" * 300_000}), "its metadata.json has more values than are read"),
        (archive({"metadata.json": bytes(5 * 1024**2)}), "its metadata.json is larger than the 4 MiB that are read"),
    ],
)
def test_what_does_not_tell_is_refused_and_not_repeated(data: bytes, said: str) -> None:
    with pytest.raises(BadArchiveError) as caught:
        read(data)

    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_unpacks_to_too_much_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_archive, "MAXIMUM_UNPACKED", 1024**2)

    with pytest.raises(BadArchiveError, match="unpacks to more than"):
        read(archive({"weights": bytes(2 * 1024**2), "metadata.json": METADATA}))


def test_a_tar_of_very_many_members_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_archive, "MAXIMUM_MEMBERS", 10)

    with pytest.raises(BadArchiveError, match="none that `rasa train` writes"):
        read(archive({f"member-{number}": b"" for number in range(11)}))


def test_a_bomb_takes_no_memory() -> None:
    bomb = archive({"weights": bytes(200 * 1024**2), "metadata.json": METADATA})
    tracemalloc.start()
    try:
        read(bomb)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 4 * 1024**2


@given(st.binary(max_size=2000) | st.binary(max_size=2000).map(gzip.compress))
def test_whatever_it_is_it_is_a_model_or_refused(data: bytes) -> None:
    with pytest.raises(BadArchiveError):
        read(data)
