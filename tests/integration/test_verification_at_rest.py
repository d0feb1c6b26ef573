"""Tags whose models were verified: once the verdicts are known, nothing is requested any more."""

from __future__ import annotations

import pytest
import yaml

from rasa_environments.api.base import JsonObject
from tests.integration.audit import AuditLog
from tests.integration.conftest import furnish
from tests.integration.greeting_bot import GREETING, greeting_bot
from tests.integration.manifests import config_map, environment, model_server, model_tag
from tests.integration.model_server_process import MODEL_A, MODEL_B, ModelServerProcess
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import Space
from tests.integration.test_model_tags import TAG

PASSED, REJECTED = ("first", "second", "third"), "fourth"


def conversations(answer: str) -> str:
    """A file with one test case."""
    case = {"test_case": "greeting", "steps": [{"user": "hello"}, {"bot": answer}]}
    return yaml.safe_dump({"test_cases": [case]})


def verified(key: str) -> JsonObject:
    """A verification by one of the two files."""
    return {"candidate": {"conversations": [{"configMapKeyRef": {"name": "conversations", "key": key}}]}}


@pytest.mark.timeout(300)
def test_at_rest_tags_with_a_verification_cost_no_request(
    empty_space: Space, audit: AuditLog, operator: OperatorProcess, own_model_server: ModelServerProcess
) -> None:
    space = empty_space
    furnish(space, own_model_server)
    files = {"right.yaml": conversations(GREETING), "wrong.yaml": conversations("Goodbye.")}
    space.apply(config_map("conversations", **files))
    with greeting_bot() as bot:
        space.apply(model_server(own_model_server.url, defaults={"rasa": {"port": bot.port}}))
        for name in (*PASSED, REJECTED):
            space.apply(model_tag(name, model=MODEL_A), environment(name))
        space.wait_until_ready(*PASSED, REJECTED)
        for name in (*PASSED, REJECTED):
            file = "wrong.yaml" if name == REJECTED else "right.yaml"
            space.patch(TAG, name, {"spec": {"model": MODEL_B, "verification": verified(file)}})
        for name in PASSED:
            space.wait_for_condition(TAG, name, "Ready", status="True")
        space.wait_for_condition(TAG, REJECTED, "Tagged", reason="ModelRejected")
        space.eventually(lambda: not candidates(space), "the candidates to be gone")
        assert len(bot.heard) == len((*PASSED, REJECTED))
        operator.wait_for_passes("ModelTag", 2 * len(bot.heard))
        start = audit.mark()

        operator.wait_for_passes("ModelServer", 4)
        operator.wait_for_passes("ModelTag", 2 * len(bot.heard))  # each was reconciled at least once

        assert [str(entry) for entry in audit.requests(start) if entry.namespace == space.namespace] == []
        assert len(bot.heard) == len((*PASSED, REJECTED))


def candidates(space: Space) -> list[str]:
    """Return the candidates' Deployments."""
    names = [str(item["metadata"]["name"]) for item in space.list("Deployment")]
    return [name for name in names if name.endswith("-candidate")]
