"""The release of Rasa that an environment runs, for features that only some releases have."""

from __future__ import annotations

import re

from rasa_environments.api.model_server import Profile
from rasa_environments.desired.context import Context
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.profiles import profile_of

NEWEST = 1_000_000
"""A number that no release reaches."""


def release(context: Context) -> tuple[int, ...]:
    """Return the numbers of the version; for an image without a version, the newest that the profile supports."""
    rasa = context.spec.rasa
    if rasa is None or rasa.version is None:
        return (max(profile_of(context).majors), NEWEST)
    return tuple(map(int, re.findall("[0-9]+", rasa.version)[:3]))


def is_rasa_pro(context: Context) -> bool:
    """Return whether the environment runs Rasa Pro."""
    return context.profile is Profile.RASA_PRO


def want_release(context: Context, since: tuple[int, ...], field: str, why: str) -> None:
    """Require the release `since` or later; `why` says what older ones lack. Raises SpecError."""
    if release(context) < since:
        version = context.spec.rasa.version if context.spec.rasa is not None and context.spec.rasa.version else "1.x"
        raise SpecError(
            f"{field} requires Rasa {'.'.join(map(str, since))} or later, but spec.rasa.version is {version}: {why}"
        )


def want_rasa_pro(context: Context, field: str, since: tuple[int, ...] = ()) -> None:
    """Require Rasa Pro, of the release `since` or later. Raises SpecError."""
    if not is_rasa_pro(context):
        raise SpecError(
            f"{field} requires Rasa Pro, but the profile is {context.profile}: leave it out, or set spec.profile "
            f"to RasaPro, here or of ModelServer {context.server.metadata.key}"
        )
    want_release(context, since, field, "an earlier Rasa Pro connects only to a single Redis server")
