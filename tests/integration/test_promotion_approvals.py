"""Who approved a model: admission writes the name, so nobody approves in another's, and who may not promote cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rasa_environments.api.base import GROUP, JsonObject
from tests.api.api_server import Answer, ApiServer, wait_until
from tests.integration.manifests import model_tag
from tests.integration.people import Person, Team, bind, create_cluster_role, lacks, refusal

TAG = "ModelTag"
RULE = {"tag": "staging", "approvals": 2}
WRITES_STATUSES = "tests-writes-statuses"
Attempt = Callable[[Person, JsonObject], Answer]


def approval(by: str | None = None, model: str = "A") -> JsonObject:
    """An approval of a model under that name."""
    return {"model": model, "hash": "1" * 32, **({"approvedBy": by} if by else {})}


def approved(team: Team, name: str = "any") -> list[tuple[str, str | None]]:
    """The approved models of a ModelTag, and by whom."""
    return [(each["model"], each.get("approvedBy")) for each in team.get(TAG, name)["spec"].get("approvals", [])]


APPROVALS: dict[str, Attempt] = {
    "without a name": lambda person, _: person.change(TAG, "any", approvals=[approval()]),
    "in another's name": lambda person, _: person.change(TAG, "any", approvals=[approval("dave")]),
    "json patch": lambda person, _: person.json_patch(
        TAG, "any", {"op": "add", "path": "/spec/approvals", "value": [approval("dave")]}
    ),
    "apply": lambda person, _: person.apply(model_tag("any", promoteFrom=RULE, approvals=[approval("dave")]), "other"),
    "replace": lambda person, now: person.replace({**now, "spec": {**now["spec"], "approvals": [approval("dave")]}}),
}


@pytest.mark.parametrize("attempt", APPROVALS.values(), ids=APPROVALS)
def test_an_approval_names_who_gives_it_whatever_is_written_there(team: Team, attempt: Attempt) -> None:
    team.given(model_tag("any", promoteFrom=RULE))

    answer = attempt(team.person("carol"), team.get(TAG, "any"))

    assert answer.accepted, answer.body["message"]
    assert approved(team) == [("A", "carol")]


def test_a_new_tag_is_approved_by_nobody_but_who_creates_it(team: Team) -> None:
    manifest = model_tag("any", promoteFrom=RULE, approvals=[approval("dave"), approval("erin")])

    assert team.person("carol").create(manifest).accepted

    assert approved(team) == [("A", "carol"), ("A", "carol")]


def test_deleting_a_tag_and_creating_it_again_keeps_no_approval_of_another(team: Team) -> None:
    team.given(model_tag("any", promoteFrom=RULE, approvals=[approval()]))
    before, carol = team.get(TAG, "any"), team.person("carol")

    assert carol.delete(TAG, "any").accepted
    assert carol.create(model_tag("any", **before["spec"])).accepted

    assert approved(team) == [("A", "carol")]


def test_the_approval_of_another_stays_beside_ones_own(team: Team) -> None:
    team.given(model_tag("any", promoteFrom=RULE, approvals=[approval()]))
    carol = team.person("carol")

    carol.json_patch(TAG, "any", {"op": "add", "path": "/spec/approvals/-", "value": approval()})

    assert approved(team) == [("A", "alice"), ("A", "carol")]


def test_the_approval_of_another_does_not_become_one_of_another_model(team: Team) -> None:
    team.given(model_tag("any", promoteFrom=RULE, approvals=[approval()]))

    team.person("carol").json_patch(TAG, "any", {"op": "replace", "path": "/spec/approvals/0/model", "value": "B"})

    assert approved(team) == [("B", "carol")]


def test_an_approval_that_was_withdrawn_does_not_come_back_under_its_name(team: Team) -> None:
    team.given(model_tag("any", promoteFrom=RULE, approvals=[approval()]))
    carol = team.person("carol")

    assert carol.change(TAG, "any", approvals=[]).accepted
    assert carol.change(TAG, "any", approvals=[approval("alice")]).accepted

    assert approved(team) == [("A", "carol")]


GUARDED: dict[str, Attempt] = {
    "approve": lambda person, _: person.change(TAG, "production", approvals=[approval()]),
    "approve by apply": lambda person, _: person.apply(model_tag(promoteFrom=RULE, approvals=[approval()]), "other"),
    "withdraw": lambda person, _: person.change(TAG, "production", approvals=None),
    "fewer approvals": lambda person, _: person.change(TAG, "production", promoteFrom={"approvals": 1}),
    "no soak": lambda person, _: person.change(TAG, "production", promoteFrom={"soakSeconds": 0}),
    "another source": lambda person, _: person.change(TAG, "production", promoteFrom={"tag": "any"}),
    "no source": lambda person, _: person.change(TAG, "production", promoteFrom=None),
    "pin": lambda person, _: person.change(TAG, "production", model="B"),
    "remove by json patch": lambda person, _: person.json_patch(
        TAG, "production", {"op": "remove", "path": "/spec/promoteFrom"}
    ),
    "delete": lambda person, _: person.delete(TAG, "production"),
}


@pytest.mark.parametrize("attempt", GUARDED.values(), ids=GUARDED)
def test_whatever_lets_a_model_through_needs_promote(team: Team, attempt: Attempt) -> None:
    team.given(model_tag(promoteFrom={**RULE, "soakSeconds": 3600}, approvals=[approval()]))
    before = team.get(TAG, "production")

    answer = attempt(team.person("carol"), before)

    assert refusal(answer) == lacks("carol", "production", team.namespace)
    assert team.get(TAG, "production") == before


@pytest.fixture(scope="module")
def writer_of_statuses(employer: ApiServer) -> str:
    """Somebody who may write every status, as a role with a wildcard permits, and promote nothing."""
    rule = {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "list", "watch", "update", "patch"]}
    create_cluster_role(employer, WRITES_STATUSES, rule)
    bind(employer, WRITES_STATUSES, "mallory")
    return "mallory"


@pytest.mark.parametrize(
    "status",
    [
        {"desiredModel": {"name": "B", "hash": "1"}},
        {"servedModel": {"name": "B", "hash": "1", "servedTime": "2020-01-01T00:00:00Z"}},
        {"history": [{"model": "B", "hash": "1", "taggedTime": "2020-01-01T00:00:00Z"}]},
        {"taggedModel": {"name": "B", "hash": "1"}},
    ],
    ids=lambda status: next(iter(status)),
)
def test_writing_a_status_by_which_a_model_is_let_through_needs_promote(
    team: Team, writer_of_statuses: str, status: JsonObject
) -> None:
    team.given(model_tag(promoteFrom=RULE))
    mallory = Person(team.api, writer_of_statuses, team.namespace)
    body = {"status": {"observedGeneration": 1, **status}}

    wait_until(lambda: mallory.merge(TAG, "production", {}).accepted, "the rights to be in force")
    answer = mallory.merge(TAG, "production", body, "status")

    assert refusal(answer) == (
        f'user "mallory" may not write the status of modeltags "production", by which models are promoted: needs the '
        f'verb "promote" on all deploymentenvironments.{GROUP} in namespace "{team.namespace}"'
    )
