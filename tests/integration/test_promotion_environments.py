"""Who may decide what answers as an environment: each way to create and change one, on the API server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local.installation import PROMOTION
from rasa_environments.api import deployment_environment, model_server
from rasa_environments.api import model_tag as model_tag_module
from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import (
    ADOPT_REGISTRATION_ANNOTATION,
    ROTATE_TOKEN_ANNOTATION,
    EnvironmentSpec,
)
from rasa_environments.api.verification import RETRY_ANNOTATION
from tests.api.api_server import Answer, wait_until
from tests.integration.manifests import environment, model_tag, secret_value
from tests.integration.people import PROMOTED_BY, READS_SECRETS, Person, Team, bind, lacks, new_team, owner, refusal
from tests.integration.space import CONFIRM_DELETION, ENVIRONMENT

Attempt = Callable[[Person, JsonObject], Answer]
EXTERNAL: JsonObject = {
    "url": "https://rasa.example.com",
    "authToken": {"secretKeyRef": {"name": "rasa", "key": "token"}},
}
AUTOSCALER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"


def idle(name: str = "production", **spec: Any) -> JsonObject:
    """Return an environment that no operator would reconcile."""
    return environment(name, suspend=True, **spec)


@pytest.mark.parametrize(("name", "which"), [("dave", "any"), ("erin", "any"), ("carol", "production")])
def test_creating_an_environment_needs_promote_on_it(team: Team, name: str, which: str) -> None:
    answer = team.person(name).create(idle(which))

    assert refusal(answer) == lacks(name, which, team.namespace)


@pytest.mark.parametrize(
    ("name", "which"), [("alice", "production"), ("alice", "any"), ("carol", "any"), ("erin", "staging")]
)
def test_who_holds_promote_creates_changes_and_deletes_it(team: Team, name: str, which: str) -> None:
    person = team.person(name)

    assert person.create(idle(which, annotations={CONFIRM_DELETION: which})).accepted
    assert person.change(ENVIRONMENT, which, modelServerRef={"name": "other"}).accepted
    assert person.delete(ENVIRONMENT, which).accepted


DISGUISES: dict[str, tuple[JsonObject, str]] = {
    "its tag is production": (idle("any", tag="production"), "production"),
    "its tag is PRODUCTION": (idle("any", tag="PRODUCTION"), "PRODUCTION"),
    "its RASA_ENVIRONMENT is production": (idle("any", environment="production", tag="any"), "production"),
    "its RASA_ENVIRONMENT is Worker": (idle("any", environment="Worker", tag="any"), "Worker"),
    "its Service is that of production": (idle("production", environment="any"), "production"),
    "its role is Production": (idle("any", role="Production"), "any"),
    "its role is Worker": (idle("any", role="Worker"), "any"),
    "it runs elsewhere": (idle("worker", external=EXTERNAL), "worker"),
}


@pytest.mark.parametrize(("manifest", "lacking"), DISGUISES.values(), ids=DISGUISES)
def test_production_and_worker_are_known_in_any_disguise(team: Team, manifest: JsonObject, lacking: str) -> None:
    answer = team.person("carol").create(manifest)

    assert refusal(answer) == lacks("carol", lacking, team.namespace)


CHANGES: dict[str, tuple[Attempt, str]] = {
    "merge patch": (lambda person, _: person.change(ENVIRONMENT, "production", tag="any"), "spec.tag"),
    "json patch": (
        lambda person, _: person.json_patch(
            ENVIRONMENT, "production", {"op": "add", "path": "/spec/tag", "value": "any"}
        ),
        "spec.tag",
    ),
    "apply": (lambda person, _: person.apply(idle(tag="any"), "another-manager"), "spec.tag"),
    "replace": (lambda person, now: person.replace({**now, "spec": {**now["spec"], "tag": "any"}}), "spec.tag"),
    "owner": (
        lambda person, _: person.merge(
            ENVIRONMENT, "production", {"metadata": {"ownerReferences": [owner("doomed", "1")]}}
        ),
        "metadata.ownerReferences",
    ),
    "delete": (lambda person, _: person.delete(ENVIRONMENT, "production"), ""),
    "delete and orphan": (lambda person, _: person.delete(ENVIRONMENT, "production", "Orphan"), ""),
    "delete collection": (lambda person, _: person.delete_all(ENVIRONMENT), ""),
    "somebody's entry in the registry": (
        lambda person, _: person.annotate(ENVIRONMENT, "production", adopt_registration="true"),
        'metadata.annotations["rasa-environments.io/adopt-registration"]',
    ),
    "protection from deletion": (
        lambda person, _: person.annotate(ENVIRONMENT, "production", confirm_deletion="yes"),
        'metadata.annotations["rasa-environments.io/confirm-deletion"]',
    ),
}


@pytest.mark.parametrize(("attempt", "changed"), CHANGES.values(), ids=CHANGES)
def test_no_way_of_changing_it_goes_round(team: Team, attempt: Attempt, changed: str) -> None:
    team.given(idle(annotations={CONFIRM_DELETION: "production"}))
    before = team.get(ENVIRONMENT, "production")

    answer = attempt(team.person("carol"), before)

    assert refusal(answer) == lacks("carol", "production", team.namespace, *([changed] if changed else []))
    assert team.get(ENVIRONMENT, "production") == before


FREE_FIELDS: JsonObject = {
    "autoscaling": {"maxReplicas": 3},
    "deploymentStrategy": {"type": "Recreate"},
    "podDisruptionBudget": {"minAvailable": 1},
    "replicas": 3,
    "resources": {"requests": {"cpu": "1"}},
    "suspend": None,
}
GUARDED_FIELDS: JsonObject = {
    "actionEndpoint": {"url": "http://actions:5055/webhook"},
    "actionServer": {"image": "registry.example.com/actions:1"},
    "authToken": secret_value("mine", "token"),
    "channels": [{"name": "rest"}],
    "endpoints": {"nlg": {"url": "http://nlg"}},
    "eventBroker": {"rabbitmq": {"host": "rabbitmq"}},
    "ignoreDefaults": ["networkPolicy"],
    "ingress": {"hosts": [{"host": "chat.example.com"}]},
    "jwt": {"key": secret_value("mine", "key")},
    "lockStore": {"redis": {"host": "redis"}},
    "model": {"required": False},
    "modelServerRef": {"name": "other"},
    "networkPolicy": {"from": "None"},
    "podTemplate": {"metadata": {"labels": {"team": "bots"}}},
    "profile": "OpenSource",
    "rasa": {"version": "3.6.20"},
    "role": "Custom",
    "service": {"type": "NodePort", "nodePort": 30080},
    "serviceAccount": {"annotations": {"iam.gke.io/gcp-service-account": "any@example.com"}},
    "tag": "any",
    "trackerStore": {"redis": {"host": "redis"}},
}
NEVER_CHANGED = {"environment", "external"}
"""Fields that the CRD itself makes immutable, or refuses to add and remove."""


def test_each_annotation_that_the_operator_acts_on_is_guarded_or_was_looked_at() -> None:
    acted_on = {
        value
        for kind in (deployment_environment, model_server, model_tag_module)
        for name, value in vars(kind).items()
        if name.endswith("_ANNOTATION")
    }

    assert acted_on == {ADOPT_REGISTRATION_ANNOTATION, ROTATE_TOKEN_ANNOTATION, PROMOTED_BY, RETRY_ANNOTATION}
    guarded = f"['{ADOPT_REGISTRATION_ANNOTATION}', '{CONFIRM_DELETION}']"
    assert guarded in (PROMOTION / "environments.yaml").read_text()
    assert f"'{RETRY_ANNOTATION}'" in (PROMOTION / "model_tags.yaml").read_text()


def test_each_field_is_either_free_or_guarded() -> None:
    fields = {field.alias for field in EnvironmentSpec.model_fields.values()}

    assert fields == FREE_FIELDS.keys() | GUARDED_FIELDS.keys() | NEVER_CHANGED


@pytest.mark.parametrize("field", GUARDED_FIELDS)
def test_changing_what_answers_needs_promote(team: Team, field: str) -> None:
    team.given(idle())

    answer = team.person("dave").change(ENVIRONMENT, "production", **{field: GUARDED_FIELDS[field]})

    assert refusal(answer) == lacks("dave", "production", team.namespace, f"spec.{field}")


def test_taking_a_guarded_field_away_needs_promote(team: Team) -> None:
    team.given(
        idle(networkPolicy={"from": "None"}, ingress={"hosts": [{"host": "chat.example.com"}]}, ignoreDefaults=["rasa"])
    )
    carol = team.person("carol")

    protection = carol.change(ENVIRONMENT, "production", networkPolicy=None, ingress=None)
    default = carol.change(ENVIRONMENT, "production", ignoreDefaults=None)

    assert "to change spec." in refusal(protection)
    assert refusal(default) == lacks("carol", "production", team.namespace, "spec.ignoreDefaults")


@pytest.mark.parametrize(
    "change",
    [{"url": "https://evil.example.com"}, {"authToken": {"secretKeyRef": {"name": "other", "key": "token"}}}],
    ids=["url", "token"],
)
def test_pointing_to_another_server_elsewhere_needs_promote(team: Team, change: JsonObject) -> None:
    team.given(idle(external=EXTERNAL))

    answer = team.person("carol").change(ENVIRONMENT, "production", external=change)

    assert refusal(answer) == lacks("carol", "production", team.namespace, "spec.external")


FREE: dict[str, Attempt] = {
    "scale": lambda person, _: person.merge(ENVIRONMENT, "production", {"spec": {"replicas": 3}}, "scale"),
    "label": lambda person, _: person.merge(ENVIRONMENT, "production", {"metadata": {"labels": {"team": "bots"}}}),
    "annotation": lambda person, _: person.merge(ENVIRONMENT, "production", {"metadata": {"annotations": {"a": "b"}}}),
    "new token": lambda person, _: person.annotate(ENVIRONMENT, "production", rotate_token_at="now"),
    "replaced by itself": lambda person, now: person.replace(now),
}


@pytest.mark.parametrize("attempt", FREE.values(), ids=FREE)
def test_what_leaves_alone_what_answers_is_free(team: Team, attempt: Attempt) -> None:
    team.given(idle())

    answer = attempt(team.person("dave"), team.get(ENVIRONMENT, "production"))

    assert answer.accepted, answer.body["message"]


@pytest.mark.parametrize("field", FREE_FIELDS)
def test_how_much_of_it_runs_is_free(team: Team, field: str) -> None:
    team.given(idle())

    answer = team.person("dave").change(ENVIRONMENT, "production", **{field: FREE_FIELDS[field]})

    assert answer.accepted, answer.body["message"]


def test_an_autoscaler_scales_it(team: Team) -> None:
    team.given(idle())
    autoscaler = Person(team.api, AUTOSCALER, team.namespace)
    path = autoscaler.path(ENVIRONMENT, "production", "scale")
    scale = team.api.request("GET", path).body

    answer = autoscaler.send("PUT", path, {**scale, "spec": {"replicas": 3}})

    assert answer.accepted, answer.body["message"]
    assert team.get(ENVIRONMENT, "production")["spec"]["replicas"] == 3


def test_scaling_is_no_way_to_change_the_tag(team: Team) -> None:
    team.given(idle())
    change: JsonObject = {"spec": {"replicas": 3, "tag": "any"}}

    team.person("dave").merge(ENVIRONMENT, "production", change, "scale")

    assert "tag" not in team.get(ENVIRONMENT, "production")["spec"]


def test_moving_between_tags_needs_promote_on_both(team: Team) -> None:
    team.given(idle("staging", tag="any"))

    to_what_is_not_theirs = team.person("carol").change(ENVIRONMENT, "staging", tag="production")
    from_what_is_not_theirs = team.person("erin").change(ENVIRONMENT, "staging", tag="staging")

    assert refusal(to_what_is_not_theirs) == lacks("carol", "production", team.namespace, "spec.tag")
    assert refusal(from_what_is_not_theirs) == lacks("erin", "any", team.namespace, "spec.tag")


@pytest.mark.parametrize("spec", [{"tag": "any"}, {"modelServerRef": {"name": "other"}}, {}], ids=str)
def test_deleting_it_and_creating_it_again_is_no_way_round(team: Team, spec: JsonObject) -> None:
    team.given(idle(annotations={CONFIRM_DELETION: "production"}), model_tag("any", model="A"))
    assert team.person("alice").delete(ENVIRONMENT, "production").accepted

    answer = team.person("carol").create(idle(**spec))

    assert refusal(answer) == lacks("carol", "production", team.namespace)


def test_promote_on_tag_and_environment_is_asked_for_where_the_model_server_is(team: Team) -> None:
    elsewhere = new_team(team.api)
    bind(team.api, "rasa-environments-admin", "bob", elsewhere.namespace)
    bind(team.api, READS_SECRETS, "bob", elsewhere.namespace)
    bob = Person(team.api, "bob", elsewhere.namespace)
    there = {"namespace": team.namespace}
    wait_until(lambda: bob.create(idle()).accepted, "bob to have his rights")

    created = bob.create(idle("any", modelServerRef=there))
    created_for_tag = bob.create(idle("any", tag="production", modelServerRef=there))
    moved = bob.change(ENVIRONMENT, "production", modelServerRef=there)

    assert refusal(created) == lacks("bob", "any", team.namespace)
    assert refusal(created_for_tag) == lacks("bob", "any", team.namespace)
    assert refusal(moved) == lacks("bob", "production", team.namespace, "spec.modelServerRef")
    elsewhere.clear()


def test_taking_production_away_from_its_model_server_needs_promote_there(team: Team) -> None:
    elsewhere = new_team(team.api)
    there = {"namespace": elsewhere.namespace}
    team.given(idle("live", environment="production", tag="stable", modelServerRef=there))
    bind(team.api, "rasa-environments-admin", "bill", team.namespace)
    bind(team.api, READS_SECRETS, "bill", team.namespace)
    bill = Person(team.api, "bill", team.namespace)
    wait_until(lambda: bill.create(model_tag(model="A"), dryRun="All").accepted, "bill to have his rights")

    answer = bill.change(ENVIRONMENT, "live", modelServerRef=None)

    assert refusal(answer) == lacks("bill", "production", elsewhere.namespace, "spec.modelServerRef")
