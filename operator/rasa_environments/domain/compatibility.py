"""Which models the environments that pull a tag can load, by the versions of Rasa on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.domain.facts import Problem, TaggedModel
from rasa_environments.domain.minimum_versions import minimum_version

ANOTHER_FORMAT_SINCE = 3
"""The major version whose model files earlier ones cannot read: 1.10.26 and 2.8.34 pull one of 3.6.21, keep the model
that they have, and log nothing (observed)."""


@dataclass(frozen=True)
class RasaRelease:
    """A release of Rasa, and the oldest release whose models it loads."""

    version: str
    minimum: str | None = None
    """None if that is unknown."""

    def loads(self, trained_with: str | None) -> bool | None:
        """Return whether it loads models that were trained with that version of Rasa; None if that is unknown.

        Rasa itself refuses a model whose version is lower than the minimum (rasa/engine/storage/storage.py of 3.x,
        rasa/nlu/model.py before), and compares with the same library.
        """
        trained, minimum = parsed(trained_with), parsed(self.minimum)
        if trained is not None and self.is_of_old_format and trained.major >= ANOTHER_FORMAT_SINCE:
            return False
        return None if trained is None or minimum is None else trained >= minimum

    @property
    def is_of_old_format(self) -> bool:
        """Whether it reads only model files of the format before Rasa 3."""
        version = parsed(self.version)
        return version is not None and version.major < ANOTHER_FORMAT_SINCE

    @property
    def loadable(self) -> str:
        """Which models it loads, in words, as far as that is known."""
        limits = (
            f"models of Rasa {self.minimum} and later" if self.minimum is not None else "",
            f"no models of Rasa {ANOTHER_FORMAT_SINCE} and later" if self.is_of_old_format else "",
        )
        return ", but ".join(limit for limit in limits if limit)


def stated_release(version: str) -> RasaRelease:
    """Return the release of `spec.rasa.version`."""
    return RasaRelease(version, minimum_version(version))


@dataclass(frozen=True)
class RunningReleases:
    """What is known about the releases of Rasa that an environment runs, or is about to run."""

    environment: ObjectKey
    stated: RasaRelease | None = None
    """The release of its spec."""
    own_image: bool = False
    """Whether it names an image of its own, of which the spec states a version, but does not determine it."""
    answered: tuple[RasaRelease, ...] = ()
    """The releases that its servers report."""

    @property
    def candidates(self) -> tuple[RasaRelease, ...]:
        """The releases that count: those that answered, and the one of the spec if no server answers or has it yet.

        During an upgrade, old servers answer while the tag may already move to the model of the new ones.
        """
        if self.stated is None:
            return self.answered
        is_there = any(each.version == self.stated.version for each in self.answered)
        counts = not self.answered or not (self.own_image or is_there)
        return (*self.answered, self.stated) if counts else self.answered

    @property
    def determined(self) -> bool:
        """Whether the spec determines the release, so that its servers need not be asked to accept a model."""
        return self.stated is not None and not self.own_image

    def loads(self, trained_with: str | None) -> bool:
        """Return whether one of the releases loads the model, or may do so."""
        results = [each.loads(trained_with) for each in self.candidates]
        return not results or any(result is not False for result in results)


def to_ask(trained_with: str | None, followers: Iterable[RunningReleases]) -> tuple[RunningReleases, ...]:
    """Return the followers whose servers have to be asked for their version to know whether they load the model."""
    if parsed(trained_with) is None:
        return ()
    return tuple(
        each
        for each in followers
        if not (each.determined and each.stated is not None and each.stated.loads(trained_with))
    )


def incompatible_with(model: TaggedModel, followers: Sequence[RunningReleases], tag: ObjectKey) -> Problem | None:
    """Return the problem that an environment that pulls the tag cannot load the model; None if none is known to.

    `tag` is the ModelTag, for the remedy.
    """
    unable = [each for each in followers if not each.loads(model.version)]
    if not unable:
        return None
    first = unable[0]
    release = first.candidates[0]
    others = f" ({len(unable)} environments that pull the tag cannot load it)" if len(unable) > 1 else ""
    verb = "runs" if first.answered else "is to run"
    return Problem(
        Reason.MODEL_INCOMPATIBLE,
        f"environment {first.environment} {verb} Rasa {release.version}, which loads {release.loadable}, and model "
        f"{model.name} was trained with Rasa {model.version}{others}: train it with the environment's version, upgrade "
        f"the environment first, or set spec.allowIncompatibleModel of ModelTag {tag} to {model.name} to move the tag "
        "anyway",
        stalled=False,
    )


def parsed(version: str | None) -> Version | None:
    """Return the version as Rasa compares it (PEP 440); None if it is none."""
    try:
        return None if version is None else Version(version)
    except InvalidVersion:
        return None
