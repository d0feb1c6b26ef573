"""`python -m tests.preparation`: finds or makes, once, all that tests use and that takes minutes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial

from local.binaries import (
    KUBECONFORM,
    VERSITYGW,
    BinariesUnavailableError,
    find_kubectl,
    find_or_build,
    find_or_build_program,
)
from local.flavour import UnknownFlavourError, choose_flavour, kind_is_usable
from local.gitops import find_or_build_gitops
from local.helm import VERSIONS, helm
from local.images import IMAGES, ImageUnavailableError, image_archive
from local.node.programs import NodeUnavailableError, find_or_build_node
from local.progress import ConsoleProgress, Progress
from local.promtool import PromtoolUnavailableError, promtool
from local.rasa import RASA_PRO_RELEASES, RELEASES, RasaUnavailableError, rasa_environment
from local.services import ServiceUnavailableError, find_programs
from local.services.programs import SERVICES
from release.plugin import PluginUnavailableError, plugin_archive

UNAVAILABLE = (
    BinariesUnavailableError,
    ImageUnavailableError,
    NodeUnavailableError,
    PluginUnavailableError,
    PromtoolUnavailableError,
    RasaUnavailableError,
    ServiceUnavailableError,
)
"""Errors that say that something is unavailable here, and why."""


def prepare(progress: Progress) -> list[str]:
    """Make what is missing; return why things are unavailable here. Raises UnknownFlavourError."""
    flavour = choose_flavour()
    steps: list[Callable[[], object]] = [
        *(partial(helm, version, progress) for version in VERSIONS),
        partial(find_or_build_program, KUBECONFORM, progress),
        partial(find_or_build_program, VERSITYGW, progress),
        partial(find_or_build_gitops, progress),
        partial(plugin_archive, progress),
        partial(promtool, progress),
        *(partial(rasa_environment, progress, release) for release in RELEASES.values()),
        *(partial(rasa_environment, progress, release) for release in RASA_PRO_RELEASES.values()),
        *(partial(find_programs, service, progress) for service in SERVICES),
    ]
    if flavour != "kind":
        steps.insert(0, partial(find_or_build, flavour, progress))
    return made(steps)


def prepare_node(progress: Progress) -> list[str]:
    """Make what is missing for tests on a real node, which is Docker's kind if Docker is available.

    Returns why things are unavailable here.
    """
    steps: list[Callable[[], object]] = [
        partial(find_kubectl, progress),
        partial(helm, 4, progress),
        *(partial(image_archive, image, progress) for image in IMAGES),
    ]
    if not kind_is_usable():
        steps.insert(0, partial(find_or_build_node, progress))
    return made(steps)


def made(steps: list[Callable[[], object]]) -> list[str]:
    """Run every step; return the distinct messages of those that are unavailable here."""
    reasons: list[str] = []
    for step in steps:
        try:
            step()
        except UNAVAILABLE as error:
            reasons.append(str(error))
    return list(dict.fromkeys(reasons))


def main() -> None:
    """Prepare for the tests, or with --node for the end-to-end tests, and say what cannot be had here."""
    parser = argparse.ArgumentParser(prog="python -m tests.preparation", description=__doc__)
    parser.add_argument("--node", action="store_true", help="what the end-to-end tests use, instead of the others")
    arguments = parser.parse_args()
    with ConsoleProgress() as progress:
        try:
            reasons = prepare_node(progress) if arguments.node else prepare(progress)
        except UnknownFlavourError as error:
            sys.exit(f"Error: {error}")
        for reason in reasons:
            progress(f"tests will miss this: {reason}")


if __name__ == "__main__":
    main()
