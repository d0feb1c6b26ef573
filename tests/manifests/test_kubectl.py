"""What users do with kubectl, with a running operator in the namespace and the real kubectl."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from rasa_environments.api.base import GROUP, VERSION, JsonObject
from rasa_environments.api.crd import RESOURCES
from tests.api.api_server import ApiServer, wait_until
from tests.integration import manifests
from tests.integration.model_server_process import API_TOKEN, MODEL_A, TOKEN, ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space
from tests.manifests.kubectl import Kubectl, Output, text_of

PRODUCTION = manifests.environment("production")
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


@pytest.fixture(scope="module", autouse=True)
def furnished(bots: Kubectl, space: Space, model_server: ModelServerProcess) -> None:
    """A ModelServer, an environment with its tag, and one whose tag no model carries."""
    objects = text_of(
        manifests.secret(manifests.CREDENTIALS, token=TOKEN, apiToken=API_TOKEN),
        manifests.model_server(model_server.url),
        PRODUCTION,
        manifests.model_tag("production", model=MODEL_A),
        manifests.environment("staging"),
    )
    bots("apply", "-f", "-", given=objects)


@pytest.fixture(scope="module")
def shown(kubectl: Kubectl, installation: Output) -> Kubectl:
    """kubectl in a namespace without an operator."""
    kubectl("create", "namespace", "shown")
    return kubectl.within("shown")


def get(kubectl: Kubectl, *what: str) -> JsonObject:
    found: JsonObject = json.loads(kubectl("get", *what, "-o", "json"))
    return found


def test_wait_returns_when_each_kind_is_ready(bots: Kubectl) -> None:
    said = bots(
        "wait", "--for=condition=Ready", "mserver/default", "denv/production", "mtag/production", "--timeout=60s"
    )

    assert said.splitlines() == [
        "modelserver.rasa-environments.io/default condition met",
        "deploymentenvironment.rasa-environments.io/production condition met",
        "modeltag.rasa-environments.io/production condition met",
    ]


def test_wait_can_wait_for_what_is_wrong(bots: Kubectl) -> None:
    said = bots("wait", "--for=condition=Ready=False", "denv/staging", "--timeout=60s")

    assert said == "deploymentenvironment.rasa-environments.io/staging condition met\n"


def test_the_first_look_tells_what_is_ready_and_why_the_other_is_not(bots: Kubectl, space: Space) -> None:
    space.wait_until_ready()
    space.wait_for_condition(ENVIRONMENT, "staging", "Ready", status="False", reason="TagNotFound")

    header, rows = bots.table("denv")

    shown = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    wanted = {"READY": "True", "TAG": "production", "DESIRED": MODEL_A}
    assert wanted.items() <= shown["production"].items()
    assert {"READY": "False", "DESIRED": "", "REASON": "TagNotFound"}.items() <= shown["staging"].items()


def test_a_rollout_can_be_waited_for_and_gives_new_pods_that_the_operator_leaves(bots: Kubectl, space: Space) -> None:
    space.wait_until_ready()
    selector = f"--selector={get(bots, 'denv/production')['status']['selector']}"
    before = bots("get", "pods", selector, "-o", "name").split()

    bots("rollout", "restart", "deployment/production-rasa")
    bots("rollout", "status", "deployment/production-rasa", "--timeout=60s")
    space.operator.wait_for_passes(ENVIRONMENT, more=2)

    template = get(bots, "deployment/production-rasa")["spec"]["template"]
    assert template["metadata"]["annotations"][RESTARTED_AT]
    space.eventually(lambda: not {*before} & {*bots("get", "pods", selector, "-o", "name").split()}, "new pods")
    space.wait_until_ready()


def test_scale_changes_the_number_of_pods_and_says_so(bots: Kubectl, space: Space) -> None:
    bots("scale", "denv/staging", "--replicas=0")
    space.eventually(lambda: space.child("Deployment", "staging")["spec"]["replicas"] == 0, "none wanted")

    said = bots("scale", "denv/staging", "--replicas=1", "--current-replicas=0")

    assert said == "deploymentenvironment.rasa-environments.io/staging scaled\n"
    space.eventually(lambda: space.child("Deployment", "staging")["spec"]["replicas"] == 1, "one replica")


def test_what_was_applied_and_worked_on_by_the_operator_is_unchanged(bots: Kubectl, space: Space) -> None:
    space.wait_until_ready()
    applied = text_of(PRODUCTION, manifests.model_tag("production", model=MODEL_A))

    assert bots("diff", "-f", "-", given=applied) == ""
    assert bots("apply", "-f", "-", given=applied).splitlines() == [
        "deploymentenvironment.rasa-environments.io/production unchanged",
        "modeltag.rasa-environments.io/production unchanged",
    ]


def test_several_managers_share_an_environment_and_the_operator_is_in_nobodys_way(bots: Kubectl, space: Space) -> None:
    platform = manifests.environment("shared", resources={"requests": {"cpu": "100m"}})
    bot_team = {**platform, "spec": {"tag": "green", "rasa": {"logLevel": "Debug"}}}

    for _ in range(2):
        bots("apply", "--server-side", "--field-manager=platform", "-f", "-", given=text_of(platform))
        bots("apply", "--server-side", "--field-manager=bot-team", "-f", "-", given=text_of(bot_team))
        space.wait_until_ready("shared")

    shared = get(bots, "denv/shared", "--show-managed-fields")
    assert shared["metadata"]["generation"] == 2
    assert shared["spec"] == {"replicas": 1, **platform["spec"], "tag": "green"} | {
        "rasa": {"version": manifests.RASA_VERSION, "logLevel": "Debug"}
    }
    managers = {entry["manager"]: entry.get("subresource") for entry in shared["metadata"]["managedFields"]}
    assert managers == {"platform": None, "bot-team": None, "rasa-environments": "status"}


def test_a_manager_that_stops_saying_something_takes_back_its_own_field_alone(bots: Kubectl) -> None:
    one = manifests.environment("taken-back", tag="production")
    other = {**one, "spec": {"rasa": {"logLevel": "Debug"}}}
    bots("apply", "--server-side", "--field-manager=one", "-f", "-", given=text_of(one))
    bots("apply", "--server-side", "--field-manager=other", "-f", "-", given=text_of(other))

    bots("apply", "--server-side", "--field-manager=other", "-f", "-", given=text_of({**other, "spec": {}}))

    assert get(bots, "denv/taken-back")["spec"] == {"replicas": 1, **one["spec"]}


def test_two_managers_of_one_field_are_told_of_each_other(bots: Kubectl) -> None:
    one = manifests.environment("contested", tag="production")
    other = {**one, "spec": {"tag": "staging"}}
    bots("apply", "--server-side", "--field-manager=one", "-f", "-", given=text_of(one))

    said = bots.attempt("apply", "--server-side", "--field-manager=other", "-f", "-", given=text_of(other))

    assert said.code == 1
    assert 'conflict with "one": .spec.tag' in said.err


def test_the_category_lists_all_that_there_is(bots: Kubectl) -> None:
    assert {
        "modelserver.rasa-environments.io/default",
        "deploymentenvironment.rasa-environments.io/production",
        "modeltag.rasa-environments.io/production",
    } <= {*bots("get", "rasa", "-o", "name").split()}


def test_environments_are_found_by_their_tag_and_tags_by_their_model(bots: Kubectl, space: Space) -> None:
    space.wait_until_ready()

    assert "denv/production" in {
        name.replace("deploymentenvironment.rasa-environments.io", "denv")
        for name in bots("get", "denv", "--field-selector=status.tag=production", "-o", "name").split()
    }
    assert bots("get", "mtag", f"--field-selector=status.taggedModel.name={MODEL_A}", "-o", "name").split() == [
        "modeltag.rasa-environments.io/production"
    ]


def described(schema: JsonObject, path: str) -> Iterator[tuple[str, str]]:
    """Path and description of each field below."""
    for name, field in schema.get("properties", {}).items():
        if (path, name) != ("", "metadata"):
            yield f"{path}.{name}", field.get("description", "")
            yield from described(field, f"{path}.{name}")
    for nested in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(nested, dict):
            yield from described(nested, path)


def says_little(path: str, description: str) -> bool:
    """Whether the text has fewer than four words that the names of the field and its parent do not say already."""
    names = {word.lower() for name in path.split(".")[-2:] for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", name)}
    words = {word.lower() for word in re.findall(r"[A-Za-z_-]{2,}", description)}
    return len(words - names) < 3


@pytest.mark.parametrize("kind", [resource.kind for resource in RESOURCES])
def test_explain_says_of_each_field_more_than_its_name(api: ApiServer, kind: str) -> None:
    path = f"/openapi/v3/apis/{GROUP}/{VERSION}"
    wait_until(lambda: api.request("GET", path).accepted, "the API server to publish the schema")
    schemas = api.request("GET", path).body["components"]["schemas"]
    (schema,) = (schema for name, schema in schemas.items() if name.endswith(f".{kind}"))

    fields = dict(described(schema, ""))

    assert len(fields) > 20
    assert [path for path, description in fields.items() if says_little(path, description)] == []


def test_explain_says_what_a_field_may_be_and_means(shown: Kubectl) -> None:
    said = " ".join(shown("explain", "denv.spec.model.updateStrategy").split())

    assert "FIELD: updateStrategy <string>" in said
    assert "ENUM: InPlace RollingUpdate" in said
    assert "InPlace (default): the running server pulls the new model." in said


AGES = re.compile(r"^\d+s$")
NOT_LOOKED_AT: JsonObject = {}


def condition(type_: str, status: str, reason: str) -> JsonObject:
    times = {"lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {"type": type_, "status": status, "reason": reason, "message": "As it is.", **times}


ENVIRONMENTS = {
    "fresh": (NOT_LOOKED_AT, ["", "", "", "", "", "", ""]),
    "fine": (
        {
            "tag": "fine",
            "desiredModel": {"name": "A", "hash": "1"},
            "servedModels": [{"name": "A", "replicas": 2}],
            "servingReplicas": 2,
            "conditions": [
                condition("Ready", "True", "Ready"),
                condition("ConversationsPersisted", "True", "Persisted"),
            ],
        },
        ["True", "Ready", "fine", "A", "A", "2", "True"],
    ),
    "moving": (
        {
            "tag": "moving",
            "desiredModel": {"name": "B", "hash": "2"},
            "servedModels": [{"name": "A", "replicas": 2}, {"name": "B", "replicas": 1}],
            "servingReplicas": 1,
            "conditions": [condition("Ready", "False", "AnotherModelServed")],
        },
        ["False", "AnotherModelServed", "moving", "B", "A", "1", ""],
    ),
    "untagged": (
        {"tag": "untagged", "conditions": [condition("Ready", "False", "TagNotFound")]},
        ["False", "TagNotFound", "untagged", "", "", "", ""],
    ),
}


def test_the_columns_of_an_environment_say_whether_it_is_ready_what_it_serves_and_why_not(shown: Kubectl) -> None:
    shown("apply", "-f", "-", given=text_of(*[manifests.environment(name) for name in ENVIRONMENTS]))
    for name, (status, _) in ENVIRONMENTS.items():
        if status:
            patch = yaml.safe_dump({"status": status})
            shown("patch", "denv", name, "--subresource=status", "--type=merge", "--patch", patch)

    header, rows = shown.table("denv")

    assert header == ["NAME", "READY", "REASON", "TAG", "DESIRED", "SERVED", "SERVING", "PERSISTED", "AGE"]
    assert {row[0]: row[1:-1] for row in rows} == {name: cells for name, (_, cells) in ENVIRONMENTS.items()}
    assert all(AGES.match(row[-1]) for row in rows)
