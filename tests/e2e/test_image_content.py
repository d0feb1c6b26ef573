"""The operator's image contains what its two programs need, and nothing else, in particular no trace of its build.

It is unpacked, and its programs run in it as in a pod: as its user, with a read-only root file system, and without
capabilities.
"""

import os
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cache import cache_directory
from local.images import OPERATOR_IMAGE, ImageUnavailableError, full_name, image_archive
from local.images.fetching import machine_fetching
from local.images.names import PROJECT, VERSION, architecture
from local.images.reading import ImageArchive
from local.progress import silent

LARGEST = 135e6
"""Bytes of all files in the image. Anything that makes it larger should be worth it."""

USER = 65532

CONFINED = """
mount --bind "$0" "$0"
mount --rbind /dev "$0/dev"
mount -o remount,bind,ro "$0"
mount -t tmpfs tmpfs "$0/tmp"
exec setpriv --no-new-privs chroot --userspec=65532:65532 "$0" "$@"
"""

UNWANTED_PROGRAM = re.compile(
    r"(^|/)s?bin/(sh|bash|dash|busybox|perl.*|apt.*|dpkg.*|gcc.*|cc|ld|make|curl|wget|su|mount|pip.*)$"
)
UNWANTED_FILE = re.compile(
    r"(^|/)(var/lib/apt/.+|var/cache/.+|root/.+|home/.+|run/.+|site-packages/(pip|setuptools|wheel)(-[^/]*)?/.*"
    r"|site-packages/.*/tests/.*|pip\.conf|.*\.(c|a|key))$"
)

LOAD_A_KUBECONFIG = """
import asyncio
from rasa_environments.cluster.credentials import CredentialSource
access = asyncio.run(CredentialSource('/tmp/kubeconfig').load())
print(access.configuration.host, access.namespace, access.configuration.api_key)
"""

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me, namespace: bots}}]
clusters: [{name: here, cluster: {server: "https://kubernetes.example"}}]
users: [{name: me, user: {token: of-a-test}}]
"""

IMPORT_ALL = """
import importlib, pkgutil
for package in ('log_lines', 'outbound_http', 'rasa_environments', 'rasa_model_server'):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + '.'):
        if not module.name.endswith('.__main__'):
            importlib.import_module(module.name)
            print(module.name)
"""


@pytest.fixture(scope="module")
def archive() -> ImageArchive:
    try:
        return ImageArchive(image_archive(OPERATOR_IMAGE, silent))
    except ImageUnavailableError as error:
        pytest.skip(f"needs the image of the operator: {error}")


@pytest.fixture(scope="module")
def members(archive: ImageArchive) -> list[tarfile.TarInfo]:
    """All files of all layers."""
    with archive.layers() as layers:
        return [member for layer in layers for member in layer.getmembers()]


@pytest.fixture(scope="module")
def root(archive: ImageArchive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked image."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to run what is in the image without a container runtime: run the tests as root")
    directory = tmp_path_factory.mktemp("image")
    archive.unpack(directory)
    directory.chmod(0o755)
    return directory


def run(root: Path, *command: str, files: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command in the image, without a network; `files` are those that it finds in /tmp."""
    writing = "".join(f"printf %s '{text}' > \"$0/tmp/{name}\"\n" for name, text in (files or {}).items())
    script = "set -e" + CONFINED.replace("exec ", f"{writing}exec ")
    return subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", script, root, *command],
        env={"PATH": "/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
    )


def printed(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


def regular_files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def certificates(*files: Path) -> set[str]:
    pattern = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
    return {found for file in files for found in pattern.findall(file.read_text(errors="replace"))}


def test_a_pod_finds_it_under_its_name(archive: ImageArchive) -> None:
    assert archive.names()[0] in {OPERATOR_IMAGE, full_name(OPERATOR_IMAGE)}
    assert archive.configuration().architecture == architecture()


def test_a_kubelet_sees_that_its_user_is_not_root(archive: ImageArchive) -> None:
    assert archive.configuration().config.user == f"{USER}:{USER}"


def test_it_runs_the_operator_unless_told_otherwise(archive: ImageArchive) -> None:
    settings = archive.configuration().config

    assert settings.entry_point == ["rasa-environments"]
    assert settings.command == ["run"]
    assert "PATH=/venv/bin:/usr/bin" in settings.environment


def test_its_labels_say_what_it_is(archive: ImageArchive) -> None:
    labels = archive.configuration().config.labels
    prefix = "org.opencontainers.image."

    assert labels.keys() == {f"{prefix}{name}" for name in ("title", "description", "licenses", "version")}
    assert labels[f"{prefix}title"] == "rasa-environments"
    assert labels[f"{prefix}version"] == VERSION
    assert labels[f"{prefix}licenses"] == "Apache-2.0"


def test_it_has_the_licenses_of_the_project_and_of_every_package(root: Path) -> None:
    packages = sorted((root / "var/lib/dpkg/status.d").iterdir())
    documented = {path.name for path in (root / "usr/share/doc").iterdir() if (path / "copyright").exists()}

    assert (root / "licenses/LICENSE").read_text() == (PROJECT / "LICENSE").read_text()
    assert packages
    assert {path.name for path in packages} - documented <= {"libgcc-s1", "libpython3.11-stdlib"}, "links to others'"


def test_it_is_small(members: list[tarfile.TarInfo]) -> None:
    assert 50e6 < sum(member.size for member in members) < LARGEST


def test_its_files_are_roots_and_nobody_else_may_write_them(members: list[tarfile.TarInfo]) -> None:
    foreign = [member.name for member in members if (member.uid, member.gid) != (0, 0)]
    writable = [member.name.strip("/") for member in members if not member.issym() and member.mode & 0o022]

    assert foreign == []
    assert writable == ["tmp"]


def test_no_program_in_it_gives_more_rights(members: list[tarfile.TarInfo]) -> None:
    special = stat.S_ISUID | stat.S_ISGID

    assert [member.name for member in members if member.mode & special] == []
    assert [member.name for member in members if member.isdev()] == []


def test_it_has_no_shell_no_package_manager_and_no_compiler(members: list[tarfile.TarInfo]) -> None:
    names = [member.name for member in members]

    assert any(name.endswith("venv/bin/rasa-environments") for name in names)
    assert [name for name in names if UNWANTED_PROGRAM.search(name)] == []


def test_it_has_no_caches_no_tests_and_nothing_that_only_building_needs(members: list[tarfile.TarInfo]) -> None:
    assert [member.name for member in members if not member.isdir() and UNWANTED_FILE.search(member.name)] == []


def test_nothing_says_where_and_how_it_was_built(archive: ImageArchive, root: Path) -> None:
    fetching = machine_fetching()
    settings = re.findall(r"https?://[^\s\"']+|(?<=trusted-host = )\S+", fetching.pip + fetching.apt)
    proxies = [value for name, value in os.environ.items() if name.lower().endswith("_proxy") and value]
    words = [str(PROJECT), str(cache_directory()), *settings, *proxies]
    wanted = re.compile("|".join(re.escape(word) for word in words).encode())

    assert not wanted.search(archive.configuration_text().encode())
    assert [path for path in regular_files(root) if wanted.search(path.read_bytes())] == []


def test_it_trusts_whom_debian_trusts_and_not_whom_this_machine_trusts(root: Path) -> None:
    told = machine_fetching().certificates
    package = certificates(*Path("/usr/share/ca-certificates").rglob("*.crt"))
    own = certificates(*([told] if told else [])) - package
    trusted = certificates(root / "etc/ssl/certs/ca-certificates.crt")

    assert len(trusted) > 100
    assert trusted & own == set()


def test_every_module_is_compiled_and_never_compared_with_its_source(root: Path) -> None:
    sources = [path for path in regular_files(root) if path.suffix == ".py" and "lib2to3/tests" not in str(path)]
    compiled = {path: path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc" for path in sources}
    needed = [path for path in sources if path.is_relative_to(root / "venv") or path.parent.name in {"asyncio", "json"}]

    assert needed
    assert [path for path in needed if not compiled[path].exists()] == []
    # Flags of a .pyc: 1 says that it is identified by a hash, 2 would say that the hash is to be checked (PEP 552).
    assert {compiled[path].read_bytes()[4:8] for path in needed} == {b"\x01\0\0\0"}


@pytest.mark.parametrize("program", ["rasa-environments", "kubectl-rasa"])
def test_the_operator_answers_in_a_root_file_system_that_cannot_be_written(root: Path, program: str) -> None:
    assert printed(run(root, program, "--version")).strip().endswith(VERSION)
    assert "run" in printed(run(root, program, "--help"))


def test_the_model_server_is_in_the_same_image(root: Path) -> None:
    assert "Serve Rasa models" in printed(run(root, "rasa-model-server", "--help"))


def test_every_module_of_both_programs_finds_what_it_needs(root: Path) -> None:
    modules = printed(run(root, "python", "-W", "error::ImportWarning", "-c", IMPORT_ALL)).split()

    assert {"rasa_environments.runtime.operator", "rasa_model_server.storage.opening"} <= set(modules)


def test_the_importer_of_chart_values_is_not_in_the_image(root: Path) -> None:
    assert not list(root.rglob("rasa_chart_import"))
    commands = printed(run(root, "rasa-environments", "--help")).split()
    assert "promote" in commands
    assert "import" not in commands


def test_what_is_left_of_the_library_for_kubernetes_reads_a_kubeconfig(root: Path) -> None:
    said = printed(run(root, "python", "-c", LOAD_A_KUBECONFIG, files={"kubeconfig": KUBECONFIG}))

    assert said.startswith("https://kubernetes.example bots ")
    assert "Bearer of-a-test" in said


def test_it_checks_the_certificates_of_servers_by_those_that_it_has(root: Path) -> None:
    question = "import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'])"

    assert int(printed(run(root, "python", "-c", question))) > 100


def test_a_name_is_looked_up_in_the_hosts_file_first(root: Path) -> None:
    assert "hosts: files dns" in (root / "etc/nsswitch.conf").read_text()


def test_only_its_folder_for_temporary_files_can_be_written(root: Path) -> None:
    question = "import os, sys; print([path for path in sys.argv[1:] if os.access(path, os.W_OK)])"
    folders = [f"/{path.relative_to(root)}" for path in root.rglob("*") if path.is_dir() and not path.is_symlink()]

    assert printed(run(root, "python", "-c", question, "/", *folders)).strip() == "['/tmp']"


def test_its_user_has_a_name(root: Path) -> None:
    question = "import getpass, os; print(os.getuid(), getpass.getuser())"

    assert printed(run(root, "python", "-c", question)).strip() == f"{USER} nonroot"
