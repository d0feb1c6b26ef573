"""The differences between the generations of Rasa X."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rasa_model_server.web.variant import ApiVariant

ProfileName = Literal["ModelServer", "RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0"]


@dataclass(frozen=True)
class RasaX:
    """What a generation of Rasa X has beside models and tags: environments that it talks to."""

    version: str
    """What /api/version says that it is."""
    enterprise: bool
    environments_in_file: bool
    """Whether environments come from environments.yml alone. Else they are put to /api/environments."""


@dataclass(frozen=True, kw_only=True)
class Profile(ApiVariant):
    """How one kind of server answers."""

    name: ProfileName
    credential_of_another_kind: int = 401
    """Answer to a credential that is right, but not of a kind that opens this."""
    rasa_x: RasaX | None = None


MODEL_SERVER = Profile(
    name="ModelServer",
    repeated_upload_accepted=True,
    credential_of_another_kind=403,
    paths_without_api=True,
    tags_without_project=True,
)

# The codes of 0.2x: `return response.text("", 204)` and three times 404 in the models blueprint of Rasa X 0.2x.
RASA_X_0_2 = Profile(
    name="RasaX-0.2",
    model_uploaded=204,
    model_refused=404,
    model_exists=404,
    tag_written=200,
    paths_without_api=True,
    rasa_x=RasaX(version="0.28.0", enterprise=False, environments_in_file=True),
)

RASA_X_0_32 = Profile(
    name="RasaX-0.32",
    paths_without_api=True,
    rasa_x=RasaX(version="0.32.0", enterprise=False, environments_in_file=True),
)

RASA_ENTERPRISE_1_0 = Profile(
    name="RasaEnterprise-1.0",
    rasa_x=RasaX(version="1.0.0", enterprise=True, environments_in_file=False),
)

PROFILES: Mapping[ProfileName, Profile] = {
    profile.name: profile for profile in (MODEL_SERVER, RASA_X_0_2, RASA_X_0_32, RASA_ENTERPRISE_1_0)
}
