"""The oldest version whose models a release of Rasa loads, for servers that cannot be asked.

Source: `MINIMUM_COMPATIBLE_VERSION` in `rasa/constants.py` of the packages on PyPI: `rasa` up to 3.6.21, and `rasa-pro`
from 3.8.16 on. The first and the last release of each minor version were read, and those around each change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from packaging.version import InvalidVersion, Version

MINIMUM_VERSIONS: Final[Mapping[str, str]] = {
    "1.10.0": "1.10.0",
    "2.0.0": "2.0.0",
    "2.1.0": "2.1.0",
    "2.2.0": "2.2.0a1",
    "2.3.0": "2.2.0a1",
    "2.4.0": "2.2.0a1",
    "2.5.0": "2.2.0a1",
    "2.6.0": "2.6.0",
    "2.7.0": "2.6.0",
    "2.8.0": "2.8.0",
    "2.8.9": "2.8.9",
    "3.0.0": "3.0.0",
    "3.1.0": "3.0.0",
    "3.2.0": "3.0.0",
    "3.3.0": "3.0.0",
    "3.4.0": "3.0.0",
    "3.5.0": "3.5.0",
    "3.6.0": "3.5.0",
    "3.6.21": "3.6.21",
    "3.8.16": "3.7.0",
    "3.8.18": "3.8.18",
    "3.9.14": "3.7.0",
    "3.9.16": "3.9.16",
    "3.10.3": "3.10.0rc1",
    "3.10.12": "3.10.12",
    "3.11.0": "3.11.0rc1",
    "3.12.0": "3.11.0rc1",
    "3.13.0": "3.11.0rc1",
    "3.14.0": "3.14.0rc3",
    "3.15.0": "3.15.0rc2",
    "3.16.0": "3.16.0rc2",
    "3.16.24": "3.16.20",
    "3.17.0": "3.16.0rc2",
    "3.17.5": "3.17.3",
    "3.18.0": "3.16.0rc2",
    "3.18.4": "3.16.20",
    "3.19.0": "3.18.0",
    "3.20.0": "3.19.0",
    "3.21.0": "3.20.0",
}
"""The minimum by the first release that has it; it holds until the next entry of the same minor version.

Within a minor version it only ever rises, so that for later patches it is at least a lower bound.
"""


def minimum_version(release: str) -> str | None:
    """Return the oldest version whose models the release loads; None if nothing is known about it."""
    try:
        version = Version(release)
    except InvalidVersion:
        return None
    line = [
        (since, minimum)
        for text, minimum in MINIMUM_VERSIONS.items()
        if (since := Version(text)).release[:2] == version.release[:2] and since <= version
    ]
    return max(line)[1] if line else None
