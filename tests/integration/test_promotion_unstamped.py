"""Clusters before Kubernetes 1.36 record no name, but nobody can enter somebody else's either."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import installation
from rasa_environments.api.base import JsonObject
from tests.api.api_server import ApiServer, wait_until
from tests.integration.conftest import Installation
from tests.integration.manifests import model_tag
from tests.integration.people import PROMOTED_BY, Team, new_team, refusal

TAG = "ModelTag"
BINDING = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings/rasa-environments-promoted-by"


@pytest.fixture(scope="module")
def unstamped(employer: ApiServer, breakable: Installation) -> Iterator[None]:
    """Remove the policy that needs 1.36 from the cluster for the test."""
    probe = new_team(employer)

    def stamped() -> bool:
        answer = probe.person("alice").create(model_tag(model="A"), dryRun="All")
        return PROMOTED_BY in (answer.body["metadata"].get("annotations") or {})

    assert employer.request("DELETE", BINDING).accepted
    wait_until(lambda: not stamped(), "the policy to be gone")
    yield
    installation.install(breakable.facts.kubeconfig)
    wait_until(stamped, "the policy to be back")


def by(name: str | None, model: str = "A") -> JsonObject:
    """A change of the model under that name."""
    return {"metadata": {"annotations": {PROMOTED_BY: name}}, "spec": {"model": model}}


def tag_by(name: str) -> JsonObject:
    """A new ModelTag under that name."""
    manifest = model_tag("any", model="A")
    manifest["metadata"]["annotations"] = {PROMOTED_BY: name}
    return manifest


pytestmark = pytest.mark.usefixtures("unstamped")


def test_a_promotion_may_go_under_no_name_or_ones_own(team: Team) -> None:
    carol = team.person("carol")

    assert carol.create(model_tag("any", model="A")).accepted
    assert team.promoted_by("any") is None
    assert carol.merge(TAG, "any", by("carol", "B")).accepted
    assert team.promoted_by("any") == "carol"


def test_a_promotion_does_not_go_under_anothers_name(team: Team) -> None:
    carol = team.person("carol")
    pretended = (
        'user "carol" may not promote as "alice": remove the annotation rasa-environments.io/promoted-by, or name '
        "yourself"
    )

    assert refusal(carol.create(tag_by("alice"))) == pretended
    assert carol.create(tag_by("carol")).accepted
    assert refusal(carol.merge(TAG, "any", by("alice", "B"))) == pretended


def test_the_name_of_the_last_promotion_does_not_stay_at_the_next_one(team: Team) -> None:
    team.given(tag_by("alice"))
    carol = team.person("carol")

    assert 'user "carol" may not promote as "alice"' in refusal(carol.change(TAG, "any", model="B"))
    assert carol.merge(TAG, "any", by(None, "B")).accepted
    assert team.promoted_by("any") is None


def test_without_a_promotion_no_name_is_written_and_any_may_be_removed(team: Team) -> None:
    team.given(tag_by("alice"))
    carol = team.person("carol")

    for name in ("carol", "dave"):
        answer = carol.annotate(TAG, "any", promoted_by=name)
        assert refusal(answer) == (
            f'user "carol" may not set the annotation rasa-environments.io/promoted-by to "{name}": only a promotion '
            "writes it"
        )
    assert team.promoted_by("any") == "alice"
    assert carol.annotate(TAG, "any", promoted_by=None).accepted
    assert team.promoted_by("any") is None


def test_a_tag_without_a_model_goes_under_no_name(team: Team) -> None:
    manifest = tag_by("carol")
    del manifest["spec"]["model"]
    carol = team.person("carol")

    assert "only a promotion writes it" in refusal(carol.create(manifest))
    assert carol.create(model_tag("any")).accepted
    assert carol.merge(TAG, "any", by("carol")).accepted
    assert team.promoted_by("any") == "carol"


def approval(by: str | None) -> JsonObject:
    """An approval of model A under that name."""
    return {"model": "A", "hash": "1" * 32, **({"approvedBy": by} if by else {})}


def test_an_approval_may_go_under_no_name_or_ones_own(team: Team) -> None:
    team.given(model_tag("any", promoteFrom={"tag": "staging", "approvals": 1}))
    carol = team.person("carol")

    for name in (None, "carol"):
        assert carol.change(TAG, "any", approvals=[approval(name)]).accepted
        assert team.get(TAG, "any")["spec"]["approvals"] == [approval(name)]


def test_nobody_approves_in_the_name_of_another(team: Team) -> None:
    team.given(model_tag("any", promoteFrom={"tag": "staging", "approvals": 1}))

    answer = team.person("carol").change(TAG, "any", approvals=[approval("carol"), approval("alice")])

    assert refusal(answer) == (
        'user "carol" may not approve as "alice": remove approvedBy from the entry of spec.approvals, or name yourself'
    )
