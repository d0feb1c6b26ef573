"""What takes minutes to build is built before the tests run."""

from local.rasa import RasaUnavailableError
from local.services import ServiceUnavailableError
from tests.preparation import made


def test_what_cannot_be_had_is_reported_and_keeps_nothing_else_from_being_made() -> None:
    done: list[str] = []

    def rasa() -> None:
        raise RasaUnavailableError("there is no Python 3.7")

    def service() -> None:
        raise ServiceUnavailableError("there is no redis-server")

    reasons = made([rasa, service, service, lambda: done.append("cluster")])

    assert reasons == ["there is no Python 3.7", "there is no redis-server"]
    assert done == ["cluster"]
