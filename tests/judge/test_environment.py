"""The verdicts on an environment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import ModelReference, ObjectKey, SecretKeyRef, SecretValue
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus, ServedModel
from rasa_environments.domain.facts import DeploymentFacts, PodFacts, ProbeResult, Problem, TaggedModel
from rasa_environments.judge.conditions import condition, condition_of, transitioned
from rasa_environments.judge.conversations import Conversations
from rasa_environments.judge.environment import judge, suspended
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.transitions import transitions

WANTED = TaggedModel("20260101-120000", "8f14e45f")
OLD = "20250101-120000"
SETTLED = DeploymentFacts(wanted=1, replicas=1, updated=1, available=1, current=True, failure=None)
ROLLING = replace(SETTLED, available=0)
FAILED = replace(ROLLING, failure="progress deadline exceeded")
RIGHT, WRONG = ProbeResult("pod support-0", model=WANTED.name), ProbeResult("pod support-0", model=OLD)
EMPTY, SILENT = ProbeResult("pod support-0"), ProbeResult("pod support-0", problem="connection refused")
ANSWERED = "2026-01-01T12:00:00Z"
LOADING = replace(WRONG, problem="timed out", answered_time=ANSWERED)
BUSY = replace(RIGHT, problem="timed out", answered_time=ANSWERED)
UNLISTED = replace(SILENT, reason=Reason.MODEL_UNKNOWN)
STORED = Conversations(servers=1, stored=True, locked=False)
GOOD = EnvironmentFacts(
    environment="support",
    tag="live",
    child=ObjectKey("bots", "support-rasa"),
    server=ObjectKey("bots", "default"),
    url="http://support-rasa.bots.svc:5005",
    wanted=WANTED,
    deployment=SETTLED,
    served=(RIGHT,),
    selector="app.kubernetes.io/name=rasa",
    conversations=STORED,
)
UNREACHABLE = Problem(Reason.MODEL_SERVER_UNREACHABLE, "the model server does not answer", stalled=False)
UNAUTHORIZED = Problem(Reason.UNAUTHORIZED, "the model server refuses the token")
NOT_FOUND = Problem(Reason.TAG_NOT_FOUND, "the model server does not know the tag")
INVALID = Problem(Reason.INVALID_SPEC, "spec.rasa.version is missing")
NO_SECRET = Problem(Reason.SECRET_NOT_FOUND, "Secret bots/passwords not found", stalled=False)
NOTHING_SERVED = (EMPTY, replace(RIGHT, server="pod support-1"))

TYPES = ("Ready", "Reconciling", "Stalled", "Available", "ModelAvailable", "ModelServed", "ConversationsPersisted")
VERDICTS = [
    ("all is well", GOOD, "True False False True True True", Reason.READY),
    ("pods come", replace(GOOD, deployment=ROLLING), "False True False False True True", Reason.WAITING_FOR_PODS),
    (
        "a rollout failed",
        replace(GOOD, deployment=FAILED),
        "False False True False True True",
        Reason.DEPLOYMENT_FAILED,
    ),
    ("it pulls", replace(GOOD, served=(WRONG,)), "False True False True True False", Reason.ANOTHER_MODEL_SERVED),
    ("it loads", replace(GOOD, served=(LOADING,)), "False True False True True False", Reason.ANOTHER_MODEL_SERVED),
    (
        "it pulls first",
        replace(GOOD, served=NOTHING_SERVED),
        "False True False True True False",
        Reason.NO_MODEL_SERVED,
    ),
    ("nobody says", replace(GOOD, served=(SILENT,)), "Unknown False False True True Unknown", Reason.PODS_UNREACHABLE),
    (
        "one is silent",
        replace(GOOD, served=(RIGHT, SILENT)),
        "Unknown False False True True Unknown",
        Reason.PODS_UNREACHABLE,
    ),
    (
        "one is silent, one is wrong",
        replace(GOOD, served=(SILENT, WRONG)),
        "False True False True True False",
        Reason.ANOTHER_MODEL_SERVED,
    ),
    ("one is busy", replace(GOOD, served=(RIGHT, BUSY)), "True False False True True True", Reason.READY),
    ("unlisted", replace(GOOD, served=(UNLISTED,)), "Unknown False False True True Unknown", Reason.MODEL_UNKNOWN),
    ("no pod", replace(GOOD, served=()), "Unknown False False True True Unknown", Reason.NO_PODS),
    ("not seen", replace(GOOD, deployment=None), "Unknown False False Unknown True True", Reason.PENDING),
    ("no model", replace(GOOD, wanted=None), "False False False True False Unknown", Reason.TAG_NOT_FOUND),
    (
        "no model, no pod",
        replace(GOOD, wanted=None, deployment=ROLLING, served=()),
        "False True False False False Unknown",
        Reason.TAG_NOT_FOUND,
    ),
    (
        "none required",
        replace(GOOD, wanted=None, model_required=False, served=(EMPTY,)),
        "True False False True False Unknown",
        Reason.READY,
    ),
    (
        "never asked",
        replace(GOOD, wanted=None, tag_problem=UNREACHABLE),
        "Unknown False False True Unknown Unknown",
        Reason.MODEL_SERVER_UNREACHABLE,
    ),
    ("asked before", replace(GOOD, tag_problem=UNREACHABLE), "True False False True Unknown True", Reason.READY),
    ("refused", replace(GOOD, tag_problem=UNAUTHORIZED), "True False False True Unknown True", Reason.READY),
    (
        "refused first",
        replace(GOOD, wanted=None, tag_problem=UNAUTHORIZED),
        "Unknown False False True Unknown Unknown",
        Reason.UNAUTHORIZED,
    ),
    (
        "refused, another served",
        replace(GOOD, tag_problem=UNAUTHORIZED, served=(WRONG,)),
        "False True False True Unknown False",
        Reason.ANOTHER_MODEL_SERVED,
    ),
    ("invalid", replace(GOOD, problem=INVALID), "False False True False True True", Reason.INVALID_SPEC),
    ("a Secret lacks", replace(GOOD, problem=NO_SECRET), "False True False False True True", Reason.SECRET_NOT_FOUND),
    (
        "invalid, no model",
        replace(GOOD, problem=INVALID, wanted=None),
        "False False True False False Unknown",
        Reason.INVALID_SPEC,
    ),
    (
        "scaled to zero",
        replace(GOOD, deployment=replace(SETTLED, wanted=0, replicas=0, available=0), served=()),
        "False False False True True False",
        Reason.NO_PODS,
    ),
]


def verdict(facts: EnvironmentFacts, kind: ConditionType = ConditionType.READY) -> Condition:
    """One of the conditions."""
    found = condition_of(judge(facts, EnvironmentStatus())[1], kind)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("facts", "statuses", "reason"), [row[1:] for row in VERDICTS], ids=[row[0] for row in VERDICTS]
)
def test_what_is_found_makes_the_conditions(facts: EnvironmentFacts, statuses: str, reason: Reason) -> None:
    _, conditions = judge(facts, EnvironmentStatus())

    told = [*statuses.split(), "True"]
    assert {entry.type: entry.status for entry in conditions} == dict(zip(TYPES, told, strict=True))
    assert verdict(facts).reason == reason


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("waits", [True, False])
def test_whatever_the_problem_ready_says_it(reason: Reason, waits: bool) -> None:
    facts = replace(GOOD, problem=Problem(reason, "what is wrong", stalled=waits))

    assert (verdict(facts).status, verdict(facts).reason, verdict(facts).message) == (
        "False",
        reason,
        "what is wrong",
    )
    assert verdict(facts, ConditionType.STALLED).status == str(waits)
    assert verdict(facts, ConditionType.RECONCILING).status == str(not waits)


MESSAGES = [
    (GOOD, ConditionType.READY, "serves 20260101-120000"),
    (GOOD, ConditionType.MODEL_AVAILABLE, "model 20260101-120000 carries the tag live"),
    (GOOD, ConditionType.MODEL_SERVED, "1 of 1 ready pods serve 20260101-120000"),
    (GOOD, ConditionType.RECONCILING, "nothing is in progress"),
    (GOOD, ConditionType.STALLED, "no problem needs attention"),
    (
        replace(GOOD, wanted=None),
        ConditionType.READY,
        (
            "no model on ModelServer bots/default carries the tag live: promote one, "
            "for example `kubectl rasa promote MODEL support`"
        ),
    ),
    (
        replace(GOOD, served=(WRONG,)),
        ConditionType.READY,
        (
            "pod support-0 serves 20250101-120000, 20260101-120000 is wanted: "
            "it has not pulled it yet or could not load it (see its log)"
        ),
    ),
    (
        replace(GOOD, served=(EMPTY,)),
        ConditionType.MODEL_SERVED,
        (
            "pod support-0 serves no model, 20260101-120000 is wanted: "
            "it has not pulled it yet or could not load it (see its log)"
        ),
    ),
    (
        replace(GOOD, served=(SILENT,)),
        ConditionType.READY,
        (
            "pod support-0 does not report its model: connection refused; the operator must reach the pods at their "
            "port: let it in where a NetworkPolicy is in force, and see that the addresses of the pods lead to them"
        ),
    ),
    (
        replace(GOOD, served=(LOADING,)),
        ConditionType.READY,
        (
            "pod support-0 served 20250101-120000 at 2026-01-01T12:00:00Z and does not answer now: timed out; "
            "20260101-120000 is wanted: it may be loading it"
        ),
    ),
    (
        replace(GOOD, served=(RIGHT, BUSY)),
        ConditionType.MODEL_SERVED,
        (
            "2 of 2 ready pods serve 20260101-120000; pod support-0 served 20260101-120000 at 2026-01-01T12:00:00Z and "
            "does not answer now: timed out"
        ),
    ),
    (
        replace(GOOD, tag_problem=UNREACHABLE),
        ConditionType.READY,
        "serves 20260101-120000, which was wanted when ModelServer bots/default answered last",
    ),
    (
        replace(GOOD, channels=()),
        ConditionType.READY,
        (
            "serves 20260101-120000; no channel is open, so users cannot reach them: add one to spec.channels, "
            "for example [{name: rest}]"
        ),
    ),
    (GOOD, ConditionType.AVAILABLE, "1 of 1 pods available"),
    (
        replace(GOOD, wanted=None, model_required=False),
        ConditionType.READY,
        "the Rasa server is available; no model is required",
    ),
    (
        replace(GOOD, wanted=None),
        ConditionType.MODEL_SERVED,
        "pods serve 20260101-120000; which model is wanted is not known",
    ),
    (
        replace(GOOD, deployment=ROLLING, pods=(PodFacts("support-0", None, ready=False, waiting="ImagePullBackOff"),)),
        ConditionType.RECONCILING,
        "waiting for Deployment bots/support-rasa: 0 of 1 pods available; pod support-0: ImagePullBackOff",
    ),
    (
        replace(GOOD, deployment=FAILED),
        ConditionType.STALLED,
        "Deployment bots/support-rasa: 0 of 1 pods available; progress deadline exceeded",
    ),
]


@pytest.mark.parametrize(("facts", "kind", "message"), MESSAGES)
def test_the_message_says_what_is_so_and_what_to_do(facts: EnvironmentFacts, kind: ConditionType, message: str) -> None:
    assert verdict(facts, kind).message == message


PROBLEMS = st.none() | st.sampled_from([UNREACHABLE, UNAUTHORIZED, NOT_FOUND, INVALID, NO_SECRET])
DEPLOYMENTS = st.none() | st.sampled_from([SETTLED, ROLLING, FAILED, replace(SETTLED, wanted=0, replicas=0)])
FACTS = st.builds(
    lambda **fields: replace(GOOD, **fields),
    problem=PROBLEMS,
    tag_problem=PROBLEMS,
    wanted=st.sampled_from([WANTED, None]),
    deployment=DEPLOYMENTS,
    served=st.lists(st.sampled_from([RIGHT, WRONG, EMPTY, SILENT, LOADING, BUSY, UNLISTED]), max_size=3).map(tuple),
    model_required=st.booleans(),
)


@given(facts=FACTS)
def test_what_serves_another_model_is_never_ready(facts: EnvironmentFacts) -> None:
    if facts.wanted is not None and verdict(facts, ConditionType.MODEL_SERVED).status == "False":
        assert verdict(facts).status == "False"


@given(facts=FACTS)
def test_not_to_know_what_is_served_is_never_ready(facts: EnvironmentFacts) -> None:
    if facts.wanted is not None and verdict(facts, ConditionType.MODEL_SERVED).status == "Unknown":
        assert verdict(facts).status != "True"


@given(facts=FACTS)
def test_ready_has_the_status_and_the_words_of_a_condition_that_counts(facts: EnvironmentFacts) -> None:
    ready = verdict(facts)
    if ready.status != "True":
        counted = (ConditionType.AVAILABLE, ConditionType.MODEL_AVAILABLE, ConditionType.MODEL_SERVED)
        told = [verdict(facts, kind) for kind in counted]
        assert (ready.status, ready.reason, ready.message) in [
            (each.status, each.reason, each.message) for each in told
        ]


def test_where_pods_are_simulated_a_setting_accepts_that_nobody_says_what_is_served() -> None:
    facts = replace(GOOD, served=(SILENT,), accept_unchecked=True)

    ready, served = verdict(facts), verdict(facts, ConditionType.MODEL_SERVED)

    assert (ready.status, ready.reason) == ("True", "ServedUnchecked")
    assert (served.status, served.reason) == ("True", "ServedUnchecked")
    assert "--accept-unchecked" in ready.message


@pytest.mark.parametrize("result", [WRONG, EMPTY, LOADING, UNLISTED])
def test_the_setting_accepts_no_answer_that_says_otherwise(result: ProbeResult) -> None:
    facts = replace(GOOD, served=(SILENT, result), accept_unchecked=True)

    assert verdict(facts).status != "True" or result is UNLISTED


@given(facts=FACTS)
def test_it_is_never_both_under_way_and_waiting_for_a_person(facts: EnvironmentFacts) -> None:
    under_way, waits = verdict(facts, ConditionType.RECONCILING), verdict(facts, ConditionType.STALLED)

    assert (under_way.status, waits.status) != ("True", "True")
    if verdict(facts).status == "True":
        assert (under_way.status, waits.status) == ("False", "False")


@given(facts=FACTS)
def test_each_condition_explains_itself(facts: EnvironmentFacts) -> None:
    _, conditions = judge(facts, EnvironmentStatus())

    assert [entry.type for entry in conditions] == list(TYPES)
    assert all(entry.message and entry.reason in set(Reason) for entry in conditions)


def test_of_ready_pods_that_nobody_asks_it_is_not_said_that_there_are_none() -> None:
    pod = PodFacts("support-0", "10.0.0.1", ready=True)
    facts = replace(GOOD, problem=INVALID, served=(), pods=(pod,))

    served = verdict(facts, ConditionType.MODEL_SERVED)

    assert (served.status, served.reason) == ("Unknown", "Pending")
    assert "not asked" in served.message


def test_where_conversations_are_kept_does_not_count_for_ready() -> None:
    facts = replace(GOOD, conversations=Conversations(servers=1, stored=False, locked=False))

    assert verdict(facts, ConditionType.CONVERSATIONS_PERSISTED).status == "False"
    assert verdict(facts).status == "True"


def test_where_conversations_are_kept_stays_as_told_while_nobody_finds_out() -> None:
    kind, facts = ConditionType.CONVERSATIONS_PERSISTED, replace(GOOD, conversations=None, problem=INVALID)
    before = EnvironmentStatus(conditions=[condition(kind, "True", Reason.PERSISTED, "kept")])

    _, after = judge(facts, before)

    assert condition_of(after, kind) == condition(kind, "True", Reason.PERSISTED, "kept")
    assert verdict(facts, kind).status == "Unknown"


def served_model(name: str, replicas: int) -> ServedModel:
    """An entry of the status."""
    return ServedModel(name=name, replicas=replicas)


SERVED = [
    ((RIGHT, RIGHT), [served_model(WANTED.name, 2)], 2),
    ((RIGHT, WRONG), [served_model(OLD, 1), served_model(WANTED.name, 1)], 1),
    ((WRONG, RIGHT, RIGHT), [served_model(WANTED.name, 2), served_model(OLD, 1)], 2),
    ((RIGHT, SILENT), [served_model(WANTED.name, 1)], 1),
    ((RIGHT, EMPTY), [served_model(WANTED.name, 1)], 1),
    ((LOADING, BUSY), [served_model(OLD, 1), served_model(WANTED.name, 1)], 1),
    ((EMPTY,), None, 0),
    ((SILENT,), None, None),
    ((), None, None),
]


@pytest.mark.parametrize(("served", "models", "serving"), SERVED)
def test_the_status_counts_who_serves_what(
    served: tuple[ProbeResult, ...], models: list[ServedModel] | None, serving: int | None
) -> None:
    status, _ = judge(replace(GOOD, served=served), EnvironmentStatus())

    assert status.desired_model == ModelReference(name=WANTED.name, hash=WANTED.hash)
    assert (status.served_models, status.serving_replicas, status.ready_replicas) == (models, serving, 1)


def test_without_a_wanted_and_a_served_model_there_is_no_model_in_the_status() -> None:
    status, _ = judge(replace(GOOD, wanted=None, served=(SILENT,)), EnvironmentStatus())

    assert (status.desired_model, status.served_models, status.serving_replicas) == (None, None, None)


def test_what_this_pass_did_not_find_out_stays() -> None:
    token = SecretValue(secret_key_ref=SecretKeyRef(name="s", key="token"))
    before = EnvironmentStatus(
        url="http://u", auth_token=token, last_handled_rotate_token_at="t", replicas=2, selector="a=b"
    )

    status, _ = judge(replace(GOOD, problem=INVALID, url=None, deployment=None, selector=None), before)

    assert (status.url, status.auth_token, status.last_handled_rotate_token_at) == ("http://u", token, "t")
    assert (status.replicas, status.selector) == (2, "a=b")


@pytest.mark.parametrize(("deployment", "replicas"), [(SETTLED, 1), (ROLLING, 4), (FAILED, 1), (None, 4)])
def test_replicas_are_counted_once_a_rollout_has_ended(deployment: DeploymentFacts | None, replicas: int) -> None:
    status, _ = judge(replace(GOOD, deployment=deployment), EnvironmentStatus(replicas=4))

    assert status.replicas == replicas


@pytest.mark.parametrize("facts", [GOOD, replace(GOOD, wanted=None)])
def test_nobody_knows_whether_a_suspended_environment_is_ready(facts: EnvironmentFacts) -> None:
    _, before = judge(facts, EnvironmentStatus())

    after = suspended(EnvironmentStatus(conditions=list(before)))

    ready, under_way = condition_of(after, ConditionType.READY), condition_of(after, ConditionType.RECONCILING)
    assert ready is not None
    assert (ready.status, ready.reason) == ("Unknown", "Suspended")
    assert ready.message == "reconciliation is suspended and the pods run as they are: remove spec.suspend to resume"
    assert under_way is not None
    assert (under_way.status, under_way.reason) == ("False", "Suspended")


def test_the_condition_of_another_version_does_not_disturb_a_suspended_environment() -> None:
    foreign = Condition(
        type="StoresShared", status="True", reason="Shared", message="kept", last_transition_time="2025-01-01T00:00:00Z"
    )

    after = transitioned([foreign], suspended(EnvironmentStatus(conditions=[foreign])), generation=2, time=ANSWERED)

    assert after[-1] == replace(foreign, observed_generation=2)
    assert [each.after.type for each in transitions([foreign], after)] == ["Ready", "Reconciling"]


def test_a_suspended_environment_keeps_its_other_conditions() -> None:
    served = condition(ConditionType.MODEL_SERVED, "True", Reason.SERVED, "1 of 1")

    after = suspended(EnvironmentStatus(conditions=[served]))

    assert condition_of(after, ConditionType.MODEL_SERVED) == served
    assert len({entry.type for entry in after}) == len(after)
