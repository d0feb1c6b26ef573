"""What the peer is compared by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.shape import (
    KINDS,
    NAME,
    NAMESPACE,
    PeerDiffersError,
    comparable,
    differences,
    rendered_children,
    require_same,
    status_template,
    template,
)


def test_the_template_has_the_five_children_that_are_rendered(tmp_path: Path) -> None:
    children = rendered_children("http://models:5002", tmp_path)

    assert sorted(children) == sorted(KINDS)
    assert {child["metadata"]["name"] for child in children.values()} == {f"{NAME}-rasa"}
    assert {child["metadata"]["namespace"] for child in children.values()} == {NAMESPACE}


def test_the_template_has_the_real_token_of_the_model_server_and_leaves_the_made_up_values_open(tmp_path: Path) -> None:
    children = rendered_children("http://models:5002", tmp_path)

    made = template(children, "service-token", {})

    values = {"token": "", "salt": "", "model-server-token": "service-token"}
    assert made["children"]["Secret"]["stringData"] == values
    assert children["Secret"]["stringData"] != values, "what was rendered stays as it is"


def test_one_placeholder_is_no_part_of_the_other() -> None:
    assert NAME not in NAMESPACE
    assert NAMESPACE not in NAME


def test_a_status_gets_placeholders_and_loses_its_times() -> None:
    status = {
        "url": "http://production-rasa.bots.svc:5005",
        "conditions": [{"type": "Ready", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    }

    assert status_template(status, "production", "bots") == {
        "url": f"http://{NAME}-rasa.{NAMESPACE}.svc:5005",
        "conditions": [{"type": "Ready"}],
    }


def stored(**metadata: Any) -> dict[str, Any]:
    """A ConfigMap as the API server has it."""
    return {"kind": "ConfigMap", "metadata": {"name": "production-rasa", **metadata}, "data": {"endpoints.yml": "{}"}}


def test_two_creations_of_one_object_are_the_same() -> None:
    one = stored(uid="1", resourceVersion="7", ownerReferences=[{"name": "production", "uid": "2"}])
    other = stored(uid="3", resourceVersion="9", ownerReferences=[{"name": "production", "uid": "4"}])

    require_same({"ConfigMap": comparable(one)}, {"ConfigMap": comparable(other)})


def test_a_peer_that_writes_something_else_is_reported_where() -> None:
    other = stored(labels={"team": "bots"})
    other["data"] = {"endpoints.yml": "models: {}"}

    with pytest.raises(PeerDiffersError) as told:
        require_same({"ConfigMap": comparable(stored())}, {"ConfigMap": comparable(other)})

    assert 'ConfigMap.data.endpoints.yml: "{}" here, "models: {}" there' in str(told.value)
    assert "ConfigMap.metadata.labels" in str(told.value)


def test_a_child_that_is_missing_is_a_difference() -> None:
    with pytest.raises(PeerDiffersError, match="Service"):
        require_same({"Service": {"kind": "Service"}}, {})


def test_entries_of_lists_are_compared_one_by_one() -> None:
    assert differences({"args": ["run", "--cors"]}, {"args": ["run", "--debug"]}) == [
        'args[1]: "--cors" here, "--debug" there'
    ]
    assert differences([1], [1, 2]) == [": [1] here, [1, 2] there"]
