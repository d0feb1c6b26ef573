"""`status NAME`: one environment in depth."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.cli.detail import MAXIMUM_EVENTS, MAXIMUM_PODS, MAXIMUM_TEXT, Detail, detail, pod_of
from rasa_environments.cli.detail_tables import as_document, drawn

from .test_overview import BEHIND, NOW, TAG, server


def pod(name: str, *, ready: bool = True, **fields: object) -> JsonObject:
    """A pod as the API server returns it."""
    condition = {"type": "Ready", "status": str(ready)}
    return {
        "metadata": {"name": name, "creationTimestamp": "2026-01-02T11:58:00Z"},
        "status": {"phase": "Running", "conditions": [condition], **fields},
    }


def event(minute: int, note: str = "it serves B") -> JsonObject:
    """An Event as the API server returns it."""
    time = f"2026-01-02T11:{minute:02}:00.000000Z"
    return {"metadata": {"name": "e"}, "eventTime": time, "type": "Warning", "reason": f"Event{minute}", "note": note}


def seen(
    pods: tuple[JsonObject, ...] = (),
    events: tuple[JsonObject, ...] = (),
    *,
    unread: tuple[str, ...] = (),
    environment: DeploymentEnvironment = BEHIND,
) -> Detail:
    """An environment in depth: by default `staging`, which serves A and B where B is wanted."""
    ready = {"observedGeneration": 1}
    return detail(environment, TAG, server(ready), pods=pods, events=events, unread=unread)


def text(shown: Detail, width: int = 200) -> str:
    """Return the output in a terminal of that width."""
    target = StringIO()
    Console(file=target, width=width, markup=False).print(drawn(shown, NOW), crop=False)
    return target.getvalue()


def test_conditions_models_pods_tag_server_and_events_are_shown() -> None:
    shown = text(seen((pod("staging-rasa-1"),), (event(50),)))

    blocks = shown.split("\n\n")
    assert [block.split("   ")[0] for block in blocks[:-1]] == [
        "ENVIRONMENT",
        "CONDITION",
        "SERVED MODEL",
        "POD",
        "MODEL TAG",
        "MODEL SERVER",
        "EVENT",
    ]
    assert "  staging: AnotherModelServed: pod x serves A, B is wanted" in shown.splitlines()


def test_the_troubled_pods_come_first_and_the_rest_is_counted() -> None:
    pods = (*(pod(f"a-{number:02}") for number in range(MAXIMUM_PODS)), pod("z", ready=False))

    shown = seen(pods)

    assert (shown.pods[0].name, len(shown.pods), shown.further_pods) == ("z", MAXIMUM_PODS, 1)
    assert "and 1 more" in text(shown)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "Running"),
        (
            {"containerStatuses": [{"name": "rasa", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            "rasa: ImagePullBackOff",
        ),
        (
            {"containerStatuses": [{"name": "rasa", "state": {"terminated": {"reason": "OOMKilled"}}}]},
            "rasa: OOMKilled",
        ),
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}
                ]
            },
            "Unschedulable: no node",
        ),
        ({"conditions": None, "containerStatuses": None, "phase": None}, "Unknown"),
    ],
)
def test_a_pod_says_what_it_waits_for(fields: JsonObject, state: str) -> None:
    assert pod_of(pod("a", **fields), {}).state == state


def test_the_latest_events_come_first_and_no_more_than_a_person_reads() -> None:
    shown = seen(events=tuple(event(minute) for minute in range(40)))

    assert [each.reason for each in shown.events] == [f"Event{39 - number}" for number in range(MAXIMUM_EVENTS)]


def test_a_repeated_event_counts_by_its_last_time() -> None:
    repeated = {**event(1), "series": {"count": 3, "lastObservedTime": "2026-01-02T11:59:00.000000Z"}}

    assert seen(events=(event(50), repeated)).events[0].reason == "Event1"


def test_what_others_wrote_is_bounded_and_steers_no_terminal() -> None:
    shown = seen((pod("x", phase="\x1b[2J"),), (event(1, "\x1b]0;title\x07" + "a" * 100_000),))

    assert len(shown.events[0].note) == MAXIMUM_TEXT
    assert all(line.isprintable() for line in text(shown, 80).splitlines())


def test_what_may_not_be_read_is_named() -> None:
    assert "  not shown: pods: pods is forbidden" in text(seen(unread=("pods: pods is forbidden",)))


def test_programs_get_the_same_as_plain_data() -> None:
    document = json.loads(json.dumps(as_document(seen((pod("a"),), (event(1),)))))

    assert document["environment"]["name"] == "staging"
    assert document["conditions"][0]["lastTransitionTime"]
    assert (document["pods"][0]["ready"], document["furtherPods"], document["events"][0]["reason"]) == (
        True,
        0,
        "Event1",
    )
