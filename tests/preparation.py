"""`python -m tests.preparation`: finds or makes, once, all that tests use and that takes minutes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
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
from local.rasa import RASA_PRO_RELEASES, RELEASES, RasaUnavailableError, rasa_environment, rasa_pro_to_run
from local.services import ServiceUnavailableError, find_programs
from local.services.programs import SERVICES
from release.plugin import PluginUnavailableError, plugin_archive

RASA_PRO_BIN = "RASA_PRO_BIN"
"""The variable that names the `bin` directory of an installed Rasa Pro."""


class LicenseMissingError(RuntimeError):
    """What was asked for cannot be done without a licence of Rasa Pro; the message says how to give one."""


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


def prepare_rasa_pro(progress: Progress, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Make what is missing for tests of Rasa Pro; return why things are unavailable here.

    Only a licence makes a complete Rasa Pro useful, unless there is one already. Raises LicenseMissingError.
    """
    steps: list[Callable[[], object]] = [
        partial(rasa_environment, progress, release) for release in RASA_PRO_RELEASES.values()
    ]
    if license_of(environment) is None:
        if environment.get(RASA_PRO_BIN):
            raise LicenseMissingError(
                f"{RASA_PRO_BIN} names a Rasa Pro, which does not run without a licence: set RASA_LICENSE to it"
            )
        progress("RASA_LICENSE is not set: only what needs no licence of Rasa Pro is tested")
    elif not environment.get(RASA_PRO_BIN):
        steps.append(partial(rasa_environment, progress, rasa_pro_to_run(rasa_pro_version(environment))))
    return made(steps)


def license_of(environment: Mapping[str, str]) -> str | None:
    """Return the licence of Rasa Pro in the variables that Rasa Pro itself reads; None if there is none."""
    return environment.get("RASA_LICENSE") or environment.get("RASA_PRO_LICENSE") or None


def rasa_pro_version(environment: Mapping[str, str]) -> str:
    """Return the version of Rasa Pro that is run, given a licence."""
    return environment.get("RASA_PRO_VERSION") or "3.13.25"


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
    """Prepare for the tests, for the end-to-end tests or for those of Rasa Pro, and say what cannot be had here."""
    parser = argparse.ArgumentParser(prog="python -m tests.preparation", description=__doc__)
    parser.add_argument("--node", action="store_true", help="what the end-to-end tests use, instead of the others")
    parser.add_argument("--rasa-pro", action="store_true", help="what the tests of Rasa Pro use, instead of the others")
    arguments = parser.parse_args()
    prepared = prepare_node if arguments.node else prepare_rasa_pro if arguments.rasa_pro else prepare
    with ConsoleProgress() as progress:
        try:
            reasons = prepared(progress)
        except (UnknownFlavourError, LicenseMissingError) as error:
            sys.exit(f"Error: {error}")
        for reason in reasons:
            progress(f"tests will miss this: {reason}")


if __name__ == "__main__":
    main()
