"""How server-side apply takes ownership of fields written by POST."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.ownership import fields_to_leave, migration

NAMES = st.text("abc", min_size=1, max_size=2).map(lambda name: f"f:{name}")
FIELDS: st.SearchStrategy[JsonObject] = st.recursive(
    st.builds(dict), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


def entry(
    operation: str, fields: JsonObject, *, manager: str = "rasa-environments", subresource: str = ""
) -> JsonObject:
    """An entry of managedFields."""
    of_subresource = {"subresource": subresource} if subresource else {}
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **of_subresource}


def live(*entries: JsonObject) -> JsonObject:
    """An object with these managedFields."""
    return {"metadata": {"resourceVersion": "7", "managedFields": list(entries)}}


def entries_after(patch: list[JsonObject] | None) -> list[JsonObject]:
    """Return what the patch writes."""
    assert patch is not None
    assert patch[0]["path"] == "/metadata/managedFields"
    entries: list[JsonObject] = patch[0]["value"]
    return entries


def test_what_was_posted_becomes_what_was_applied() -> None:
    patch = migration(live(entry("Update", {"f:data": {"f:a": {}}})))
    assert entries_after(patch) == [entry("Apply", {"f:data": {"f:a": {}}})]


def test_the_patch_is_refused_if_the_object_has_changed_since() -> None:
    patch = migration(live(entry("Update", {"f:data": {}})))
    assert patch is not None
    assert patch[1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_what_was_written_beside_an_apply_is_added_to_it() -> None:
    applied, written = entry("Apply", {"f:data": {"f:a": {}}}), entry("Update", {"f:data": {"f:b": {}}, "f:type": {}})
    patch = migration(live(written, applied))
    assert entries_after(patch) == [entry("Apply", {"f:data": {"f:a": {}, "f:b": {}}, "f:type": {}})]


def test_an_object_that_was_always_applied_needs_no_patch() -> None:
    assert migration(live(entry("Apply", {"f:data": {}}))) is None


def test_others_and_the_status_keep_what_they_own() -> None:
    other = entry("Update", {"f:data": {"f:x": {}}}, manager="kubectl-edit")
    status = entry("Update", {"f:status": {}}, subresource="status")
    patch = migration(live(entry("Update", {"f:data": {}}), other, status))
    assert entries_after(patch)[1:] == [other, status]


def test_replicas_are_given_up_and_not_reset_when_an_autoscaler_takes_over() -> None:
    leave = fields_to_leave({"kind": "Deployment", "spec": {}})
    patch = migration(live(entry("Apply", {"f:spec": {"f:replicas": {}, "f:template": {}}})), leave)
    assert entries_after(patch) == [entry("Apply", {"f:spec": {"f:template": {}}})]


def test_replicas_that_are_asked_for_stay_ours() -> None:
    assert fields_to_leave({"kind": "Deployment", "spec": {"replicas": 0}}) == ()


@given(FIELDS, FIELDS, FIELDS)
def test_no_field_is_lost_and_the_object_read_is_not_changed(
    first: JsonObject, second: JsonObject, other: JsonObject
) -> None:
    obj = live(entry("Update", first), entry("Update", other, manager="someone"), entry("Apply", second))
    before = copy.deepcopy(obj)
    after = entries_after(migration(obj))
    ours = [item for item in after if item["manager"] == "rasa-environments"]
    assert obj == before
    assert [item["operation"] for item in ours] == ["Apply"]
    assert paths(ours[0]["fieldsV1"]) == paths(first) | paths(second)


def paths(fields: JsonObject, prefix: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Yield all fields of a set, including nested ones."""
    found = {(*prefix, name) for name in fields}
    for name, inner in fields.items():
        found |= paths(inner, (*prefix, name))
    return found
