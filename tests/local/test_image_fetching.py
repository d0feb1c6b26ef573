"""A build downloads with this machine's settings, and gets only those that it can use."""

import configparser
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from local.images.debian_root import bootstrap_command, is_of_release
from local.images.fetching import (
    CERTIFICATES,
    Fetching,
    machine_fetching,
    pip_options,
    pip_settings,
    seen_by_build,
)

LISTING = """global.cert='/etc/ssl/own.pem'
global.index-url='https://mirror.example/simple'
global.timeout='15'
install.no-binary='lxml'
:env:.find-links='/opt/wheels'
:env:.timeout='180'
"""


def section(settings: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.read_string(settings)
    return dict(parser["global"])


def test_a_variable_of_pip_wins_over_a_file() -> None:
    assert pip_options(LISTING)["timeout"] == "180"


def test_the_build_has_pips_mirror_and_not_this_machines_folders() -> None:
    settings = section(pip_settings(pip_options(LISTING), certified=True))

    assert settings == {
        "index-url": "https://mirror.example/simple",
        "timeout": "180",
        "cert": CERTIFICATES,
    }


def test_without_certificates_of_its_own_the_build_trusts_whom_pip_trusts() -> None:
    assert "cert" not in section(pip_settings(pip_options(LISTING), certified=False))


@given(st.dictionaries(st.from_regex(r"[a-z]+(-[a-z]+)?", fullmatch=True), st.text("abc/:.@=% '\"", min_size=1)))
def test_every_value_that_pip_prints_is_read_as_it_was_set(options: dict[str, str]) -> None:
    listing = "".join(f"global.{name}={value!r}\n" for name, value in options.items())

    assert pip_options(listing) == options


def test_apt_finds_the_certificates_where_the_build_has_them() -> None:
    options = 'Acquire::https::CaInfo "/etc/ssl/own.pem";\nAcquire::http::Proxy "http://proxy.example:3128";\n'

    assert seen_by_build(options) == (
        f'Acquire::https::CaInfo "{CERTIFICATES}";\nAcquire::http::Proxy "http://proxy.example:3128";\n'
    )


def test_the_secrets_of_a_build_are_those_that_the_dockerfile_mounts(tmp_path: Path) -> None:
    certificates = tmp_path / "own.pem"
    dockerfile = (Path(__file__).parents[2] / "Dockerfile").read_text()

    secrets = Fetching("", "", certificates).secrets(tmp_path)

    assert secrets.keys() == set(re.findall(r"--mount=type=secret,id=(\w+),target=", dockerfile))
    assert secrets["certificates"] == certificates


def test_a_machine_without_certificates_of_its_own_gives_none() -> None:
    fetching = machine_fetching({"PIP_CONFIG_FILE": "/dev/null", "PIP_TIMEOUT": "20", "PATH": "/usr/bin:/bin"})

    assert fetching.certificates is None
    assert section(fetching.pip) == {"timeout": "20"}


def test_packages_come_from_the_release_and_its_updates_alone() -> None:
    lines = [
        "http://deb.debian.org/debian bookworm main",
        "http://deb.debian.org/debian-security bookworm-security main",
        "http://deb.debian.org/debian bookworm contrib",
        "https://apt.example/repository bookworm-pgdg main",
    ]

    assert [line for line in lines if is_of_release(line, "bookworm")] == lines[:2]


def test_the_root_file_system_keeps_nothing_of_how_it_was_fetched(tmp_path: Path) -> None:
    command = bootstrap_command("bookworm", (), tmp_path / "root.tar", tmp_path / "apt.conf", [])

    assert f"--aptopt={tmp_path / 'apt.conf'}" in command
    assert '--customize-hook=rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"' in command
