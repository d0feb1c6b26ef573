"""The programs of the control plane: found on the machine, or built once from the pinned Go modules in `modules/`."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from local.cache import cache_directory, make_once
from local.flavour import Flavour
from local.progress import Progress, ticking

MODULES = Path(__file__).parent / "modules"


class BinariesUnavailableError(RuntimeError):
    """A program of the control plane is neither present nor can it be built; the message has a remedy."""


@dataclass(frozen=True)
class GoProgram:
    """A program, the folder under `modules/` that pins it, its package, and the module whose version it has."""

    name: str
    folder: str
    package: str
    module: str


def _kubernetes(name: str, folder: str = "kubernetes") -> GoProgram:
    return GoProgram(name, folder, f"k8s.io/kubernetes/cmd/{name}", "k8s.io/kubernetes")


ETCD = GoProgram("etcd", "etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3")
KWOK = GoProgram("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok", "sigs.k8s.io/kwok")
API_SERVER = _kubernetes("kube-apiserver")
CONTROLLERS = _kubernetes("kube-controller-manager")
SCHEDULER = _kubernetes("kube-scheduler")
KUBECTL = _kubernetes("kubectl")
KUBELET = _kubernetes("kubelet")
KUBE_PROXY = _kubernetes("kube-proxy", "kube-proxy")
COREDNS = GoProgram("coredns", "coredns", ".", "github.com/coredns/coredns")
HELM_3 = GoProgram("helm", "helm3", "helm.sh/helm/v3/cmd/helm", "helm.sh/helm/v3")
HELM_4 = GoProgram("helm", "helm4", "helm.sh/helm/v4/cmd/helm", "helm.sh/helm/v4")
KUBECONFORM = GoProgram(
    "kubeconform", "kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", "github.com/yannh/kubeconform"
)
VERSITYGW = GoProgram(
    "versitygw", "versitygw", "github.com/versity/versitygw/cmd/versitygw", "github.com/versity/versitygw"
)


@dataclass(frozen=True)
class Binaries:
    """Paths of the programs of a control plane."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kwok: Path
    kubectl: Path


def find_or_build(flavour: Flavour, progress: Progress, environment: Mapping[str, str] = os.environ) -> Binaries:
    """Return the programs for a cluster of this flavour ("local" or "envtest"), after building missing ones.

    Raises BinariesUnavailableError.
    """
    wanted = [ETCD, API_SERVER, CONTROLLERS, SCHEDULER, KWOK, KUBECTL]
    paths = find_or_build_each(wanted, _found(flavour, environment), progress, environment)
    return Binaries(*(paths[program] for program in wanted))


def find_or_build_each(
    wanted: Sequence[GoProgram], found: Mapping[GoProgram, Path], progress: Progress, environment: Mapping[str, str]
) -> dict[GoProgram, Path]:
    """Return the path of each program, after building those that are neither in `found` nor in the cache.

    Raises BinariesUnavailableError.
    """
    cached = {program: cached_path(program, environment) for program in wanted}
    missing = [program for program in wanted if program not in found and not cached[program].exists()]
    for position, program in enumerate(missing, start=1):
        build(program, cached[program], f"{position} of {len(missing)}", progress, environment)
    return {**cached, **found}


def find_or_build_program(program: GoProgram, progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """Return a program from the cache, after building it if necessary. Raises BinariesUnavailableError."""
    cached = cached_path(program, environment)
    if not cached.exists():
        build(program, cached, "1 of 1", progress, environment)
    return cached


def find_kubectl(progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the machine's kubectl, or else the one from the cache, after building it.

    Raises BinariesUnavailableError.
    """
    found = shutil.which("kubectl", path=environment.get("PATH"))
    return Path(found) if found else find_or_build_program(KUBECTL, progress, environment)


def cached_path(program: GoProgram, environment: Mapping[str, str]) -> Path:
    """Return the path of the program once it is built."""
    return cache_directory(environment) / "bin" / cache_key(program) / program.name


def build(program: GoProgram, target: Path, position: str, progress: Progress, environment: Mapping[str, str]) -> None:
    """Build a program to `target`, unless another process does so first. Raises BinariesUnavailableError."""
    go = find_go(MODULES / program.folder, environment)

    def make(path: Path) -> None:
        version = module_version(program)
        flags = ["-trimpath", "-buildvcs=false", "-ldflags", linker_flags(program, version)]
        with ticking(progress, f"building {program.name} {version} ({position})", f"built {program.name} {version}"):
            _run_go(go, ["build", *flags, "-o", str(path), program.package], MODULES / program.folder, environment)

    make_once(target, f"building {program.name}", progress, make)


def linker_flags(program: GoProgram, version: str) -> str:
    """Return the flags that strip the program and set its version, if it does not know that itself."""
    told = (f"-X {name}={value}" for name, value in linked_variables(program, version).items())
    return " ".join(["-s", "-w", *told])


def linked_variables(program: GoProgram, version: str) -> dict[str, str]:
    """Return the variables that the linker sets.

    Without them, a Kubernetes program reports v0.0.0, and Helm 3 assumes clusters of version 1.20. The variables are
    those of hack/lib/version.sh of kubernetes/kubernetes, and of the Makefile of helm/helm.
    """
    if program.module == "k8s.io/kubernetes":
        major, minor, _ = version.removeprefix("v").split(".", 2)
        facts = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
        packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        return {f"{package}.{name}": value for package in packages for name, value in facts.items()}
    if program in (HELM_3, HELM_4):
        variables = {f"{program.module}/internal/version.version": version}
        if program == HELM_3:
            kubernetes = module_version(replace(program, module="k8s.io/client-go")).split(".")
            capabilities = f"{program.module}/pkg/chartutil"
            variables |= {f"{capabilities}.k8sVersionMajor": "1", f"{capabilities}.k8sVersionMinor": kubernetes[1]}
        return variables
    return {}


def module_version(program: GoProgram) -> str:
    """Return the version that the program's go.mod requires, for example v1.36.3."""
    required = re.search(
        rf"^(?:require )?\s*{re.escape(program.module)} (v\S+)\b.*$",
        (MODULES / program.folder / "go.mod").read_text(),
        re.MULTILINE,
    )
    if required is None:
        raise BinariesUnavailableError(f"local/modules/{program.folder}/go.mod does not require {program.module}")
    return required.group(1)


def cache_key(program: GoProgram, modules: Path = MODULES) -> str:
    """Return a name for everything that determines the build: the module's version, its files, flags and platform."""
    version = module_version(program)
    digest = hashlib.sha256()
    for path in (*sorted((modules / program.folder).glob("go.*")), *sorted((modules / program.folder).glob("*.go"))):
        digest.update(path.read_bytes())
    digest.update(f"{linker_flags(program, version)} {sys.platform} {platform.machine()}".encode())
    return f"{program.folder}-{version}-{digest.hexdigest()[:12]}"


def find_go(folder: Path, environment: Mapping[str, str]) -> Path:
    """Return the `go` command, new enough for the module in `folder`. Raises BinariesUnavailableError."""
    found = shutil.which("go", path=environment.get("PATH")) or shutil.which("go", path="/usr/local/go/bin")
    needed = re.search(r"^go (\d+\.\d+)", (folder / "go.mod").read_text(), re.MULTILINE)
    wanted = needed.group(1) if needed else "1.26"
    if found is None:
        raise BinariesUnavailableError(f"no `go` on PATH: install Go {wanted} or newer, or use CLUSTER=kind")
    version = _run_go(Path(found), ["env", "GOVERSION"], folder, environment).strip()
    if _numbers(version) < _numbers(wanted):
        raise BinariesUnavailableError(f"{found} is {version}: install Go {wanted} or newer, or put it first on PATH")
    return Path(found)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _run_go(go: Path, arguments: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    settings = {**environment, "CGO_ENABLED": "0", "GOWORK": "off"}
    result = subprocess.run([go, *arguments], cwd=folder, env=settings, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        tail = "\n".join(result.stderr.strip().splitlines()[-15:])
        raise BinariesUnavailableError(f"`go {arguments[0]}` in local/modules/{folder.name} failed:\n{tail}")
    return result.stdout


def _found(flavour: Flavour, environment: Mapping[str, str]) -> dict[GoProgram, Path]:
    """Return the programs that need no building: those of setup-envtest, and the machine's kubectl, if any."""
    found: dict[GoProgram, Path] = {}
    kubectl = shutil.which("kubectl", path=environment.get("PATH"))
    if kubectl is not None:
        found[KUBECTL] = Path(kubectl)
    if flavour == "envtest":
        assets = environment.get("KUBEBUILDER_ASSETS", "")
        if not assets:
            raise BinariesUnavailableError(
                "CLUSTER=envtest: set KUBEBUILDER_ASSETS to what `setup-envtest use -p path` says"
            )
        for program in (ETCD, API_SERVER, KUBECTL):
            path = Path(assets).absolute() / program.name
            if not os.access(path, os.X_OK):
                raise BinariesUnavailableError(f"KUBEBUILDER_ASSETS={assets}: there is no {program.name} in it")
            found[program] = path
    return found
