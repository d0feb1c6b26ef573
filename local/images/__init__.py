"""The images that pods on a real node run, as archives in the cache: `image_archive` builds missing ones."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from local.cache import make_once
from local.images import operator_image, pause_image, rasa_image, service_image
from local.images.docker import build_by_docker, docker_answers, fetch_by_docker
from local.images.errors import ImageUnavailableError
from local.images.names import (
    OPERATOR_IMAGE,
    PAUSE_IMAGE,
    POSTGRESQL_IMAGE,
    RASA_IMAGE,
    REDIS_IMAGE,
    full_name,
    rasa_image_name,
)
from local.images.tools import Tools, find_tools, images_directory, system_name
from local.progress import Progress
from local.rasa import RELEASES

__all__ = [
    "IMAGES",
    "OPERATOR_IMAGE",
    "PAUSE_IMAGE",
    "POSTGRESQL_IMAGE",
    "RASA_IMAGE",
    "REDIS_IMAGE",
    "ImageUnavailableError",
    "full_name",
    "image_archive",
]

IMAGES = (PAUSE_IMAGE, OPERATOR_IMAGE, RASA_IMAGE, REDIS_IMAGE, POSTGRESQL_IMAGE)
"""The images that the end-to-end tests need."""


@dataclass(frozen=True)
class Recipe:
    """How to build an image: a digest of its sources, and a function that writes the archive."""

    content: Callable[[], str]
    make: Callable[[Path, Tools, Progress, Mapping[str, str]], None]


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        PAUSE_IMAGE: Recipe(pause_image.recipe, lambda target, tools, *_: pause_image.make_pause_image(target, tools)),
        OPERATOR_IMAGE: Recipe(operator_image.recipe, operator_image.make_operator_image),
        **{image.name: Recipe(image.recipe, image.make) for image in (service_image.REDIS, service_image.POSTGRESQL)},
        **{
            rasa_image_name(release.version): Recipe(
                partial(rasa_image.recipe, release), partial(rasa_image.make_rasa_image, release)
            )
            for release in RELEASES.values()
        },
    }
)


def image_archive(name: str, progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the archive of an image, for `ctr images import` and `docker load`, after building it once.

    `name` is one of IMAGES or another release of Rasa, as rasa/rasa:2.8.34-full. Raises ImageUnavailableError.
    """
    known = {full_name(short): short for short in RECIPES}
    if full_name(name) not in known:
        raise ImageUnavailableError(f"there is no way to make the image {name} here: there is {', '.join(RECIPES)}")
    short = known[full_name(name)]
    by_docker = short != PAUSE_IMAGE and docker_answers()
    way = "docker" if by_docker else system_name()
    title = short.replace("/", "-").replace(":", "-")
    target = images_directory(environment) / f"{title}-{way}-{RECIPES[short].content()}.tar"

    def make(path: Path) -> None:
        if by_docker and short == OPERATOR_IMAGE:
            build_by_docker(path, progress)
        elif by_docker:
            fetch_by_docker(short, path, progress)
        else:
            RECIPES[short].make(path, find_tools(progress, environment), progress, environment)

    forget(older_archives(target, title))
    return make_once(target, f"making the image {short}", progress, make)


def older_archives(target: Path, title: str) -> list[Path]:
    """Return older archives of the same image, except for the two most recent ones."""
    others = [path for path in target.parent.glob(f"{title}-*.tar") if path != target]
    return sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[2:]


def forget(archives: list[Path]) -> None:
    """Remove archives from the cache; others may do so at the same time."""
    for path in archives:
        path.unlink(missing_ok=True)
