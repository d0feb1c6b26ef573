"""What is known of an environment once it is decided what its children are made from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.domain.facts import ActionServerFacts, TaggedModel
from rasa_environments.judge.conversations import Conversations
from rasa_environments.judge.environment_facts import EnvironmentFacts, with_plan
from tests.desired.contexts import context

FACTS = EnvironmentFacts(
    environment="support",
    tag="live",
    child=ObjectKey("bots", "support-rasa"),
    server=ObjectKey("bots", "default"),
    wanted=TaggedModel("model-1", "hash-1"),
    ingress_hosts=frozenset({"old.example.com"}),
)
SPEC: JsonObject = {"rasa": {"version": "3.6.21"}, "channels": [{"name": "rest"}]}


def test_the_plan_says_where_the_rasa_server_is_and_who_reaches_it() -> None:
    facts = with_plan(FACTS, context({**SPEC, "ingress": {"hosts": [{"host": "support.example.com"}]}}))

    assert facts.url == "http://support-rasa.bots.svc:5005"
    assert facts.channels == ("rest",)
    assert facts.ingress_hosts == frozenset({"support.example.com"})
    assert facts.conversations == Conversations(servers=1, stored=False, locked=False)
    assert facts.selector is not None
    assert "app.kubernetes.io/name=rasa" in facts.selector.split(",")


@pytest.mark.parametrize("required", [True, False])
def test_the_plan_says_whether_pods_become_ready_without_a_model(required: bool) -> None:
    assert with_plan(FACTS, context({**SPEC, "model": {"required": required}})).model_required is required


def test_the_plan_says_whether_there_is_an_action_server_and_with_which_image() -> None:
    facts = with_plan(FACTS, context({**SPEC, "actionServer": {"image": "actions:1"}}))

    assert facts.action_server == ActionServerFacts(ObjectKey("bots", "support-actions"), "actions:1")
    assert with_plan(FACTS, context(SPEC)).action_server is None


def test_the_plan_changes_nothing_else() -> None:
    planned = with_plan(FACTS, context(SPEC))

    unplanned = {
        name: getattr(FACTS, name)
        for name in (
            "url",
            "token_rotated_at",
            "ingress_hosts",
            "model_required",
            "conversations",
            "channels",
            "selector",
            "planned",
        )
    }
    assert replace(planned, **unplanned) == FACTS
