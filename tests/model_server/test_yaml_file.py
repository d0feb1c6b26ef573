"""YAML configuration files are read in little time and memory, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rasa_model_server.yaml_file import MAXIMUM_YAML_BYTES, YamlFileError, read_yaml

LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
MERGES = "a0: &a0 {k0: x}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}], k{n}: x}}\n" for n in range(1, 10)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.yml"


@pytest.mark.parametrize("content", ["", "a: 1", "a: &a [1, 2]\nb: *a", "a: &a {b: c}\nd: {<<: *a}"])
def test_yaml_is_read_with_aliases(file: Path, content: str) -> None:
    file.write_text(content)

    assert read_yaml(file) == yaml.safe_load(content)


@pytest.mark.parametrize("content", [LAUGHS, MERGES, "a: &a [*a]", "a: &a {b: *a}"])
def test_aliases_that_stand_for_very_much_are_refused(file: Path, content: str) -> None:
    file.write_text(content)

    with pytest.raises(YamlFileError, match="it stands for more than 100,000 values"):
        read_yaml(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "it is not YAML at line 1"),
        ("a: 1\n---\nb: 2", "it is not YAML at line 2"),
        ("a: *nothing", "it is not YAML at line 1"),
        (f"a: {'9' * 5000}", "it is not YAML"),
        ("[" * 100_000, "it is not YAML"),
        ("a: !!python/object/apply:os.system [id]", "it is not YAML at line 1"),
        ("x" * (MAXIMUM_YAML_BYTES + 1), "it is larger than 1 MiB"),
        ("a: \0", "it is not YAML"),
    ],
)
def test_what_is_no_yaml_is_refused(file: Path, content: str, message: str) -> None:
    file.write_text(content)

    with pytest.raises(YamlFileError) as refused:
        read_yaml(file)

    assert str(refused.value) == message


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    with pytest.raises(YamlFileError, match=r"it cannot be read \(FileNotFoundError\)"):
        read_yaml(file)
