"""What takes minutes to build is built before the tests run."""

import pytest

from local.progress import Progress
from local.rasa import RASA_PRO_RELEASES, RasaRelease, RasaUnavailableError
from local.services import ServiceUnavailableError
from tests import preparation
from tests.preparation import LicenseMissingError, made, prepare_rasa_pro


def test_what_cannot_be_had_is_reported_and_keeps_nothing_else_from_being_made() -> None:
    done: list[str] = []

    def rasa() -> None:
        raise RasaUnavailableError("there is no Python 3.7")

    def service() -> None:
        raise ServiceUnavailableError("there is no redis-server")

    reasons = made([rasa, service, service, lambda: done.append("cluster")])

    assert reasons == ["there is no Python 3.7", "there is no redis-server"]
    assert done == ["cluster"]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[RasaRelease]:
    """The releases that are asked for, none of which is installed here."""
    asked: list[RasaRelease] = []

    def install(progress: Progress, release: RasaRelease) -> None:
        asked.append(release)

    monkeypatch.setattr(preparation, "rasa_environment", install)
    return asked


def test_with_a_licence_a_complete_rasa_pro_is_installed(installed: list[RasaRelease]) -> None:
    prepare_rasa_pro(lambda _: None, {"RASA_LICENSE": "abc", "RASA_PRO_VERSION": "3.21.0"})

    assert installed[:-1] == [*RASA_PRO_RELEASES.values()]
    assert installed[-1].wanted == ("rasa-pro==3.21.0",)


@pytest.mark.parametrize(
    "variables", [{}, {"RASA_LICENSE": ""}, {"RASA_PRO_LICENSE": "abc", "RASA_PRO_BIN": "/opt/rasa/bin"}]
)
def test_without_a_licence_or_with_a_rasa_pro_of_one_s_own_none_is_installed(
    installed: list[RasaRelease], variables: dict[str, str]
) -> None:
    prepare_rasa_pro(lambda _: None, variables)

    assert installed == [*RASA_PRO_RELEASES.values()]


def test_without_a_licence_it_says_what_is_left_out(installed: list[RasaRelease]) -> None:
    said: list[str] = []

    prepare_rasa_pro(said.append, {})

    assert said == ["RASA_LICENSE is not set: only what needs no licence of Rasa Pro is tested"]


def test_a_rasa_pro_without_a_licence_is_refused_before_anything_is_made(installed: list[RasaRelease]) -> None:
    with pytest.raises(LicenseMissingError, match="does not run without a licence: set RASA_LICENSE"):
        prepare_rasa_pro(lambda _: None, {"RASA_PRO_BIN": "/opt/rasa/bin"})

    assert installed == []
