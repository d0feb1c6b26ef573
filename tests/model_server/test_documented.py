"""docs/reference/model-server.md: its tables say what is so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import typer.main

from rasa_model_server.cli import application
from rasa_model_server.profiles import PROFILES, Profile

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "model-server.md"


def rows() -> dict[str, list[str]]:
    """The cells of each row of each table, by the first."""
    lines = [line.strip("|").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_each_option_is_explained_and_nothing_else() -> None:
    command = typer.main.get_command(application)
    options = {name for parameter in command.params for name in parameter.opts}

    explained = {option for first in rows() for option in re.findall(r"`(--[a-z-]+)`", first)}

    assert explained == options - {"--version", "--help"}


def test_the_table_of_profiles_has_the_codes_and_paths_that_are_answered() -> None:
    table = rows()

    def column(first: str) -> list[str]:
        return [cell.partition(",")[0] for cell in table[first]]

    def answered(of: Callable[[Profile], object]) -> list[str]:
        return [str(of(profile)) for profile in PROFILES.values()]

    def same_again(profile: Profile) -> int:
        return 200 if profile.repeated_upload_accepted else profile.model_exists

    assert f"| | {' | '.join(f'`{name}`' for name in PROFILES)} |" in PAGE.read_text(encoding="utf-8")
    assert column("`POST .../models`") == answered(lambda profile: profile.model_uploaded)
    assert column("the same file under the same name") == answered(same_again)
    assert column("another file under that name") == answered(lambda profile: profile.model_exists)
    assert column("a file that is no model, or that production cannot load") == answered(lambda p: p.model_refused)
    assert column("`PUT`, `DELETE .../models/{model}/tags/{tag}`") == answered(lambda p: p.tag_written)
    assert column("a right credential of another kind") == answered(lambda p: p.credential_of_another_kind)
    assert column("`GET /projects/default/models/tags/{tag}`") == answered(yes_if("paths_without_api"))
    assert column("`GET /api/models/tags/{tag}`") == answered(yes_if("tags_without_project"))


def yes_if(flag: Literal["paths_without_api", "tags_without_project"]) -> Callable[[Profile], object]:
    return lambda profile: "yes" if getattr(profile, flag) else 404
