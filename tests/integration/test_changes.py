"""Fields of the spec, changed on a running environment: only the right child changes.

Here is one for each kind of child, with and without new pods. `tests/desired/test_changes.py` changes every field, and
`tests/cluster/test_additions.py` has the API server store what comes of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from tests.desired.change import FIRST, SECOND, SECRET, Change, at
from tests.desired.changes import CHANGES, SHARED_CHANGES
from tests.integration.conftest import furnish
from tests.integration.manifests import environment, model_server, secret
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import ENVIRONMENT, ON_REQUEST, Space


def one_of_each_kind(changes: Iterable[Change]) -> list[Change]:
    """Return the first change for each kind of child, and of those the first that replaces pods and that does not."""
    first: dict[tuple[str, bool], Change] = {}
    for change in changes:
        first.setdefault((change.kind, change.rolls), change)
    return list(first.values())


NUMBERED = [(f"e{number}", change) for number, change in enumerate(one_of_each_kind(CHANGES))]
IDS = [change.field for _, change in NUMBERED]
Changed = tuple[Space, dict[str, JsonObject]]


def spec_with(name: str, change: Change, value: Any) -> JsonObject:
    """Return the spec with this value of the field. It needs no pods."""
    spec = {"replicas": 0, **change.spec(value)}
    if "ingress" in spec:  # no two environments have one host
        hosts = [{**entry, "host": f"{name}.{entry['host']}"} for entry in spec["ingress"]["hosts"]]
        spec["ingress"] = {**spec["ingress"], "hosts": hosts}
    return {**spec, "rasa": {"version": "3.6.21", **spec.get("rasa", {})}}


def furnished(new_space: Callable[[], Space], model_server_process: ModelServerProcess) -> Space:
    """Create a namespace with two ModelServers, and the Secret that the changes refer to."""
    space = new_space()
    furnish(space, model_server_process)
    space.apply(
        model_server(model_server_process.url, "second", project="second"), secret(SECRET, first=FIRST, second=SECOND)
    )
    return space


@pytest.fixture(scope="module")
def changed(new_space: Callable[[], Space], model_server: ModelServerProcess) -> Changed:
    """Create an environment per change and make all changes; return the pod templates from before."""
    space = furnished(new_space, model_server)
    for name, change in NUMBERED:
        space.apply(environment(name, **spec_with(name, change, change.before)))
    for name, _ in NUMBERED:
        space.eventually(partial(space.find_child, "Deployment", name), f"{name} to have its Deployment")
    before = {name: space.child("Deployment", name)["spec"]["template"] for name, _ in NUMBERED}
    for name, change in NUMBERED:
        space.apply(environment(name, **spec_with(name, change, change.after)))
    return space, before


@pytest.mark.parametrize(("name", "change"), NUMBERED, ids=IDS)
def test_a_changed_field_reaches_its_child(changed: Changed, name: str, change: Change) -> None:
    space, _ = changed

    def shown() -> bool:
        value = change.seen_in(space.child(change.kind, name))
        return bool(_local(value, name) == change.shows)

    space.eventually(shown, f"{change.kind} of {name} to show {change.shows!r} at {change.path}")


@pytest.mark.parametrize(("name", "change"), NUMBERED, ids=IDS)
def test_pods_are_replaced_only_by_what_they_must_know(changed: Changed, name: str, change: Change) -> None:
    space, before = changed
    space.wait_for_condition(ENVIRONMENT, name, "Stalled", status="False")

    now = space.child("Deployment", name)["spec"]["template"]

    assert (now != before[name]) is change.rolls


@pytest.fixture(scope="module")
def with_defaults(new_space: Callable[[], Space], model_server: ModelServerProcess) -> Changed:
    """Create an environment that later gets its ModelServer's defaults, and its children from before."""
    space = furnished(new_space, model_server)
    space.apply(environment("plain", replicas=0))
    space.wait_for_condition(ENVIRONMENT, "plain", "Stalled", status="False")
    return space, {kind: space.child(kind, "plain") for kind in ("ConfigMap", "Secret", "Service", "Deployment")}


def test_defaults_of_the_model_server_reach_its_environments_and_leave_them(
    with_defaults: Changed, model_server: ModelServerProcess
) -> None:
    space, before = with_defaults

    for change in combinable():
        furnish(space, model_server, defaults=change.spec(change.after))
        space.eventually(partial(shows, space, change), f"the default {change.field} to reach the environment")

    furnish(space, model_server)
    for kind, child in before.items():
        space.eventually(partial(is_again, space, kind, child), f"the {kind} to be again as it was")
    for kind in ON_REQUEST:
        space.eventually(partial(is_gone, space, kind), f"the {kind} to be gone")


def shows(space: Space, change: Change) -> bool:
    """Return whether the change has reached its child."""
    child = space.find_child(change.kind, "plain")
    return child is not None and bool(change.seen_in(child) == change.shows)


def is_again(space: Space, kind: str, before: JsonObject) -> bool:
    """Return whether a child is unchanged."""
    return content(space.child(kind, "plain")) == content(before)


def is_gone(space: Space, kind: str) -> bool:
    """Return whether the child is gone."""
    return space.find_child(kind, "plain") is None


def combinable() -> list[Change]:
    """Return the changes that may also be in the defaults, and that no environment has in its own spec."""
    return one_of_each_kind(change for change in SHARED_CHANGES if not change.field.startswith("rasa."))


def content(child: JsonObject) -> JsonObject:
    """Return what the operator decides about a child."""
    labels = at(child, ("metadata", "labels"))
    return {"labels": labels, "data": child.get("data"), "spec": child.get("spec")}


def _local(value: Any, name: str) -> Any:
    """Return the value without the model server's address and the environment's name."""
    if isinstance(value, str) and value.startswith("http://127.0.0.1:"):
        path = "/" + value.split("/", 3)[3]
        return path.replace(f"/tags/{name}", "/tags/support")
    return value.removeprefix(f"{name}.") if isinstance(value, str) else value
