"""A cluster's entries in a user's kubeconfig, added and removed as kind does: pure functions on its content."""

from collections.abc import Mapping
from typing import Any

LISTS = ("clusters", "users", "contexts")

Content = Mapping[str, Any]


def context_name(cluster: str) -> str:
    """Return kind's name for the cluster, its user and its context in a kubeconfig."""
    return f"kind-{cluster}"


def renamed(own: Content, cluster: str) -> dict[str, Any]:
    """Return a kubeconfig with one cluster, user and context, renamed as in kind."""
    name = context_name(cluster)
    return {
        **own,
        "clusters": [{**own["clusters"][0], "name": name}],
        "users": [{**own["users"][0], "name": name}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def with_cluster(existing: Content, added: Content) -> dict[str, Any]:
    """Return the existing kubeconfig with the added entries, which replace entries of the same name.

    They become current.
    """
    names = {entry["name"] for entry in added["contexts"]}
    merged = {key: [*_others(existing, key, names), *added[key]] for key in LISTS}
    return {**added, **existing, **merged, "current-context": added["current-context"]}


def without_cluster(existing: Content, cluster: str) -> dict[str, Any]:
    """Return the existing kubeconfig without the cluster, which is no longer current then."""
    name = context_name(cluster)
    left = {key: _others(existing, key, {name}) for key in LISTS}
    current = existing.get("current-context", "")
    return {**existing, **left, "current-context": "" if current == name else current}


def _others(content: Content, key: str, names: set[str]) -> list[Any]:
    return [entry for entry in content.get(key) or [] if entry["name"] not in names]
