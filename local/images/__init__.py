"""The images that pods on a real node run, as archives in the cache: `image_archive` makes what is absent."""

import os
from collections.abc import Mapping
from pathlib import Path

from local.cache import make_once
from local.images import operator_image, pause_image, rasa_image, redis_image
from local.images.docker import build_by_docker, docker_answers, fetch_by_docker
from local.images.errors import ImageUnavailable
from local.images.names import OPERATOR_IMAGE, PAUSE_IMAGE, RASA_IMAGE, REDIS_IMAGE, full_name
from local.images.tools import find_tools, images_directory, system_name
from local.progress import Progress
from local.rasa import RELEASES

__all__ = [
    "IMAGES",
    "OPERATOR_IMAGE",
    "PAUSE_IMAGE",
    "RASA_IMAGE",
    "REDIS_IMAGE",
    "ImageUnavailable",
    "full_name",
    "image_archive",
]

RASA_RELEASES = {f"rasa/rasa:{version}-full": release for version, release in RELEASES.items()}

IMAGES = (PAUSE_IMAGE, OPERATOR_IMAGE, RASA_IMAGE, REDIS_IMAGE)
"""What the end-to-end tests need."""


def image_archive(name: str, progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """The archive of an image, which `ctr images import` and `docker load` take, after making it once.

    `name` is one of IMAGES or of another release of Rasa, as rasa/rasa:2.8.34-full. Raises ImageUnavailable.
    """
    known = {full_name(short): short for short in (*IMAGES, *RASA_RELEASES)}
    if full_name(name) not in known:
        raise ImageUnavailable(f"there is no way to make the image {name} here: there is {', '.join(known.values())}")
    short = known[full_name(name)]
    by_docker = short != PAUSE_IMAGE and docker_answers()
    way = "docker" if by_docker else system_name()
    title = short.replace("/", "-").replace(":", "-")
    target = images_directory(environment) / f"{title}-{way}-{_recipe(short)}.tar"

    def make(path: Path) -> None:
        if by_docker and short == OPERATOR_IMAGE:
            build_by_docker(path, progress)
        elif by_docker:
            fetch_by_docker(short, path, progress)
        else:
            _make(short, path, progress, environment)

    forget(older_archives(target, title))
    return make_once(target, f"making the image {short}", progress, make)


def older_archives(target: Path, title: str) -> list[Path]:
    """The archives of other contents of the same image, but for the two that were made last."""
    others = [path for path in target.parent.glob(f"{title}-*.tar") if path != target]
    return sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[2:]


def forget(archives: list[Path]) -> None:
    """Removes archives from the cache, which others may do at the same time."""
    for path in archives:
        path.unlink(missing_ok=True)


def _recipe(name: str) -> str:
    if name == PAUSE_IMAGE:
        return pause_image.recipe()
    if name == REDIS_IMAGE:
        return redis_image.recipe()
    return operator_image.recipe() if name == OPERATOR_IMAGE else rasa_image.recipe(RASA_RELEASES[name])


def _make(name: str, path: Path, progress: Progress, environment: Mapping[str, str]) -> None:
    tools = find_tools(progress, environment)
    if name == PAUSE_IMAGE:
        pause_image.make_pause_image(path, tools)
    elif name == REDIS_IMAGE:
        redis_image.make_redis_image(path, tools, progress, environment)
    elif name == OPERATOR_IMAGE:
        operator_image.make_operator_image(path, tools, progress, environment)
    else:
        rasa_image.make_rasa_image(RASA_RELEASES[name], name, path, tools, progress, environment)
