"""What is known of the licence of an environment before a Rasa server is asked."""

from __future__ import annotations

from datetime import datetime

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer, Profile
from rasa_environments.desired.context import profile_of_environment
from rasa_environments.domain.facts import LicenseFact


def known_license(environment: DeploymentEnvironment, server: ModelServer | None, now: str) -> LicenseFact | None:
    """Return what the status says of the licence; None for an environment that needs none."""
    if server is None or environment.spec.external is not None:
        return None
    if profile_of_environment(environment, server) is not Profile.RASA_PRO:
        return None
    return LicenseFact(datetime.fromisoformat(now), _time(environment.status.license_expiry_time))


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return None
