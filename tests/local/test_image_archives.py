"""Docker and containerd accept the archive of an image; the same content results in the same archive."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import local.images
from local.images import IMAGES, PAUSE_IMAGE, ImageUnavailableError, Recipe, full_name, image_archive, older_archives
from local.images.archive import EPOCH, Layer, member, write_archive
from local.images.names import architecture
from local.images.reading import ImageArchive
from local.images.tools import Tools, short_digest
from local.progress import silent

NAME = "docker.io/library/example:1"
SETTINGS = {"User": "1000", "Entrypoint": ["program"], "Env": ["A=b"], "Labels": {"title": "example"}}


def make_layer(path: Path, files: dict[str, str]) -> Layer:
    """An uncompressed layer."""
    with tarfile.open(path, "w") as layer:
        for name, text in files.items():
            layer.addfile(member(name, len(text)), io.BytesIO(text.encode()))
    return Layer(path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def archive(tmp_path: Path) -> ImageArchive:
    lower = make_layer(tmp_path / "lower", {"etc/name": "lower", "etc/other": "kept"})
    upper = make_layer(tmp_path / "upper", {"etc/name": "upper"})
    write_archive(tmp_path / "image.tar", NAME, SETTINGS, [lower, upper], "amd64")
    return ImageArchive(tmp_path / "image.tar")


def test_an_image_has_its_full_name_and_what_its_containers_are_started_with(archive: ImageArchive) -> None:
    configuration = archive.configuration()

    assert archive.names() == [NAME]
    assert configuration.config.user == "1000"
    assert configuration.config.entry_point == ["program"]
    assert configuration.config.environment == ["A=b"]
    assert configuration.config.labels == {"title": "example"}


def test_the_configuration_names_the_digests_of_what_the_layers_hold(archive: ImageArchive) -> None:
    root = json.loads(archive.configuration_text())["rootfs"]

    with tarfile.open(archive.path) as outer:
        layers = json.loads(outer.extractfile("manifest.json").read())[0]["Layers"]  # type: ignore[union-attr]
        contents = [outer.extractfile(name).read() for name in layers]  # type: ignore[union-attr]

    assert root == {
        "type": "layers",
        "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in contents],
    }


def test_a_file_of_an_upper_layer_hides_the_one_below(archive: ImageArchive, tmp_path: Path) -> None:
    archive.unpack(tmp_path / "root")

    assert (tmp_path / "root/etc/name").read_text() == "upper"
    assert (tmp_path / "root/etc/other").read_text() == "kept"


def test_the_same_content_makes_the_same_archive(archive: ImageArchive, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    lower = make_layer(tmp_path / "again/lower", {"etc/name": "lower", "etc/other": "kept"})
    upper = make_layer(tmp_path / "again/upper", {"etc/name": "upper"})

    write_archive(tmp_path / "again/image.tar", NAME, SETTINGS, [lower, upper], "amd64")

    assert (tmp_path / "again/image.tar").read_bytes() == archive.path.read_bytes()


def test_files_are_roots_and_have_no_time_of_their_own() -> None:
    file = member("name", 1)

    assert (file.uid, file.gid, file.mtime, file.mode) == (0, 0, EPOCH, 0o644)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("rasa-environments:1.0", "docker.io/library/rasa-environments:1.0"),
        ("rasa/rasa:3.6.21-full", "docker.io/rasa/rasa:3.6.21-full"),
        ("localhost/pause:1", "localhost/pause:1"),
        ("registry.example/team/rasa:1", "registry.example/team/rasa:1"),
        ("registry:5000/rasa:1", "registry:5000/rasa:1"),
    ],
)
def test_the_full_name_is_the_one_that_a_container_runtime_knows(short: str, full: str) -> None:
    assert full_name(short) == full


@given(st.from_regex(r"([a-z]{1,8}[.:]?[a-z0-9]{1,8}/)?([a-z]{1,8}/)?[a-z]{1,8}:[a-z0-9.]{1,8}", fullmatch=True))
def test_a_full_name_stays_as_it_is(name: str) -> None:
    assert full_name(full_name(name)) == full_name(name)


def test_a_machine_is_called_as_go_calls_it() -> None:
    assert [architecture(name) for name in ("x86_64", "aarch64", "riscv64")] == ["amd64", "arm64", "riscv64"]


def test_contents_that_are_split_otherwise_are_others() -> None:
    assert short_digest("ab", "c") != short_digest("a", "bc")


def test_an_image_that_nobody_makes_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ImageUnavailableError) as caught:
        image_archive("busybox:1", silent, {"RASA_ENVIRONMENTS_CACHE": str(tmp_path)})

    assert "there is no way to make the image busybox:1 here" in str(caught.value)
    assert all(name in str(caught.value) for name in IMAGES)


def test_who_is_not_root_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(ImageUnavailableError, match="run this as root, or start Docker"):
        image_archive(PAUSE_IMAGE, silent, {"RASA_ENVIRONMENTS_CACHE": str(tmp_path)})


def write_nothing(path: Path, *_: object) -> None:
    path.touch()


def test_an_archive_that_is_there_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.images, "RECIPES", {PAUSE_IMAGE: Recipe(lambda: "recipe", write_nothing)})
    monkeypatch.setattr(local.images, "find_tools", lambda *_: Tools(tmp_path))
    environment = {"RASA_ENVIRONMENTS_CACHE": str(tmp_path)}
    made = image_archive(PAUSE_IMAGE, silent, environment)
    made.write_text("kept")

    assert image_archive(full_name(PAUSE_IMAGE), silent, environment).read_text() == "kept"


def test_of_archives_of_other_contents_the_last_two_are_kept(tmp_path: Path) -> None:
    archives = [tmp_path / f"example-1-{position}.tar" for position in range(4)]
    for position, path in enumerate(archives):
        path.touch()
        os.utime(path, (position, position))
    (tmp_path / "other-1-0.tar").touch()

    assert older_archives(tmp_path / "example-1-new.tar", "example-1") == [archives[1], archives[0]]
