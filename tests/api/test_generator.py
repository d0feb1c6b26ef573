"""`make generate`, and the check that its output is committed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from rasa_environments.api.base import ApiModel
from rasa_environments.api.crd import differences, files, main
from rasa_environments.api.schema import structural_schema

CRDS = Path(__file__).parents[2] / "crds"


def test_the_committed_files_are_what_the_models_say() -> None:
    assert differences(CRDS) == []


def test_what_was_written_passes_the_check(tmp_path: Path) -> None:
    assert main(["--directory", str(tmp_path / "crds")]) == 0
    assert main(["--directory", str(tmp_path / "crds"), "--check"]) == 0


def test_a_file_that_belongs_to_no_kind_is_removed(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("kind: Old")

    main(["--directory", str(tmp_path)])

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files())


def test_the_check_says_of_each_file_what_is_wrong_and_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--directory", str(tmp_path)])
    (tmp_path / "modeltags.yaml").write_text("edited by hand")
    (tmp_path / "modelservers.yaml").unlink()
    (tmp_path / "old.yaml").write_text("kind: Old")

    assert main(["--directory", str(tmp_path), "--check"]) == 1

    advice = "run `make generate` and commit the result"
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path}/modelservers.yaml: is missing; {advice}",
        f"{tmp_path}/modeltags.yaml: differs from the models; {advice}",
        f"{tmp_path}/old.yaml: belongs to no kind; {advice}",
    ]
    assert (tmp_path / "modeltags.yaml").read_text() == "edited by hand"


class Choice(ApiModel):
    """A model that cannot be expressed as a CRD."""

    value: int | dict[str, str] = Field(default=1)


def test_a_field_of_two_types_is_refused_when_the_schema_is_made() -> None:
    with pytest.raises(ValueError, match="a choice between 2 schemas cannot be structural"):
        structural_schema(Choice)
