"""Which Events report a change: one for each transition that matters to users, and none if nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import API_VERSION, ModelReference, ObjectKey, SecretKeyRef, SecretValue
from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from rasa_environments.api.kinds import AnyResource
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.desired_model import DesiredModel, Origin
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.judge.conditions import condition, transitioned
from rasa_environments.judge.events import (
    LONGEST_NAME,
    LONGEST_NOTE,
    Action,
    Event,
    EventReason,
    ObjectReference,
    drift_reverted,
    event_name,
    events_of,
    owner_reference,
    reference_to,
    shortened,
    tag_reverted,
)
from rasa_environments.judge.model_tag import ModelTagFacts, judge
from tests.cluster.objects import config_map, environment_child
from tests.reconcile.objects import environment, server, tag

BEFORE, NOW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
SERVER = ObjectKey("bots", "default")
FIRST, SECOND, THIRD = (TaggedModel(f"model-{number}", f"hash-{number}") for number in (1, 2, 3))
FIRST_MODEL, SECOND_MODEL = (ModelReference(name="model", hash=each) for each in ("hash-1", "hash-2"))
AUTH_TOKEN = SecretValue(secret_key_ref=SecretKeyRef(name="support-rasa", key="token"))
PROBLEM = Reason.MODEL_SERVER_UNREACHABLE
OBJECTS: dict[str, AnyResource] = {
    "ModelServer": server(),
    "DeploymentEnvironment": environment("support"),
    "ModelTag": tag("live"),
}
TRUTHS: st.SearchStrategy[ConditionStatus] = st.sampled_from(["True", "False", "Unknown"])
CONDITIONS = st.dictionaries(st.sampled_from(list(ConditionType)), TRUTHS)


def stamped(truths: Mapping[ConditionType, ConditionStatus], before: AnyResource | None, time: str) -> list[Condition]:
    """Conditions as they are written at a time, after those of `before`."""
    judgements = [condition(kind, truth, PROBLEM, f"{kind} is {truth}") for kind, truth in truths.items()]
    earlier = before.status.conditions if before is not None else None
    return list(transitioned(earlier, judgements, generation=1, time=time))


def seen(obj: AnyResource, truths: Mapping[ConditionType, ConditionStatus], **status: object) -> AnyResource:
    """The object as it was seen long ago."""
    return obj.model_copy(
        update={"status": obj.status.model_copy(update={"conditions": stamped(truths, None, BEFORE), **status})}
    )


def then(obj: AnyResource, truths: Mapping[ConditionType, ConditionStatus], **status: object) -> AnyResource:
    """The object after its status was written now."""
    return obj.model_copy(
        update={"status": obj.status.model_copy(update={"conditions": stamped(truths, obj, NOW), **status})}
    )


def happened(before: AnyResource, after: AnyResource) -> list[Event]:
    """The Events of a write of the status."""
    return list(events_of(before, after, time=NOW, server=SERVER))


def told(before: AnyResource, after: AnyResource) -> list[tuple[str, str]]:
    """Their types and reasons."""
    return [(event.type, event.reason) for event in happened(before, after)]


def promoted(*models: TaggedModel, by: str | None = None, limit: int = 10) -> list[ModelTag]:
    """The ModelTag after each of the promotions."""
    current, states = tag("live", historyLimit=limit), []
    if by is not None:
        annotated = current.metadata.model_copy(update={"annotations": {"rasa-environments.io/promoted-by": by}})
        current = current.model_copy(update={"metadata": annotated})
    for number, model in enumerate(models):
        desired, decision = ModelReference(name=model.name, hash=model.hash), DesiredModel(model.name, Origin.SPEC)
        facts = ModelTagFacts(tag="live", desired=desired, decision=decision, tagged=model)
        status, _ = judge(facts, current, f"2026-01-01T{number:02}:00:00Z")
        current = current.model_copy(update={"status": status})
        states.append(current)
    return states


@pytest.mark.parametrize("kind", OBJECTS)
@given(truths=CONDITIONS)
def test_where_nothing_moved_there_is_no_event(kind: str, truths: dict[ConditionType, ConditionStatus]) -> None:
    before = seen(OBJECTS[kind], truths)

    assert happened(before, then(before, truths)) == []


@pytest.mark.parametrize("kind", OBJECTS)
@given(earlier=CONDITIONS, later=CONDITIONS)
def test_the_same_transition_has_the_same_name_whoever_tells_it(
    kind: str, earlier: dict[ConditionType, ConditionStatus], later: dict[ConditionType, ConditionStatus]
) -> None:
    before = seen(OBJECTS[kind], earlier)
    after = then(before, later)
    regarding = reference_to(after)

    names = [event_name(regarding, event) for event in happened(before, after)]

    assert names == [event_name(regarding, event) for event in happened(before, after)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", OBJECTS)
@given(earlier=CONDITIONS, later=CONDITIONS)
def test_an_event_tells_only_of_what_turned_just_now(
    kind: str, earlier: dict[ConditionType, ConditionStatus], later: dict[ConditionType, ConditionStatus]
) -> None:
    before = seen(OBJECTS[kind], earlier)

    assert {event.moment for event in happened(before, then(before, later))} <= {NOW}


@given(name=st.text("abc-.", min_size=1, max_size=253).map(lambda text: f"a{text}"[:253]), moment=st.text())
def test_a_name_is_one_that_the_api_server_takes(name: str, moment: str) -> None:
    regarding = ObjectReference(API_VERSION, "ModelTag", "bots", name, "uid")

    found = event_name(regarding, Event("Normal", EventReason.PROMOTED, Action.PUT_TAG, "", moment))

    prefix, _, digest = found.rpartition(".")
    assert len(found) <= LONGEST_NAME
    assert name.startswith(prefix)
    assert prefix[-1] not in "-."
    assert len(digest) == 16


@given(st.text(), st.text())
def test_objects_and_moments_are_told_apart_by_the_name(first: str, second: str) -> None:
    event = Event("Normal", EventReason.PROMOTED, Action.PUT_TAG, "", "")

    def name(uid: str) -> str:
        return event_name(ObjectReference(API_VERSION, "ModelTag", "bots", "live", uid), event)

    assert (name(first) == name(second)) is (first == second)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=2000))
def test_a_note_is_cut_between_two_characters(note: str) -> None:
    cut = shortened(note)

    assert len(cut.encode()) <= LONGEST_NOTE
    assert cut == note or (cut.endswith("…") and note.startswith(cut[:-1]))
    assert cut == note or len(cut.encode()) > LONGEST_NOTE - 4


def test_a_first_model_is_promoted() -> None:
    (event,) = happened(tag("live"), promoted(FIRST)[0])

    assert (event.type, event.reason, event.action) == ("Normal", "Promoted", "PutTag")
    assert event.note == "tag live is on model model-1"
    assert event.related == ObjectReference(API_VERSION, "ModelServer", "bots", "default")


def test_a_promotion_tells_where_the_tag_was_and_who_moved_it() -> None:
    before, after = promoted(FIRST, SECOND, by="pam")

    (event,) = happened(before, after)

    assert event.note == "tag live is on model model-2, before on model-1, promoted by pam"


@pytest.mark.parametrize("limit", [0, 10])
def test_back_to_the_model_before_is_a_roll_back(limit: int) -> None:
    _, before, after = promoted(FIRST, SECOND, FIRST, limit=limit)

    (event,) = happened(before, after)

    assert (event.type, event.reason) == ("Warning", "RolledBack")
    assert event.note == "tag live went back from model model-2 to model-1, which carried it before"


def test_a_third_model_is_no_roll_back() -> None:
    _, before, after = promoted(FIRST, SECOND, THIRD)

    assert told(before, after) == [("Normal", "Promoted")]


def test_content_that_was_replaced_under_the_same_name_is_reported() -> None:
    before, after = promoted(FIRST, TaggedModel("model-1", "trained-anew"))

    (event,) = happened(before, after)

    assert event.reason == "Promoted"
    assert event.note == "tag live is on model model-1, whose content was replaced on the model server"


def test_two_promotions_within_a_second_are_two_events() -> None:
    first, second = promoted(FIRST, SECOND)
    at_once = second.model_copy(
        update={
            "status": second.status.model_copy(
                update={
                    "history": [entry.model_copy(update={"tagged_time": NOW}) for entry in second.status.history or ()]
                }
            )
        }
    )

    events = [*happened(tag("live"), first), *happened(first, at_once)]

    assert len({event_name(reference_to(first), event) for event in events}) == 2


@pytest.mark.parametrize(("carrier", "words"), [("model-9", "was moved to model model-9"), (None, "was taken away")])
def test_a_tag_that_was_restored_says_where_it_had_gone(carrier: str | None, words: str) -> None:
    event = tag_reverted(tag("live"), "model-1", carrier, time=NOW, server=SERVER)

    assert (event.type, event.reason) == ("Warning", "TagReverted")
    assert event.note == f"tag live {words} on the model server; it is back on model model-1"


def test_a_tag_that_was_restored_twice_within_a_second_is_reported_twice() -> None:
    moved, taken = (tag_reverted(tag("live"), "model-1", was, time=NOW, server=SERVER) for was in ("model-9", None))

    assert event_name(reference_to(tag("live")), moved) != event_name(reference_to(tag("live")), taken)


@pytest.mark.parametrize(
    ("truth", "expected"),
    [("True", ("Normal", "ModelServed")), ("False", ("Warning", "ModelNotServed")), ("Unknown", None)],
)
@given(earlier=CONDITIONS)
def test_an_environment_tells_when_it_begins_and_ceases_to_serve_its_model(
    truth: ConditionStatus, expected: tuple[str, str] | None, earlier: dict[ConditionType, ConditionStatus]
) -> None:
    before = seen(environment("support"), earlier)
    turned = earlier.get(ConditionType.MODEL_SERVED) != truth

    events = told(before, then(before, {ConditionType.MODEL_SERVED: truth}))

    assert events == ([expected] if turned and expected is not None else [])


def test_another_model_that_is_served_at_once_is_reported() -> None:
    served: dict[ConditionType, ConditionStatus] = {ConditionType.MODEL_SERVED: "True"}
    before = seen(environment("support"), served, desired_model=FIRST_MODEL)

    assert told(before, then(before, served, desired_model=SECOND_MODEL)) == [("Normal", "ModelServed")]
    assert told(before, then(before, served, desired_model=FIRST_MODEL)) == []


def test_a_model_that_nobody_has_looked_for_is_not_told_to_be_served() -> None:
    served: dict[ConditionType, ConditionStatus] = {ConditionType.MODEL_SERVED: "True"}
    before = environment("support")
    seen_now = then(before, served)
    condition_now = next(iter(seen_now.status.conditions or ()))
    unchecked = replace(condition_now, reason=Reason.SERVED_UNCHECKED)
    accepted = before.model_copy(update={"status": before.status.model_copy(update={"conditions": [unchecked]})})

    assert told(before, accepted) == []
    assert told(accepted, seen_now) == [("Normal", "ModelServed")]


def test_a_rotated_token_is_reported_and_named_only_by_its_secret() -> None:
    before = seen(environment("support"), {}, auth_token=AUTH_TOKEN, last_handled_rotate_token_at="monday")

    (event,) = happened(before, then(before, {}, last_handled_rotate_token_at="tuesday"))

    assert (event.type, event.reason) == ("Normal", "TokenRotated")
    assert event.note == "a new token is in Secret support-rasa, as the annotation asked for with tuesday"
    assert event.related == ObjectReference("v1", "Secret", "bots", "support-rasa")


def test_the_first_token_is_no_rotation() -> None:
    before = environment("support")

    assert told(before, then(before, {}, auth_token=AUTH_TOKEN, last_handled_rotate_token_at="tuesday")) == []


def test_an_environment_is_registered_once() -> None:
    before = seen(environment("support"), {ConditionType.REGISTERED: "Unknown"})
    after = then(before, {ConditionType.REGISTERED: "True"})

    assert told(before, after) == [("Normal", "Registered")]
    assert told(after, then(after, {ConditionType.REGISTERED: "True"})) == []


READY, STALLED = ConditionType.READY, ConditionType.STALLED
LOST, BACK = ("Warning", "Unreachable"), ("Normal", "Recovered")


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        ({}, {READY: "True"}, []),
        ({}, {READY: "False"}, [LOST]),
        ({READY: "True"}, {READY: "False"}, [LOST]),
        ({READY: "False"}, {READY: "True"}, [BACK]),
        ({READY: "True"}, {READY: "False", STALLED: "True"}, [("Warning", PROBLEM)]),
        ({READY: "False", STALLED: "True"}, {READY: "True", STALLED: "False"}, [BACK]),
    ],
)
def test_a_model_server_tells_when_it_is_lost_and_when_it_is_back(
    before: dict[ConditionType, ConditionStatus],
    after: dict[ConditionType, ConditionStatus],
    events: list[tuple[str, str]],
) -> None:
    earlier = seen(server(), before)

    assert told(earlier, then(earlier, after)) == events


@pytest.mark.parametrize("kind", OBJECTS)
def test_whatever_stalls_tells_its_reason_and_what_to_do(kind: str) -> None:
    before = seen(OBJECTS[kind], {STALLED: "False"})
    after = then(before, {STALLED: "True"})

    (event,) = happened(before, after)

    assert (event.type, event.reason, event.action) == ("Warning", PROBLEM, "Reconcile")
    assert event.note == "Stalled is True"


def test_another_reason_to_stall_is_reported_too() -> None:
    before = seen(server(), {STALLED: "True"})
    stalled = next(iter(before.status.conditions or ()))
    other = replace(stalled, reason=Reason.NAME_CONFLICT)
    after = before.model_copy(update={"status": before.status.model_copy(update={"conditions": [other]})})

    assert told(before, after) == [("Warning", Reason.NAME_CONFLICT)]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("data.a", "was changed by another at data.a; it is restored"),
        (None, "was deleted by another; it is created again"),
    ],
)
def test_a_restored_child_is_reported_at_its_owner_without_a_value(path: str | None, words: str) -> None:
    child = environment_child(config_map("support-rasa", {"a": "secret"}))

    event = drift_reverted(child, path, time=NOW)

    assert (event.type, event.reason) == ("Warning", "DriftReverted")
    assert event.note == f"ConfigMap support-rasa {words}"
    assert event.related == ObjectReference("v1", "ConfigMap", "bots", "support-rasa")
    assert owner_reference(child) == ObjectReference(API_VERSION, "DeploymentEnvironment", "bots", "support", "uid-1")


def test_a_model_server_has_no_related_server() -> None:
    assert isinstance(OBJECTS["ModelServer"], ModelServer)
    assert events_of(server(), server(), time=NOW, server=None) == ()
