"""`python -m release.single_file`: writes the files of manifests/ that install everything by one `kubectl apply -f`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.binaries import BinariesUnavailableError, find_kubectl
from local.installation import MANIFESTS, ROOT
from local.kustomize import KustomizationRefusedError, kustomized
from local.progress import ConsoleProgress
from local.readable_yaml import readable

HEADER = """\
# Generated from crds/ and manifests/overlays/{overlay} by `make generate`: edit those.
# kubectl apply --server-side -f {file}
"""
OVERLAYS = {"install.yaml": "cluster", "install-before-1.36.yaml": "cluster-before-1.36"}
"""The files, and the overlay that each is generated from."""


def text(file: str, kubectl: Path) -> str:
    """Return the text of a file, CRDs first, independent of the version of kustomize.

    Raises KustomizationRefusedError.
    """
    overlay = OVERLAYS[file]
    objects = [*kustomized(ROOT / "crds", kubectl), *kustomized(MANIFESTS / "overlays" / overlay, kubectl)]
    return HEADER.format(overlay=overlay, file=file) + readable(objects)


def files(kubectl: Path) -> Mapping[str, str]:
    """Return name and text of each file. Raises KustomizationRefusedError."""
    return {file: text(file, kubectl) for file in OVERLAYS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or compare them with --check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m release.single_file", description=__doc__)
    parser.add_argument("--directory", type=Path, default=MANIFESTS, help="where the files are (default: manifests)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file differs")
    options = parser.parse_args(arguments)
    directory: Path = options.directory
    try:
        with ConsoleProgress() as progress:
            wanted = files(find_kubectl(progress))
    except (BinariesUnavailableError, KustomizationRefusedError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    if not options.check:
        for name, content in wanted.items():
            (directory / name).write_text(content, encoding="utf-8")
        return 0
    differing = [name for name, content in wanted.items() if not _is(directory / name, content)]
    for name in differing:
        sys.stderr.write(
            f"{directory.name}/{name} differs from its sources; run `make generate` and commit the result\n"
        )
    return 1 if differing else 0


def _is(path: Path, content: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == content


if __name__ == "__main__":
    sys.exit(main())
