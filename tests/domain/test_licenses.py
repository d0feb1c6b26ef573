"""What is known of a licence before a Rasa server is asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.domain.facts import LicenseFact
from rasa_environments.domain.licenses import known_license
from tests.reconcile.objects import environment, server

NOW = "2026-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "expires"),
    [("2026-06-30T12:00:00Z", datetime(2026, 6, 30, 12, tzinfo=UTC)), (None, None), ("soon", None)],
)
def test_what_the_status_says_is_known(text: str | None, expires: datetime | None) -> None:
    support = environment("support").model_copy(update={"status": EnvironmentStatus(license_expiry_time=text)})

    known = known_license(support, server(profile="RasaPro"), NOW)

    assert known == LicenseFact(datetime(2026, 1, 1, 12, tzinfo=UTC), expires)


def test_only_rasa_pro_needs_a_licence() -> None:
    assert known_license(environment("support"), server(), NOW) is None
    assert known_license(environment("support"), None, NOW) is None
