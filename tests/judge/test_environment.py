"""The verdicts on an environment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus, ModelStatus
from rasa_environments.judge.conditions import condition, condition_of
from rasa_environments.judge.environment import EnvironmentFindings, judged, suspended
from rasa_environments.judge.findings import DeploymentFacts, PodFacts, Problem, ServedFact, TaggedModel

WANTED = TaggedModel("20260101-120000", "8f14e45f")
OLD = "20250101-120000"
SETTLED = DeploymentFacts(wanted=1, replicas=1, updated=1, available=1, current=True, failure=None)
ROLLING = replace(SETTLED, available=0)
FAILED = replace(ROLLING, failure="progress deadline exceeded")
RIGHT, WRONG = ServedFact("pod support-0", model=WANTED.name), ServedFact("pod support-0", model=OLD)
EMPTY, SILENT = ServedFact("pod support-0"), ServedFact("pod support-0", problem="connection refused")
GOOD = EnvironmentFindings(
    environment="support",
    tag="live",
    child=ObjectKey("bots", "support-rasa"),
    server=ObjectKey("bots", "default"),
    url="http://support-rasa.bots.svc:5005",
    wanted=WANTED,
    deployment=SETTLED,
    served=(RIGHT,),
    selector="app.kubernetes.io/name=rasa",
)
UNREACHABLE = Problem(Reason.MODEL_SERVER_UNREACHABLE, "the model server does not answer", stalled=False)
UNAUTHORIZED = Problem(Reason.UNAUTHORIZED, "the model server refuses the token")
NOT_FOUND = Problem(Reason.TAG_NOT_FOUND, "the model server does not know the tag")
INVALID = Problem(Reason.INVALID_SPEC, "spec.rasa.version is missing")
NO_SECRET = Problem(Reason.SECRET_NOT_FOUND, "Secret bots/passwords is not there", stalled=False)
NOTHING_SERVED = (EMPTY, replace(RIGHT, server="pod support-1"))

TYPES = ("Ready", "Reconciling", "Stalled", "ModelAvailable", "ModelServed")
VERDICTS = [
    ("all is well", GOOD, "True False False True True", Reason.READY),
    ("pods come", replace(GOOD, deployment=ROLLING), "False True False True True", Reason.WAITING_FOR_PODS),
    ("the rollout failed", replace(GOOD, deployment=FAILED), "False False True True True", Reason.DEPLOYMENT_FAILED),
    ("it pulls still", replace(GOOD, served=(WRONG,)), "False True False True False", Reason.ANOTHER_MODEL_SERVED),
    ("it pulls first", replace(GOOD, served=NOTHING_SERVED), "False True False True False", Reason.NO_MODEL_SERVED),
    ("nobody says", replace(GOOD, served=(SILENT,)), "True False False True Unknown", Reason.READY),
    ("one is silent", replace(GOOD, served=(RIGHT, SILENT)), "True False False True Unknown", Reason.READY),
    ("no pod", replace(GOOD, served=()), "True False False True Unknown", Reason.READY),
    ("no model", replace(GOOD, wanted=None), "False False False False Unknown", Reason.TAG_NOT_FOUND),
    (
        "no model, no pod",
        replace(GOOD, wanted=None, deployment=ROLLING, served=()),
        "False True False False Unknown",
        Reason.TAG_NOT_FOUND,
    ),
    (
        "none required",
        replace(GOOD, wanted=None, model_required=False, served=(EMPTY,)),
        "True False False False Unknown",
        Reason.READY,
    ),
    (
        "never asked",
        replace(GOOD, wanted=None, tag_problem=UNREACHABLE),
        "False False False Unknown Unknown",
        Reason.MODEL_SERVER_UNREACHABLE,
    ),
    ("asked before", replace(GOOD, tag_problem=UNREACHABLE), "True False False Unknown True", Reason.READY),
    ("refused", replace(GOOD, tag_problem=UNAUTHORIZED), "False False False False True", Reason.UNAUTHORIZED),
    (
        "refused first",
        replace(GOOD, wanted=None, tag_problem=UNAUTHORIZED),
        "False False False False Unknown",
        Reason.UNAUTHORIZED,
    ),
    (
        "unknown tag",
        replace(GOOD, wanted=None, tag_problem=NOT_FOUND),
        "False False False False Unknown",
        Reason.TAG_NOT_FOUND,
    ),
    ("invalid", replace(GOOD, problem=INVALID), "False False True True True", Reason.INVALID_SPEC),
    ("a Secret lacks", replace(GOOD, problem=NO_SECRET), "False True False True True", Reason.SECRET_NOT_FOUND),
    (
        "invalid, no model",
        replace(GOOD, problem=INVALID, wanted=None),
        "False False True False Unknown",
        Reason.INVALID_SPEC,
    ),
    (
        "asked for none",
        replace(GOOD, deployment=replace(SETTLED, wanted=0, replicas=0)),
        "True False False True True",
        Reason.READY,
    ),
]


def verdict(findings: EnvironmentFindings, kind: ConditionType = ConditionType.READY) -> Condition:
    """One of the conditions."""
    found = condition_of(judged(findings, EnvironmentStatus())[1], kind)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("findings", "statuses", "reason"), [row[1:] for row in VERDICTS], ids=[row[0] for row in VERDICTS]
)
def test_what_is_found_makes_the_conditions(findings: EnvironmentFindings, statuses: str, reason: Reason) -> None:
    _, conditions = judged(findings, EnvironmentStatus())

    assert {entry.type: entry.status for entry in conditions} == dict(zip(TYPES, statuses.split(), strict=True))
    assert verdict(findings).reason == reason


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("waits", [True, False])
def test_whatever_the_problem_ready_says_it(reason: Reason, waits: bool) -> None:
    findings = replace(GOOD, problem=Problem(reason, "what is wrong", stalled=waits))

    assert (verdict(findings).status, verdict(findings).reason, verdict(findings).message) == (
        "False",
        reason,
        "what is wrong",
    )
    assert verdict(findings, ConditionType.STALLED).status == str(waits)
    assert verdict(findings, ConditionType.RECONCILING).status == str(not waits)


MESSAGES = [
    (GOOD, ConditionType.READY, "serves 20260101-120000"),
    (GOOD, ConditionType.MODEL_AVAILABLE, "model 20260101-120000 carries the tag live"),
    (GOOD, ConditionType.MODEL_SERVED, "1 of 1 ready pods serve 20260101-120000"),
    (GOOD, ConditionType.RECONCILING, "nothing is under way"),
    (GOOD, ConditionType.STALLED, "nothing waits for a person"),
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
            "the Rasa server is available and 20260101-120000 is wanted; whether it is served is not known: "
            "pod support-0 does not say what it serves: connection refused"
        ),
    ),
    (
        replace(GOOD, wanted=None, model_required=False),
        ConditionType.READY,
        "the Rasa server is available; no model is wanted",
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


@pytest.mark.parametrize(("findings", "kind", "message"), MESSAGES)
def test_the_message_says_what_is_so_and_what_to_do(
    findings: EnvironmentFindings, kind: ConditionType, message: str
) -> None:
    assert verdict(findings, kind).message == message


PROBLEMS = st.none() | st.sampled_from([UNREACHABLE, UNAUTHORIZED, NOT_FOUND, INVALID, NO_SECRET])
DEPLOYMENTS = st.none() | st.sampled_from([SETTLED, ROLLING, FAILED, replace(SETTLED, wanted=0, replicas=0)])
FINDINGS = st.builds(
    lambda **fields: replace(GOOD, **fields),
    problem=PROBLEMS,
    tag_problem=PROBLEMS,
    wanted=st.sampled_from([WANTED, None]),
    deployment=DEPLOYMENTS,
    served=st.lists(st.sampled_from([RIGHT, WRONG, EMPTY, SILENT]), max_size=3).map(tuple),
    model_required=st.booleans(),
)


@given(findings=FINDINGS)
def test_what_serves_another_model_is_never_ready(findings: EnvironmentFindings) -> None:
    if verdict(findings, ConditionType.MODEL_SERVED).status == "False":
        assert verdict(findings).status == "False"


@given(findings=FINDINGS)
def test_not_to_know_what_is_served_does_not_hold_ready_back(findings: EnvironmentFindings) -> None:
    known, unknown = replace(findings, served=(RIGHT,)), replace(findings, served=(SILENT,))

    assert verdict(unknown).status == verdict(known).status


@given(findings=FINDINGS)
def test_it_is_never_both_under_way_and_waiting_for_a_person(findings: EnvironmentFindings) -> None:
    under_way, waits = verdict(findings, ConditionType.RECONCILING), verdict(findings, ConditionType.STALLED)

    assert (under_way.status, waits.status) != ("True", "True")
    if verdict(findings).status == "True":
        assert (under_way.status, waits.status) == ("False", "False")


@given(findings=FINDINGS)
def test_each_condition_explains_itself(findings: EnvironmentFindings) -> None:
    _, conditions = judged(findings, EnvironmentStatus())

    assert [entry.type for entry in conditions] == list(TYPES)
    assert all(entry.message and entry.reason in set(Reason) for entry in conditions)


def test_replicas_without_shared_stores_are_told() -> None:
    findings = replace(GOOD, replicas_without_shared_stores=3)

    told = verdict(findings, ConditionType.STORES_SHARED)

    assert (told.status, told.reason) == ("False", "ReplicasWithoutSharedStores")
    assert told.message.startswith("3 replicas without both a lockStore and a trackerStore")
    assert verdict(findings).status == "True"


SERVED = [
    ((RIGHT, RIGHT), ModelStatus(served=WANTED.name, served_by="2/2")),
    ((RIGHT, WRONG), ModelStatus(served=f"{OLD},{WANTED.name}", served_by="1/2")),
    ((RIGHT, SILENT), ModelStatus(served=WANTED.name, served_by="1/2")),
    ((RIGHT, EMPTY), ModelStatus(served=f"{WANTED.name},no model", served_by="1/2")),
    ((EMPTY,), ModelStatus(served=None, served_by="0/1")),
    ((SILENT,), ModelStatus()),
    ((), ModelStatus()),
]


@pytest.mark.parametrize(("served", "told"), SERVED)
def test_the_status_counts_who_serves_what(served: tuple[ServedFact, ...], told: ModelStatus) -> None:
    status, _ = judged(replace(GOOD, served=served), EnvironmentStatus())

    assert status.model == told.model_copy(update={"wanted": WANTED.name, "wanted_hash": WANTED.hash})


def test_without_a_wanted_and_a_served_model_there_is_no_model_in_the_status() -> None:
    status, _ = judged(replace(GOOD, wanted=None, served=(SILENT,)), EnvironmentStatus())

    assert status.model is None


def test_what_this_pass_did_not_find_out_stays() -> None:
    before = EnvironmentStatus(url="http://u", token_secret="s", token_rotated_at="t", replicas=2, selector="a=b")

    status, _ = judged(replace(GOOD, problem=INVALID, url=None, deployment=None, selector=None), before)

    assert (status.url, status.token_secret, status.token_rotated_at) == ("http://u", "s", "t")
    assert (status.replicas, status.selector) == (2, "a=b")


@pytest.mark.parametrize(("deployment", "replicas"), [(SETTLED, 1), (ROLLING, 4), (FAILED, 1), (None, 4)])
def test_replicas_are_counted_once_a_rollout_has_ended(deployment: DeploymentFacts | None, replicas: int) -> None:
    status, _ = judged(replace(GOOD, deployment=deployment), EnvironmentStatus(replicas=4))

    assert status.replicas == replicas


@pytest.mark.parametrize("truth", ["True", "False", "Unknown"])
def test_a_suspended_environment_is_as_it_was_last_seen(truth: str) -> None:
    findings = {"True": GOOD, "False": replace(GOOD, wanted=None)}.get(truth)
    _, before = judged(findings, EnvironmentStatus()) if findings else (None, ())

    after = suspended(EnvironmentStatus(conditions=list(before)))

    ready, under_way = condition_of(after, ConditionType.READY), condition_of(after, ConditionType.RECONCILING)
    assert ready is not None
    assert (ready.status, ready.reason) == (truth, "Suspended")
    assert ready.message == "reconciling is suspended: take spec.suspend away to go on; the pods run as they are"
    assert under_way is not None
    assert (under_way.status, under_way.reason) == ("False", "Suspended")


def test_a_suspended_environment_keeps_its_other_conditions() -> None:
    served = condition(ConditionType.MODEL_SERVED, "True", Reason.SERVED, "1 of 1")

    after = suspended(EnvironmentStatus(conditions=[served]))

    assert condition_of(after, ConditionType.MODEL_SERVED) == served
    assert len({entry.type for entry in after}) == len(after)
