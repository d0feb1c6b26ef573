"""A cluster with a real node that runs in the foreground."""

from collections.abc import Iterable
from contextlib import suppress

import typer

from local.images import image_archive
from local.node.clusters import State, place_of
from local.node.machine import import_images
from local.node.programs import find_or_build_node
from local.node.requirements import require_a_fit_machine
from local.node.supervisor import supervise
from local.progress import ConsoleProgress

NAME = "rasa-environments"


def stay_up(images: Iterable[str]) -> None:
    """Start the cluster, load the images, print its KUBECONFIG, and stay until Ctrl-C.

    Raises the errors of `supervise`, BinariesUnavailableError or NodeUnavailableError.
    """
    require_a_fit_machine()
    with ConsoleProgress() as progress:
        programs = find_or_build_node(progress)
        archives = {image: image_archive(image, progress) for image in images}

        def ready(state: State) -> None:
            for image, archive in archives.items():
                progress(f"loading {image} …")
                import_images(programs, state.boot_pid, archive)
                progress(f"loaded {image}")
            progress(f"audit log: {state.audit_log}; Ctrl-C ends the cluster and removes {place_of(NAME).directory}")
            typer.echo(f"export KUBECONFIG={state.kubeconfig}")

        with suppress(KeyboardInterrupt):
            supervise(NAME, programs, progress, ready)
        progress("stopped")
