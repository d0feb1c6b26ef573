"""docs/reference/model-server.md: its tables describe the server as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import typer.main

from rasa_model_server.archive import ArchiveLimits
from rasa_model_server.archive.member_tree import MAXIMUM_DEPTH, MAXIMUM_PATH_BYTES
from rasa_model_server.archive.training import MAXIMUM_TEXT_LENGTH
from rasa_model_server.cli import application
from rasa_model_server.connections import ConnectionLimits
from rasa_model_server.login_limits import FOR_ONE_USER, FROM_ONE_ADDRESS, FROM_ONE_ADDRESS_FOR_ONE_USER
from rasa_model_server.rasa_x.profiles import PROFILES, Profile
from rasa_model_server.web.upload_slots import UploadLimits

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


def test_the_table_of_limits_has_those_of_the_code() -> None:
    table = {first: cells[0] for first, cells in rows().items() if cells}
    archive, connection, upload = ArchiveLimits(unpacked_bytes=1), ConnectionLimits(), UploadLimits()
    user, address, guessed = FROM_ONE_ADDRESS_FOR_ONE_USER, FROM_ONE_ADDRESS, FOR_ONE_USER

    def mebibytes(size: int) -> int:
        return size // 1024**2

    assert f"{mebibytes(archive.free_unpacked_bytes)} MiB plus {archive.ratio} times" in table["unpacked size"]
    assert table["files and directories in a model"] == f"{archive.members:,}"
    assert table["path in a model"] == f"{MAXIMUM_PATH_BYTES} bytes, {MAXIMUM_DEPTH} directories deep"
    assert table["CPU time to check a model"] == (
        f"{archive.free_cpu_seconds:g} seconds plus {archive.cpu_seconds_per_mebibyte * 1000:g} ms for each MiB of the "
        "file"
    )
    assert table["version, `model_id` of a model"] == f"{MAXIMUM_TEXT_LENGTH} printable characters"
    assert table["uploads at a time"] == (
        f"{upload.total}, of one user {upload.of_one_caller}; others wait up to {upload.wait_seconds:g} seconds, "
        f"{upload.waiting_of_one_caller} of one user"
    )
    assert table["failed logins"] == (
        f"of one address for one user {user.burst}, then one every {user.seconds:g} seconds; "
        f"of one address {address.burst}, then one every {address.seconds:g} seconds"
    )
    assert table["failed logins of one user, of addresses that have failed for that user"] == (
        f"{guessed.burst}, then one every {guessed.seconds:g} seconds"
    )
    assert table["connections"] == f"{connection.total}, of one address {connection.of_one_address}"
    assert table["first line and headers of a request"] == f"16 KiB, within {connection.head_seconds:g} seconds"
    assert table["body of a request"] == (
        f"at least {connection.body_bytes // 1024} KiB in {connection.body_seconds:g} seconds"
    )
    assert table["answer that is not read"] == f"256 KiB in {connection.read_seconds:g} seconds"


def yes_if(flag: Literal["paths_without_api", "tags_without_project"]) -> Callable[[Profile], object]:
    return lambda profile: "yes" if getattr(profile, flag) else 404
