"""What `doctor` finds wrong, from facts alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from local.installation import ROOT
from rasa_environments.api.base import GROUP, JsonObject, ObjectKey
from rasa_environments.api.crd import RESOURCES, definition
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.diagnosis.facts import Facts, Finding, Importance, Lease, Operator, Policies
from rasa_environments.cli.diagnosis.findings import findings, verdict_on
from rasa_environments.cli.diagnosis.reading import POLICIES, operator_of
from rasa_environments.cli.doctor import as_document, drawn
from rasa_environments.cli.exit_codes import ExitCode

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
SINCE = "2026-01-02T11:30:00Z"
DEFINITIONS: dict[str, JsonObject] = {f"{each.plural}.{GROUP}": definition(each) for each in RESOURCES}
MODEL_TAGS = f"modeltags.{GROUP}"
LEASE = Lease(ObjectKey("rasa", "rasa-environments"), "pod-1", renewed=True, renewed_at=SINCE)
OPERATOR = Operator(
    ObjectKey("rasa", "rasa-environments"), "registry/rasa:1", available=True, limited=False, elects=True
)
SHAPES = st.recursive(
    st.none() | st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=9), inner), max_leaves=9
)
WELL = Facts(
    now=NOW,
    definitions=DEFINITIONS,
    expected_definitions=DEFINITIONS,
    leases=(LEASE,),
    operators=(OPERATOR,),
    policies=Policies(POLICIES, POLICIES, POLICIES),
    pod_monitors=1,
)


def condition(kind: str, truth: str, reason: str = "Because", message: str = "fix it") -> JsonObject:
    """A condition."""
    return {"type": kind, "status": truth, "reason": reason, "message": message, "lastTransitionTime": SINCE}


READY = condition("Ready", "True")
IN_MEMORY = "InMemory"


def obj(name: str, spec: JsonObject, *conditions: JsonObject, observed: int = 1) -> JsonObject:
    """An object of generation 1, an hour old."""
    created = "2026-01-02T11:00:00Z"
    metadata = {"name": name, "namespace": "team", "generation": 1, "creationTimestamp": created}
    return {
        "metadata": metadata,
        "spec": spec,
        "status": {"observedGeneration": observed, "conditions": list(conditions)},
    }


def environment(name: str, *conditions: JsonObject, observed: int = 1, **spec: object) -> DeploymentEnvironment:
    """An environment."""
    return DeploymentEnvironment.model_validate(obj(name, spec, *conditions, observed=observed))


def tag(*conditions: JsonObject) -> ModelTag:
    """A ModelTag."""
    return ModelTag.model_validate(obj("production", {"model": "A"}, *conditions))


def server(*conditions: JsonObject) -> ModelServer:
    """A ModelServer."""
    return ModelServer.model_validate(obj("default", {"url": "http://x"}, *conditions))


def only(facts: Facts) -> Finding:
    """The one thing that is wrong."""
    (finding,) = findings(facts)
    return finding


def test_nothing_is_wrong_with_an_installation_that_is_well() -> None:
    well = replace(
        WELL,
        environments=(environment("production", condition("Ready", "True"), condition("Stalled", "False")),),
        tags=(tag(condition("Ready", "True")),),
        servers=(server(condition("Ready", "True")),),
    )

    assert findings(well) == ()
    assert verdict_on((), ()) is ExitCode.DONE


def test_a_crd_that_is_not_installed_is_the_first_thing_to_fix() -> None:
    facts = replace(WELL, definitions={**DEFINITIONS, MODEL_TAGS: None}, servers=(server(condition("Ready", "False")),))

    first, *_ = findings(facts)

    assert (first.importance, first.subjects) == (Importance.NOTHING_WORKS, (f"CRD {MODEL_TAGS}",))
    assert "kubectl apply" in first.problem


def test_a_crd_that_lacks_fields_of_this_version_is_old() -> None:
    old = json.loads(json.dumps(DEFINITIONS[MODEL_TAGS]))
    del old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["verification"]

    found = only(replace(WELL, definitions={**DEFINITIONS, MODEL_TAGS: old}))

    assert "older than this command" in found.problem
    assert "spec.verification" in found.problem


def test_a_crd_that_does_not_serve_this_version_is_no_use() -> None:
    other = json.loads(json.dumps(DEFINITIONS[MODEL_TAGS]))
    other["spec"]["versions"][0]["name"] = "v9"

    assert "does not serve" in only(replace(WELL, definitions={**DEFINITIONS, MODEL_TAGS: other})).problem


@pytest.mark.parametrize("leases", [(), (replace(LEASE, renewed=False),)], ids=["none", "not renewed"])
def test_without_a_renewed_lease_no_operator_is_at_work(leases: tuple[Lease, ...]) -> None:
    found = only(replace(WELL, leases=leases))

    assert found.importance is Importance.NOTHING_WORKS
    assert found.problem.startswith("no operator was found at work: ")


def test_an_available_operator_that_takes_no_lease_is_at_work() -> None:
    alone = replace(OPERATOR, elects=False)

    assert findings(replace(WELL, leases=(), operators=(alone,))) == ()
    assert only(replace(WELL, operators=(alone,))).problem.startswith("several operators are at work")


def test_where_deployments_cannot_be_read_no_operator_is_said_to_be_absent() -> None:
    assert findings(replace(WELL, leases=(), operators=None)) == ()


def test_two_operators_are_wrong_unless_each_is_limited() -> None:
    other = replace(LEASE, key=ObjectKey("other", "rasa-environments"))
    two = replace(WELL, leases=(LEASE, other))
    limited = replace(OPERATOR, limited=True)

    assert only(two).subjects == ("Lease rasa/rasa-environments", "Lease other/rasa-environments")
    assert findings(replace(two, operators=(limited, limited))) == ()


def test_an_image_that_names_no_registry_explains_why_the_operator_does_not_start() -> None:
    operator = replace(OPERATOR, available=False, image="rasa-environments:0.2.0")

    assert "push it to your registry" in only(replace(WELL, operators=(operator,))).problem


def test_a_policy_that_is_missing_or_that_no_binding_enforces_protects_nobody() -> None:
    without = POLICIES - {"rasa-environments-model-tags"}

    missing = only(replace(WELL, policies=Policies(POLICIES, without, without)))
    idle = only(replace(WELL, policies=Policies(POLICIES, POLICIES, without)))

    assert (missing.importance, idle.importance) == (Importance.UNPROTECTED, Importance.UNPROTECTED)
    assert missing.subjects == idle.subjects == ("ValidatingAdmissionPolicy rasa-environments-model-tags",)


def test_the_policies_that_are_looked_for_are_those_that_are_shipped() -> None:
    shipped = {
        document["metadata"]["name"]
        for folder in ("promotion", "account")
        for file in (ROOT / "manifests" / folder).glob("*.yaml")
        for document in yaml.safe_load_all(file.read_text())
        if document["kind"] == "ValidatingAdmissionPolicy"
    }

    assert shipped == POLICIES


def test_servers_come_before_tags_and_tags_before_environments() -> None:
    facts = replace(
        WELL,
        environments=(environment("production", condition("Ready", "False", "TagNotFound", "promote a model")),),
        tags=(tag(condition("Ready", "False", "NoEnvironment", "nobody pulls it")),),
        servers=(server(condition("Ready", "False", "ModelServerUnreachable", "no answer")),),
    )

    assert [(found.importance, found.problem) for found in findings(facts)] == [
        (Importance.SERVER, "ModelServerUnreachable: no answer"),
        (Importance.TAG, "NoEnvironment: nobody pulls it"),
        (Importance.ENVIRONMENT, "TagNotFound: promote a model"),
    ]


def test_what_has_to_be_fixed_is_said_once_though_two_conditions_say_it() -> None:
    stuck = environment(
        "production",
        condition("Ready", "False", "SecretNotFound", "create Secret x"),
        condition("Stalled", "True", "SecretNotFound", "create Secret x"),
    )

    assert only(replace(WELL, environments=(stuck,))).problem == "SecretNotFound: create Secret x"


def test_a_problem_of_many_is_one_finding() -> None:
    bad = condition("Ready", "False", "ModelServerUnreachable", "no answer")

    found = only(replace(WELL, environments=(environment("a", bad), environment("b", bad))))

    assert found.subjects == ("DeploymentEnvironment team/a", "DeploymentEnvironment team/b")


def test_a_status_of_an_earlier_spec_is_a_finding_but_not_that_of_a_new_object() -> None:
    stale = environment("production", condition("Ready", "True"), observed=0)
    new = stale.model_copy(
        update={"metadata": stale.metadata.model_copy(update={"creation_timestamp": "2026-01-02T11:59:50Z"})}
    )

    assert only(replace(WELL, environments=(stale,))).importance is Importance.UNKNOWN
    assert findings(replace(WELL, environments=(new,))) == ()


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        (replace(WELL, environments=(environment("old", suspend=True),)), "it is suspended"),
        (
            replace(
                WELL,
                tags=(tag(condition("Ready", "True"), condition("Promoted", "Unknown", "Frozen", "until Monday")),),
            ),
            "a model waits: Frozen: until Monday",
        ),
        (
            replace(
                WELL,
                environments=(
                    environment(
                        "a",
                        condition("Ready", "True"),
                        condition("ConversationsPersisted", "False", "InMemory", "set x"),
                    ),
                ),
            ),
            "InMemory: set x",
        ),
        (replace(WELL, pod_monitors=0), "Prometheus Operator is installed"),
    ],
)
def test_what_is_meant_or_only_may_become_wrong_is_advice(facts: Facts, problem: str) -> None:
    found = only(facts)

    assert found.importance is Importance.ADVICE
    assert found.problem.startswith(problem)
    assert verdict_on([found], ()) is ExitCode.DONE


@pytest.mark.parametrize(
    "conditions",
    [
        (condition("Verified", "False", "VerificationFailed", "step 3"),),
        (condition("Promoted", "False", "SourceNotFound", "no tag staging"),),
    ],
)
def test_a_rejected_model_and_a_tag_that_gets_none_are_found_though_the_tag_is_ready(
    conditions: tuple[JsonObject, ...],
) -> None:
    assert only(replace(WELL, tags=(tag(condition("Ready", "True"), *conditions),))).importance is Importance.TAG


def test_what_could_not_be_read_is_neither_well_nor_wrong() -> None:
    blind = Facts(now=NOW, unread=("leases: forbidden",))

    assert findings(blind) == ()
    assert verdict_on((), blind.unread) is ExitCode.UNKNOWN
    assert verdict_on([Finding(Importance.TAG, "x")], blind.unread) is ExitCode.FAILED
    target = StringIO()
    Console(file=target, width=200).print(drawn((), blind))
    assert target.getvalue() == "no problem found, 1 check not possible\n  not checked: leases: forbidden\n"
    assert as_document((), blind) == {"findings": [], "unchecked": ["leases: forbidden"]}


@given(
    st.recursive(
        st.none() | st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=9), inner), max_leaves=9
    )
)
def test_a_crd_of_any_shape_is_a_finding_not_a_crash(spec: object) -> None:
    facts = replace(WELL, definitions={MODEL_TAGS: {"metadata": {}, "spec": spec}})

    assert only(facts).importance is Importance.NOTHING_WORKS


@pytest.mark.parametrize(
    ("container", "limited"),
    [
        ({}, False),
        ({"env": [{"name": "RASA_ENVIRONMENTS_NAMESPACES"}]}, True),
        ({"args": ["run", "--namespaces=a"]}, True),
    ],
)
def test_an_operator_is_limited_if_its_deployment_names_namespaces(container: JsonObject, limited: bool) -> None:
    metadata = {"name": "o", "namespace": "n"}
    deployment = {"metadata": metadata, "spec": {"template": {"spec": {"containers": [container]}}}}

    assert operator_of(deployment).limited is limited
