"""A cluster is added to a kubeconfig and removed from it, as with kind."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from local.control_plane_files import kubeconfig
from local.node.kubeconfig import context_name, renamed, with_cluster, without_cluster

NAMES = st.text("abc-", min_size=1, max_size=4)


PLAIN = yaml.safe_load(kubeconfig("https://198.18.0.2:6443", b"certificate", "token"))


def own(name: str) -> dict[str, Any]:
    return renamed({**PLAIN, "users": [{"name": "admin", "user": {"token": f"of {name}"}}]}, name)


def others(names: list[str]) -> dict[str, Any]:
    content: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": "", "preferences": {}}
    for name in names:
        content = with_cluster(content, own(name))
    return content


def test_an_empty_kubeconfig_becomes_the_clusters_own() -> None:
    assert with_cluster({}, own("e2e")) == own("e2e")


def test_the_context_has_the_name_that_kind_gives() -> None:
    added = with_cluster({}, own("e2e"))

    assert added["current-context"] == "kind-e2e"
    assert added["contexts"] == [{"name": "kind-e2e", "context": {"cluster": "kind-e2e", "user": "kind-e2e"}}]


@given(st.lists(NAMES, unique=True), NAMES)
def test_a_cluster_takes_only_its_own_entries_with_it(names: list[str], name: str) -> None:
    existing = others([each for each in names if each != name])

    gone = without_cluster(with_cluster(existing, own(name)), name)

    left = {key: gone[key] for key in ("clusters", "users", "contexts")}
    assert left == {key: existing.get(key, []) for key in ("clusters", "users", "contexts")}
    assert gone["current-context"] != context_name(name)
    assert gone["preferences"] == {}


@given(st.lists(NAMES, unique=True), NAMES)
def test_a_cluster_made_again_replaces_its_entries(names: list[str], name: str) -> None:
    once = with_cluster(others(names), own(name))

    assert with_cluster(once, own(name)) == once


def test_another_current_context_stays_when_a_cluster_goes() -> None:
    both = {**others(["a", "b"]), "current-context": "kind-b"}

    assert without_cluster(both, "a")["current-context"] == "kind-b"
