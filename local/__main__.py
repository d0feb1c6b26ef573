"""`python -m local`: the commands for the laptop cluster."""

import signal
import sys
import time
from enum import StrEnum
from typing import Annotated

import typer

from local.binaries import find_or_build
from local.cluster import LocalCluster
from local.demonstration import Options, StepFailedError, demonstrate
from local.flavour import UnknownFlavourError, choose_flavour
from local.images import IMAGES, image_archive
from local.models import train_models
from local.node.foreground import stay_up
from local.node.supervisor import FAILURES as NODE_FAILURES
from local.progress import ConsoleProgress
from local.rasa import RASA_VERSION, RELEASES, RasaRelease, RasaUnavailableError, rasa_environment
from rasa_environments.cli.tables import console

commands = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

FAILURES = (*NODE_FAILURES, RasaUnavailableError, StepFailedError, UnknownFlavourError)


class Node(StrEnum):
    """What the pods of a cluster run on."""

    SIMULATED = "simulated"
    REAL = "real"


@commands.command()
def up(
    node: Annotated[Node, typer.Option(help="Real ones run their pods, and want Linux and root.")] = Node.SIMULATED,
    images: Annotated[bool, typer.Option(help="Give a real node the images of the operator and of Rasa.")] = True,
) -> None:
    """Start a cluster, print its KUBECONFIG, and stay until Ctrl-C."""
    if node == Node.REAL:
        stay_up(IMAGES if images else ())
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ConsoleProgress() as progress, LocalCluster(progress=progress) as facts:
        progress(f"audit log: {facts.audit_log}; Ctrl-C ends the cluster and removes {facts.directory}")
        try:
            typer.echo(f"export KUBECONFIG={facts.kubeconfig}")
            while True:  # since signal.pause() would sleep through a signal that came just before it
                time.sleep(0.1)
        except KeyboardInterrupt:
            progress("stopping")


@commands.command()
def demo(
    stay: Annotated[bool, typer.Option(help="Stay until Ctrl-C.")] = False,
    rasa: Annotated[bool, typer.Option(help="Start real Rasa too, where it can be had.")] = True,
) -> None:
    """Show the whole thing: a cluster, three environments, a promotion, and what the bot says."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    demonstrate(Options(stay=stay, rasa=rasa), console())


@commands.command()
def binaries() -> None:
    """Find or build the programs of the control plane, and print where they are."""
    flavour = choose_flavour()
    if flavour == "kind":
        typer.echo("CLUSTER=kind needs none")
        return
    with ConsoleProgress() as progress:
        for name, path in vars(find_or_build(flavour, progress)).items():
            typer.echo(f"{name.replace('_', '-')}: {path}")


@commands.command()
def images() -> None:
    """Build the images that pods on a real node run, and print where their archives are."""
    with ConsoleProgress() as progress:
        for name in IMAGES:
            archive = image_archive(name, progress)
            typer.echo(f"{name}: {archive} ({archive.stat().st_size / 1e6:.0f} MB)")


Releases = Annotated[list[str], typer.Argument(metavar="VERSION...", help=f"Of {', '.join(RELEASES)}.")]


@commands.command()
def rasa(versions: Releases = [RASA_VERSION]) -> None:  # noqa: B006 (typer shows it as the default)
    """Find or make the virtual environment of real Rasa, and print its bin directory."""
    with ConsoleProgress() as progress:
        for release in _releases(versions):
            typer.echo(rasa_environment(progress, release))


@commands.command()
def models(versions: Releases = [*RELEASES]) -> None:  # noqa: B006 (typer shows it as the default)
    """Train the two sample models of each release again."""
    with ConsoleProgress() as progress:
        for release in _releases(versions):
            for path in train_models(rasa_environment(progress, release), release, progress):
                typer.echo(path)


def _releases(versions: list[str]) -> list[RasaRelease]:
    unknown = [version for version in versions if version not in RELEASES]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: there is {', '.join(RELEASES)}")
    return [RELEASES[version] for version in versions]


def main() -> None:
    """Run the command line; an error that the user can fix ends it with one message."""
    try:
        commands()
    except FAILURES as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
