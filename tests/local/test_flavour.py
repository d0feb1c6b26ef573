"""Which kind of cluster is selected."""

import pytest

from local.flavour import UnknownFlavourError, choose_flavour


@pytest.mark.parametrize("asked", ["local", "envtest", "kind"])
def test_cluster_names_the_flavour(asked: str) -> None:
    assert choose_flavour({"CLUSTER": asked}, kind_usable=lambda: True) == asked


def test_the_assets_of_envtest_are_used_before_docker() -> None:
    assert choose_flavour({"KUBEBUILDER_ASSETS": "/assets"}, kind_usable=lambda: True) == "envtest"


def test_kind_is_used_where_it_can_run() -> None:
    assert choose_flavour({}, kind_usable=lambda: True) == "kind"


def test_the_pinned_control_plane_is_used_anywhere_else() -> None:
    assert choose_flavour({}, kind_usable=lambda: False) == "local"


def test_an_unknown_flavour_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        UnknownFlavourError, match="CLUSTER=minikube: choose one of local, envtest, kind, or leave it unset"
    ):
        choose_flavour({"CLUSTER": "minikube"}, kind_usable=lambda: False)
