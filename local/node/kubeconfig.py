"""A cluster's entries in somebody's kubeconfig, as kind adds and removes them: pure functions on its content."""

from collections.abc import Mapping
from typing import Any

LISTS = ("clusters", "users", "contexts")

Content = Mapping[str, Any]


def context_name(cluster: str) -> str:
    """What kind calls the cluster, its user and its context in a kubeconfig."""
    return f"kind-{cluster}"


def renamed(own: Content, cluster: str) -> dict[str, Any]:
    """A kubeconfig with one cluster, one user and one context, which now have kind's names."""
    name = context_name(cluster)
    return {
        **own,
        "clusters": [{**own["clusters"][0], "name": name}],
        "users": [{**own["users"][0], "name": name}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def with_cluster(existing: Content, added: Content) -> dict[str, Any]:
    """The existing kubeconfig with what is added, which takes the place of what has the same name, and is current."""
    names = {entry["name"] for entry in added["contexts"]}
    merged = {key: [*_others(existing, key, names), *added[key]] for key in LISTS}
    return {**added, **existing, **merged, "current-context": added["current-context"]}


def without_cluster(existing: Content, cluster: str) -> dict[str, Any]:
    """The existing kubeconfig without the cluster, which is then not current either."""
    name = context_name(cluster)
    left = {key: _others(existing, key, {name}) for key in LISTS}
    current = existing.get("current-context", "")
    return {**existing, **left, "current-context": "" if current == name else current}


def _others(content: Content, key: str, names: set[str]) -> list[Any]:
    return [entry for entry in content.get(key) or [] if entry["name"] not in names]
