"""Missing programs come from Debian's packages, of which only the necessary ones are downloaded."""

from pathlib import Path

import pytest

from local.progress import silent
from local.services import ServiceUnavailableError, find_programs
from local.services.debian import apt_settings, planned_packages, wanted_packages
from local.services.programs import POSTGRESQL, RABBITMQ, REDIS, Programs, cache_name

SIMULATION = """NOTE: This is only a simulation!
Inst libc6 (2.36-9+deb12u13 Debian:12.15/oldstable [amd64])
Inst redis-server (5:7.0.15-1~deb12u10 Debian-Security:12/oldstable-security [amd64]) []
Conf libc6 (2.36-9+deb12u13 Debian:12.15/oldstable [amd64])
"""

EFFECTIVE = """APT "";
APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::IndexTargets::deb::DEP-11::MetaKey "$(COMPONENT)/dep11/Components.yml";
Dir::State "var/lib/apt";
"""


def system_with(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def test_what_is_installed_is_used(tmp_path: Path) -> None:
    system = system_with(tmp_path, REDIS.file)

    programs = find_programs(REDIS, silent, system, {"RASA_ENVIRONMENTS_CACHE": str(tmp_path / "cache")})

    assert programs == Programs(system)
    assert not (tmp_path / "cache").exists()


def test_what_was_fetched_once_is_used_again(tmp_path: Path) -> None:
    system = system_with(tmp_path / "system", REDIS.file)
    cache = tmp_path / "cache"
    fetched = system_with(cache / cache_name([RABBITMQ.package, POSTGRESQL.package]))
    fetched.mkdir(parents=True)

    assert find_programs(RABBITMQ, silent, system, {"RASA_ENVIRONMENTS_CACHE": str(cache)}) == Programs(fetched)


def test_where_nothing_can_be_fetched_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    system = system_with(tmp_path / "system", REDIS.file)

    with pytest.raises(ServiceUnavailableError) as caught:
        find_programs(RABBITMQ, silent, system, {"RASA_ENVIRONMENTS_CACHE": str(tmp_path / "cache")})

    assert "there is no rabbitmq-server on this machine" in str(caught.value)
    assert "there is no apt-get on PATH" in str(caught.value)
    assert str(caught.value).endswith("as root: apt-get install rabbitmq-server postgresql")


def test_of_several_versions_the_highest_is_taken(tmp_path: Path) -> None:
    system_with(tmp_path, "usr/lib/postgresql/9/bin/postgres", "usr/lib/postgresql/15/bin/postgres")

    assert Programs(tmp_path).newest(POSTGRESQL.file) == tmp_path / "usr/lib/postgresql/15/bin/postgres"


def test_unpacked_programs_find_their_own_libraries(tmp_path: Path) -> None:
    libraries = tmp_path / "usr/lib/x86_64-linux-gnu"
    libraries.mkdir(parents=True)

    assert Programs(tmp_path).environment()["LD_LIBRARY_PATH"] == str(libraries)
    assert "LD_LIBRARY_PATH" not in Programs(Path("/")).environment()


def test_apt_is_asked_what_all_it_would_install() -> None:
    assert planned_packages(SIMULATION) == ["libc6", "redis-server"]


def test_libraries_that_are_installed_and_programs_that_are_not_run_stay_out() -> None:
    planned = ["libc6", "libwrap0", "perl", "libllvm14", "libtext-glob-perl", "erlang-base", "rabbitmq-server"]

    wanted = wanted_packages(planned, ["rabbitmq-server"], installed={"libc6", "erlang-base"})

    assert wanted == ["libwrap0", "erlang-base", "rabbitmq-server"]


def test_apt_keeps_the_machines_proxy_but_runs_no_hook_and_writes_to_its_own_directory_only() -> None:
    settings = apt_settings(EFFECTIVE, Path("/scratch"))

    assert 'Acquire::http::Proxy "http://proxy.example:3128";' in settings
    assert 'Dir::State "/scratch";' in settings
    assert 'Dir::Cache "/scratch/cache";' in settings
    assert "Invoke" not in settings
    assert "DEP-11" not in settings
    assert "var/lib/apt" not in settings
