"""`local/bin/kind`: answers the verbs of kind (https://kind.sigs.k8s.io) with real nodes that need no Docker."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from local.binaries import API_SERVER, module_version
from local.images import image_archive
from local.node import supervisor
from local.node.cluster import node_name
from local.node.clusters import place_of, ready_cluster, running
from local.node.kubeconfig import context_name, renamed, with_cluster, without_cluster
from local.node.machine import import_images
from local.node.programs import find_or_build_node
from local.node.requirements import require_a_fit_machine
from local.progress import ConsoleProgress

kind = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
create, delete, get, load, restart = (typer.Typer(no_args_is_help=True) for _ in range(5))
kind.add_typer(create, name="create", help="Create a cluster.")
kind.add_typer(delete, name="delete", help="Delete a cluster.")
kind.add_typer(get, name="get", help="Show clusters, their nodes, or a kubeconfig.")
kind.add_typer(load, name="load", help="Give a cluster's node an image.")
kind.add_typer(restart, name="restart", help="Restart a cluster's node (kind itself has no such verb).")

Name = Annotated[str, typer.Option("--name", "-n", help="The cluster.")]
Kubeconfig = Annotated[
    Path | None, typer.Option("--kubeconfig", help="Instead of the first of $KUBECONFIG, or of ~/.kube/config.")
]
Images = Annotated[list[str], typer.Argument(metavar="IMAGE...")]
Archives = Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False)]
Image = Annotated[str | None, typer.Option("--image", help="Not for this kind of node, whose version is pinned.")]
Config = Annotated[Path | None, typer.Option("--config", help="May ask for one control-plane node.", exists=True)]
Wait = Annotated[str | None, typer.Option("--wait", help="Changes nothing: the cluster is ready when this returns.")]


@create.command("cluster")
def create_cluster(
    name: Name = "kind",
    kubeconfig: Kubeconfig = None,
    image: Image = None,
    config: Config = None,
    wait: Wait = None,  # noqa: ARG001
) -> None:
    """Create a cluster that runs in the background, and make it current in the kubeconfig."""
    if image is not None:
        raise typer.BadParameter(f"--image {image}: this node is no image; it has Kubernetes {_version()}")
    if config is not None:
        require_one_plain_node(yaml.safe_load(config.read_text()) or {}, config)
    require_a_fit_machine()
    with ConsoleProgress() as progress:
        find_or_build_node(progress)
        state = supervisor.start_in_background(name, progress)
        path = chosen_kubeconfig(kubeconfig)
        _write(path, with_cluster(_read(path), renamed(_read(state.kubeconfig), name)))
        progress(f"cluster {name} is ready at {state.server}; its context {context_name(name)} is current in {path}")


@delete.command("cluster")
def delete_cluster(name: Name = "kind", kubeconfig: Kubeconfig = None) -> None:
    """Delete a cluster and its entries in the kubeconfig; no error if there is none."""
    with ConsoleProgress() as progress:
        progress(f"deleted the cluster {name}" if supervisor.end(name) else f"there was no cluster {name}")
    path = chosen_kubeconfig(kubeconfig)
    if path.exists():
        _write(path, without_cluster(_read(path), name))


@get.command("clusters")
def get_clusters() -> None:
    """Print the names of the clusters."""
    names = running()
    typer.echo("\n".join(names) if names else "No kind clusters found.", err=not names)


@get.command("nodes")
def get_nodes(name: Name = "kind") -> None:
    """Print the name of the node."""
    ready_cluster(name)
    typer.echo(node_name(name))


@get.command("kubeconfig")
def get_kubeconfig(name: Name = "kind") -> None:
    """Print a kubeconfig of the cluster's administrator."""
    typer.echo(yaml.safe_dump(renamed(_read(ready_cluster(name).kubeconfig), name), sort_keys=False), nl=False)


@get.command("directory")
def get_directory(name: Name = "kind") -> None:
    """Print the directory of the cluster's logs and its audit log (kind itself has no such verb)."""
    ready_cluster(name)
    typer.echo(place_of(name).directory)


@load.command("docker-image")
def load_docker_image(images: Images, name: Name = "kind") -> None:
    """Load images of this project into the node by name, after building missing ones."""
    state = ready_cluster(name)
    with ConsoleProgress() as progress:
        programs = find_or_build_node(progress)
        for image in images:
            archive = image_archive(image, progress)
            progress(f"loading {image} …")
            import_images(programs, state.boot_pid, archive)
            progress(f"loaded {image}")


@load.command("image-archive")
def load_image_archive(archives: Archives, name: Name = "kind") -> None:
    """Load the images of Docker or OCI archives into the node."""
    state = ready_cluster(name)
    with ConsoleProgress() as progress:
        programs = find_or_build_node(progress)
        for archive in archives:
            progress(f"loading {archive} …")
            import_images(programs, state.boot_pid, archive.absolute())
            progress(f"loaded {archive}")


@restart.command("node")
def restart_node(name: Name = "kind") -> None:
    """Power-cycle the node; etcd and the control plane continue."""
    with ConsoleProgress() as progress:
        progress(f"restarting the node of {name} …")
        state = supervisor.restart_node(name)
        progress(f"the node of {name} is ready, for the {state.boots}. time")


@kind.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"kind of rasa-environments, with Kubernetes {_version()} on a node without Docker")


def require_one_plain_node(config: dict[str, Any], path: Path) -> None:
    """Check a configuration of kind. Raises typer.BadParameter if it requires more than this node supports."""
    nodes = config.get("nodes") or [{"role": "control-plane"}]
    beyond = sorted(set(config) - {"apiVersion", "kind", "name", "nodes"})
    if beyond or nodes != [{"role": "control-plane"}]:
        what = ", ".join(beyond) or "other nodes than one plain control-plane"
        raise typer.BadParameter(f"{path} asks for {what}, which this kind of cluster cannot give; Docker's kind can")


def chosen_kubeconfig(option: Path | None) -> Path:
    """Return the file that kind would write to (kind.sigs.k8s.io, "Interacting With Your Cluster")."""
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return option or (Path(first) if first else Path.home() / ".kube" / "config")


def _version() -> str:
    return module_version(API_SERVER)


def _read(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def main() -> None:
    """Run the command line; an error that the user can fix ends it with one message."""
    try:
        kind()
    except supervisor.FAILURES as error:
        sys.exit(f"ERROR: {error}")


if __name__ == "__main__":
    main()
