"""The programs of the control plane are found, or built once from their pinned modules."""

import shutil
from pathlib import Path

import pytest

from local.binaries import (
    API_SERVER,
    ETCD,
    HELM_3,
    HELM_4,
    KWOK,
    MODULES,
    BinariesUnavailableError,
    GoProgram,
    cache_key,
    find_go,
    find_or_build,
    linker_flags,
    module_version,
)
from local.progress import silent


def executable(path: Path, script: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("program", "version"), [(API_SERVER, "v1.36.3"), (ETCD, "v3.6.16"), (KWOK, "v0.8.0")])
def test_the_version_is_the_one_that_the_module_requires(program: GoProgram, version: str) -> None:
    assert module_version(program) == version


def test_a_kubernetes_program_is_told_its_version() -> None:
    flags = linker_flags(API_SERVER, "v1.36.3")

    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in flags
    assert "-X k8s.io/component-base/version.gitMinor=36" in flags


def test_helm_is_told_its_version_and_helm_3_the_kubernetes_that_it_knows() -> None:
    assert "-X helm.sh/helm/v4/internal/version.version=v4.3.1" in linker_flags(HELM_4, "v4.3.1")
    assert "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=37" in linker_flags(HELM_3, "v3.22.0")


@pytest.mark.parametrize("changed", ["go.mod", "go.sum"])
def test_a_changed_module_file_changes_the_cache_key(tmp_path: Path, changed: str) -> None:
    shutil.copytree(MODULES, tmp_path / "modules")
    assert cache_key(ETCD, tmp_path / "modules") == cache_key(ETCD)

    with (tmp_path / "modules" / "etcd" / changed).open("a") as file:
        file.write("\n")

    assert cache_key(ETCD, tmp_path / "modules") != cache_key(ETCD)


def test_an_old_go_is_refused_with_the_version_needed(tmp_path: Path) -> None:
    executable(tmp_path / "go", "#!/bin/sh\necho go1.21.3\n")

    with pytest.raises(BinariesUnavailableError, match=r"go is go1\.21\.3: install Go 1\.26 or newer"):
        find_go(MODULES / "etcd", {"PATH": str(tmp_path)})


def test_a_newer_go_will_do(tmp_path: Path) -> None:
    go = executable(tmp_path / "go", "#!/bin/sh\necho go1.100.0\n")

    assert find_go(MODULES / "etcd", {"PATH": str(tmp_path)}) == go


def test_envtest_takes_the_programs_of_its_assets_and_builds_the_others(tmp_path: Path) -> None:
    assets = [executable(tmp_path / "assets" / name) for name in ("etcd", "kube-apiserver", "kubectl")]
    executable(tmp_path / "path" / "go", FAKE_GO)
    environment = {
        "KUBEBUILDER_ASSETS": str(tmp_path / "assets"),
        "RASA_ENVIRONMENTS_CACHE": str(tmp_path / "cache"),
        "PATH": f"{tmp_path / 'path'}:/usr/bin:/bin",
    }
    said: list[str] = []

    found = find_or_build("envtest", said.append, environment)

    assert [found.etcd, found.kube_apiserver, found.kubectl] == assets
    assert found.kube_controller_manager.is_relative_to(tmp_path / "cache")
    assert [line for line in said if line.endswith("…")] == [
        "building kube-controller-manager v1.36.3 (1 of 3) …",
        "building kube-scheduler v1.36.3 (2 of 3) …",
        "building kwok v0.8.0 (3 of 3) …",
    ]


def test_nothing_is_built_twice(tmp_path: Path) -> None:
    executable(tmp_path / "path" / "go", FAKE_GO)
    environment = {"RASA_ENVIRONMENTS_CACHE": str(tmp_path / "cache"), "PATH": f"{tmp_path / 'path'}:/usr/bin:/bin"}
    built = find_or_build("local", silent, environment)
    (tmp_path / "path" / "go").unlink()

    assert find_or_build("local", silent, environment) == built


def test_a_failed_build_says_what_go_said_and_leaves_nothing(tmp_path: Path) -> None:
    executable(tmp_path / "path" / "go", FAKE_GO.replace("touch", "echo no space left >&2; exit 1;"))
    environment = {"RASA_ENVIRONMENTS_CACHE": str(tmp_path / "cache"), "PATH": f"{tmp_path / 'path'}:/usr/bin:/bin"}

    with pytest.raises(BinariesUnavailableError, match=r"`go build` in local/modules/etcd failed:\nno space left"):
        find_or_build("local", silent, environment)

    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_envtest_without_its_assets_says_how_to_get_them() -> None:
    with pytest.raises(
        BinariesUnavailableError, match="set KUBEBUILDER_ASSETS to what `setup-envtest use -p path` says"
    ):
        find_or_build("envtest", silent, {"PATH": ""})


def test_assets_that_lack_a_program_are_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(BinariesUnavailableError, match="there is no etcd in it"):
        find_or_build("envtest", silent, {"KUBEBUILDER_ASSETS": str(tmp_path), "PATH": ""})


FAKE_GO = """#!/bin/sh
[ "$1" = env ] && { echo go1.26.0; exit 0; }
while [ "$1" != -o ]; do shift; done
touch "$2"
"""
