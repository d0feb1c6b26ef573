"""The releases of real Rasa that are run here: one for each generation that a profile stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True)
class RasaRelease:
    """A release of Rasa, and its requirements."""

    version: str
    pythons: tuple[str, ...]
    """The Pythons that run it, best first, as in "3.10"."""
    product: str = "Rasa"
    check: tuple[str, ...] = ("rasa", "--version")
    """What runs in its `bin` directory once it is installed."""
    size: str = "2 to 3 GB on disk, one to four minutes"
    package: str | None = None
    """The package to install with all that it requires, in place of the pinned packages."""

    @property
    def requirements(self) -> Path:
        """The file of pinned packages that pip installs."""
        return Path(__file__).parent / f"requirements-{self.version}.txt"

    @property
    def wanted(self) -> Sequence[str]:
        """The arguments by which pip knows what to install."""
        if self.package is not None:
            return (f"{self.package}=={self.version}",)
        return ("--no-deps", "--ignore-requires-python", "--requirement", str(self.requirements))

    @property
    def recipe(self) -> bytes:
        """What determines the installed packages, as far as it is known beforehand."""
        return self.requirements.read_bytes() if self.package is None else self.wanted[0].encode()

    def __str__(self) -> str:
        return f"{self.product} {self.version}"


RASA_VERSION = "3.6.21"

RELEASES: Mapping[str, RasaRelease] = MappingProxyType(
    {
        release.version: release
        for release in (
            RasaRelease("1.10.26", ("3.7",)),
            RasaRelease("2.8.34", ("3.8", "3.7")),
            # Its metadata allow 3.8 to 3.10; 3.11 was seen to train, serve and answer as well.
            RasaRelease(RASA_VERSION, ("3.10", "3.11")),
        )
    }
)
"""By version. 1.10 matches Rasa X 0.2x and 0.32, 2.8 matches Rasa Enterprise 1.0, and 3.6 is the last of all."""

LATEST = RELEASES[RASA_VERSION]


def _rasa_pro(version: str) -> RasaRelease:
    """Return a release of Rasa Pro with no more of its requirements than its arguments and its pulls import.

    It is not run: it ends without a licence, as `rasa --version` does before 3.21.
    """
    check = ("python", "-c", "import rasa.__main__")
    return RasaRelease(version, ("3.11",), "Rasa Pro", check, "about 1 GB on disk, one to four minutes")


RASA_PRO_RELEASES: Mapping[str, RasaRelease] = MappingProxyType(
    {version: _rasa_pro(version) for version in ("3.13.25", "3.21.0")}
)
"""By version. 3.11.20 asks for a licence even before it parses its arguments, so it is not among them."""


def rasa_pro_to_run(version: str) -> RasaRelease:
    """Return a release of Rasa Pro with all that it requires, to run it with a licence."""
    check = ("python", "-c", "import rasa.__main__")
    return RasaRelease(version, ("3.11", "3.10"), "Rasa Pro", check, "3 GB on disk, five minutes and more", "rasa-pro")
