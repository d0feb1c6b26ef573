"""Every failure leaves one line in the log, which names the object and the reconciliation."""

from __future__ import annotations

import re

from rasa_environments.api.conditions import Reason
from tests.integration.manifests import model_tag
from tests.integration.model_server_front import Front
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import Space

TAG = "ModelTag"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def lines_of(operator: OperatorProcess, space: Space, name: str, words: str) -> list[str]:
    """Return the lines about the ModelTag with this text, each with its time and the ID of its reconciliation."""
    about = rf" kind=ModelTag namespace={space.namespace} name={name} reconcileID={UUID} "
    lines = [line for line in operator.logged().splitlines() if re.search(about, line)]
    assert all(re.match(UTC, line) for line in lines)
    return [line for line in lines if words in line]


def the_line_of(operator: OperatorProcess, space: Space, name: str, words: str) -> str:
    """Return the only line about the ModelTag with this text."""
    lines = lines_of(operator, space, name, words)
    assert len(lines) == 1, "\n".join(lines)
    return lines[0]


def test_a_promotion_to_a_missing_model_leaves_one_line(
    tag_space: Space, front: Front, operator: OperatorProcess
) -> None:
    tag_space.apply(model_tag(model="later"))

    tag_space.wait_for_condition(TAG, "production", "Ready", status="False", reason=Reason.MODEL_NOT_FOUND)
    puts = front.count("PUT", "/api/projects/default/models/later/tags/production")
    tag_space.eventually(
        lambda: front.count("PUT", "/api/projects/default/models/later/tags/production") >= puts + 2,
        "the operator to try again twice",
    )

    line = the_line_of(operator, tag_space, "production", " WARNING ")
    assert "ModelNotFound: the model server at " in line
    assert "conditions=" in line
    assert line.endswith("reason=ModelNotFound")


def test_a_conflict_about_a_tag_leaves_one_line(tag_space: Space, front: Front, operator: OperatorProcess) -> None:
    tag_space.apply(model_tag("first", tag="live", model=MODEL_A))
    tag_space.wait_for_condition(TAG, "first", "Tagged", status="True")

    tag_space.apply(model_tag("second", tag="live", model=MODEL_B))

    tag_space.wait_for_condition(TAG, "second", "Ready", status="False", reason=Reason.TAG_CONFLICT)
    operator.wait_for_passes("ModelTag", 4)
    line = the_line_of(operator, tag_space, "second", " WARNING ")
    assert f"TagConflict: tag live belongs to the older ModelTag {tag_space.namespace}/first" in line


def test_a_promotion_and_a_tag_that_was_restored_leave_a_line_each(
    tag_space: Space, front: Front, operator: OperatorProcess
) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    tag_space.wait_for_condition(TAG, "production", "Tagged", status="True")
    front.behind.put_tag(MODEL_B, "production")
    tag_space.eventually(lambda: front.behind.tags() == {"production": MODEL_A}, "the tag to be put back")

    def results() -> list[str]:
        moved = lines_of(operator, tag_space, "production", "is on model")
        return [found[1] for line in moved if (found := re.search(r" result=(\w+) ", line)) is not None]

    tag_space.eventually(lambda: results() == ["promoted", "put_back"], "both to be logged")
