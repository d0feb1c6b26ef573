"""The image of the operator and the model server, built from the project's Dockerfile by buildah."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.images.archive import EPOCH
from local.images.debian_root import codename, debian_root
from local.images.errors import ImageUnavailableError
from local.images.fetching import machine_fetching
from local.images.names import OPERATOR_IMAGE, PROJECT, VERSION, full_name
from local.images.tools import Tools, short_digest
from local.progress import Progress, ticking

STAND_IN = "localhost/debian:stand-in"
"""Base image that buildah uses instead of the one in the Dockerfile: the same release of Debian."""

SOURCES = (
    *("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE"),
    *("requirements-build.lock", "requirements-runtime.lock", "operator"),
)
"""The Dockerfile, and what it copies."""


def recipe(project: Path = PROJECT) -> str:
    """Return a digest of what determines the image, apart from the release of Debian."""
    contents = (part for path in source_files(project) for part in (str(path), (project / path).read_bytes()))
    return short_digest(*contents, Path(__file__).read_bytes())


def source_files(project: Path) -> Iterator[Path]:
    """Yield all files of the sources, relative to the project, without those that running them creates."""
    for name in SOURCES:
        path = project / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            relative = file.relative_to(project)
            left = any(part == "__pycache__" or part.endswith(".egg-info") for part in relative.parts)
            if file.is_file() and not left:
                yield relative


def base_release(dockerfile: str) -> str:
    """Return the release of Debian that the Dockerfile builds on, for example bookworm."""
    found = re.search(r"^FROM debian:([a-z]+)-\d{8}-slim@sha256:[0-9a-f]{64} AS ", dockerfile, re.MULTILINE)
    if found is None:
        raise ValueError("the Dockerfile is not from debian:RELEASE-DATE-slim@DIGEST")
    return found.group(1)


def make_operator_image(target: Path, tools: Tools, progress: Progress, environment: Mapping[str, str]) -> None:
    """Build the Dockerfile and write the archive. Raises ImageUnavailableError."""
    wanted = base_release((PROJECT / "Dockerfile").read_text())
    if codename() != wanted:
        raise ImageUnavailableError(f"the Dockerfile builds on Debian {wanted}, and this is {codename()}: start Docker")
    root = debian_root(tools, (), progress, environment)
    scratch = target.parent
    buildah = Buildah(tools, scratch / "storage", environment)
    with ticking(progress, f"building {OPERATOR_IMAGE}", f"built {OPERATOR_IMAGE}"):
        buildah.import_root(root, scratch / "base")
        buildah.build(PROJECT, machine_fetching(environment).secrets(scratch))
        buildah.push(target)


class Buildah:
    """buildah with its own storage, without any registry or network of its own."""

    def __init__(self, tools: Tools, storage: Path, environment: Mapping[str, str]) -> None:
        self._tools = tools
        storage.mkdir()
        settings = storage / "storage.conf"
        settings.write_text('[storage]\ndriver = "overlay"\n')
        self._policy = storage / "policy.json"
        self._policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')
        self._registries = storage / "registries.conf"
        self._registries.write_text("")
        self._places: list[str | Path] = [
            "--root",
            storage / "root",
            "--runroot",
            storage / "run",
            "--storage-driver",
            "overlay",
        ]
        self._environment = {**environment, "CONTAINERS_STORAGE_CONF": str(settings)}

    def import_root(self, root: Path, context: Path) -> None:
        """Build the replacement of the base image from a tar file."""
        context.mkdir()
        (context / "root.tar").hardlink_to(root)
        (context / "Dockerfile").write_text('FROM scratch\nADD root.tar /\nCMD ["bash"]\n')
        self._run("bud", *self._options(), "--tag", STAND_IN, context)

    def build(self, context: Path, secrets: Mapping[str, Path]) -> None:
        """Build the project's Dockerfile."""
        given = [f"--secret=id={name},src={path}" for name, path in secrets.items()]
        version = ["--build-arg", f"VERSION={VERSION}"]
        base = ["--from", STAND_IN, "--pull-never"]
        self._run("bud", *self._options(), *base, *given, *version, "--tag", full_name(OPERATOR_IMAGE), context)

    def push(self, target: Path) -> None:
        """Write the archive of the project's image."""
        name = full_name(OPERATOR_IMAGE)
        self._run("push", "--quiet", "--signature-policy", self._policy, name, f"docker-archive:{target}:{name}")

    def _options(self) -> list[str | Path]:
        """Return the options of every build: chroot isolation, the host's network, and a reproducible result."""
        place: list[str | Path] = ["--isolation", "chroot", "--network", "host"]
        result: list[str | Path] = ["--quiet", "--timestamp", str(EPOCH), "--identity-label=false"]
        return [*place, *result, "--signature-policy", self._policy, "--registries-conf", self._registries]

    def _run(self, command: str, *arguments: str | Path) -> None:
        self._tools.run(["buildah", command, *self._places, *arguments], self._environment)
