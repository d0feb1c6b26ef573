"""The operator's rights: each is used, none of its requests is refused, and Secrets of others are left alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from local.installation import ACCOUNT, MANIFESTS, OPERATOR, documents
from rasa_environments.api.base import GROUP, JsonObject
from tests.integration.audit import USER
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import config_map, environment, model_tag
from tests.integration.model_server_process import MODEL_A, MODEL_B, ModelServerProcess
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.space import CHILD_KINDS, ENVIRONMENT, ON_REQUEST, Space
from tests.integration.test_drift import EVERYTHING, LABELS
from tests.integration.test_served import is_replaced, pod_name

Right = tuple[str, str]
"""A verb, and a resource with its subresource."""

ASKED_BY_ADMISSION: frozenset[Right] = frozenset(
    {
        ("update", "deploymentenvironments/finalizers"),
        *(("decide", f"{kind}/status") for kind in ("modelservers", "deploymentenvironments", "modeltags")),
    }
)
"""Asked for by the API server's plugin OwnerReferencesPermissionEnforcement, where that is enabled, and by the policy
for statuses."""

RIGHTS = MANIFESTS / "base" / "rbac.yaml"
POLICY = "ValidatingAdmissionPolicy"
WRITING = {"create", "update", "patch", "delete", "deletecollection"}
DECISION = "authorization.k8s.io/decision"
"""An annotation of the audit log: a terminating namespace answers 403 even to permitted users."""


@pytest.fixture(scope="module")
def requests(
    shared: Installation, new_space: Callable[[], Space], model_server: ModelServerProcess
) -> list[JsonObject]:
    """Everything that operators requested, by the audit log, while every kind was created, changed and removed."""
    space = new_space()
    furnish(space, model_server)
    space.apply(environment(**EVERYTHING, model={"pullPeriodSeconds": 1}), model_tag("staging", model=MODEL_A))
    space.wait_until_ready()
    for kind in CHILD_KINDS:
        put_right(space, kind)
    for kind in ("ConfigMap", "Secret"):
        space.patch(kind, "production-rasa", {"data": None, "immutable": True})
        space.eventually(partial(is_mutable, space, kind), f"the {kind} to be put right")
    put_right(space, "ConfigMap")
    space.eventually(lambda: any("series" in event for event in space.list("Event")), "an Event to be counted again")
    lose_the_model(space)
    take_a_tag_away(space)
    run_an_action_server_for_a_while(space)
    verify_a_model(space)
    verify_a_model_by_a_job(space)
    space.patch(ENVIRONMENT, "production", {"spec": dict.fromkeys(EVERYTHING)})
    for kind in ON_REQUEST:
        space.eventually(lambda kind=kind: space.list(kind) == [], f"the {kind} to be gone")  # type: ignore[misc]
    leader = shared.operator("--leader-elect", "--namespace", space.namespace)
    for _ in range(2):  # the second renews what the first has created
        leader.start()
        leader.wait_until(lambda: "everything is listed" in leader.log.read_text(), "at work")
        leader.stop()
    entries = (json.loads(line) for line in shared.audit.text(0).splitlines())
    return [
        entry for entry in entries if entry["user"]["username"] == USER and "resource" in entry.get("objectRef", {})
    ]


def put_right(space: Space, kind: str) -> None:
    """Edits the child, and waits until the operator has undone it."""
    labels = space.child(kind)["metadata"]["labels"]
    space.patch(kind, "production-rasa", LABELS)
    space.eventually(lambda: space.child(kind)["metadata"]["labels"] == labels, f"the {kind} to be as it was")


def is_mutable(space: Space, kind: str) -> bool:
    """Whether the child is there, and can be changed."""
    child = space.find_child(kind)
    return child is not None and not child.get("immutable")


def lose_the_model(space: Space) -> None:
    """Let the pod lose its model, and wait until the operator has replaced the pod."""
    pod = pod_name(space)
    with scripted_rasa(space) as rasa:
        rasa.model = MODEL_A
        space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")
        rasa.model = None
        space.eventually(lambda: is_replaced(space, pod), "the pod to be replaced")


def take_a_tag_away(space: Space) -> None:
    """Delete a ModelTag that deletes its tag, and wait until the operator has done so."""
    space.apply(model_tag("passing", model=MODEL_A, deletionPolicy="Delete"))
    space.wait_for_condition("ModelTag", "passing", "Tagged", status="True")
    space.delete("ModelTag", "passing")
    space.eventually(
        lambda: "pendingTagDeletions" not in space.status("ModelServer", "default"), "the tag to be taken away"
    )


def run_an_action_server_for_a_while(space: Space) -> None:
    """Have an action server next to the environment, and then no longer."""
    kinds = ("Deployment", "Service", "ServiceAccount")

    def there() -> list[bool]:
        return [space.find(kind, "production-actions") is not None for kind in kinds]

    space.patch(ENVIRONMENT, "production", {"spec": {"actionServer": {"image": "actions:1"}}})
    space.eventually(lambda: all(there()), "the action server")
    space.patch(ENVIRONMENT, "production", {"spec": {"actionServer": None}})
    space.eventually(lambda: not any(there()), "the action server to be gone", 60)


def verify_a_model(space: Space) -> None:
    """Let a model be verified by a candidate, and take the ModelTag away."""
    conversations = "test_cases: [{test_case: greeting, steps: [{user: hello}, {bot: Hello.}]}]"
    source = {"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}
    verification = {"candidate": {"conversations": [source]}}
    space.apply(
        config_map("conversations", **{"tests.yaml": conversations}),
        model_tag(model=MODEL_B, verification=verification),
    )
    space.eventually(lambda: space.find("Deployment", "production-candidate"), "the candidate to be there")
    space.delete("ModelTag", "production")
    space.eventually(lambda: space.find("ConfigMap", "production-candidate") is None, "the candidate to be gone")


def verify_a_model_by_a_job(space: Space) -> None:
    """Let a model be verified by a Job, and take the ModelTag away while it runs."""
    pod = {"containers": [{"name": "test", "image": "tests:1"}]}
    verification = {"candidate": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}
    space.apply(model_tag(model=MODEL_B, verification=verification))
    space.eventually(lambda: space.list("Job"), "the Job to be there", 60)
    space.delete("ModelTag", "production")
    space.eventually(lambda: not space.list("Job"), "the Job to be gone")


def right(entry: JsonObject) -> Right:
    """The right that a request needs."""
    target = entry["objectRef"]
    return entry["verb"], "/".join(filter(None, (target.get("resource", ""), target.get("subresource", ""))))


def granted() -> Iterator[Right]:
    """The rights in the shipped roles of the operator."""
    for document in documents(OPERATOR):
        if document["kind"] in ("ClusterRole", "Role") and is_of_the_operator(document["metadata"]["name"]):
            for rule in document["rules"]:
                yield from ((verb, resource) for verb in rule["verbs"] for resource in rule["resources"])


def is_of_the_operator(role: str) -> bool:
    return role in ("rasa-environments-operator", "rasa-environments-leader")


def test_every_right_is_used(requests: list[JsonObject]) -> None:
    assert set(granted()) - {right(entry) for entry in requests} == ASKED_BY_ADMISSION


def test_nothing_is_denied(requests: list[JsonObject]) -> None:
    assert {right(entry) for entry in requests if entry["annotations"][DECISION] != "allow"} == set()


def test_secrets_without_the_operators_label_are_followed_in_one_namespace_at_a_time(
    requests: list[JsonObject],
) -> None:
    followed = [
        entry
        for entry in requests
        if entry["objectRef"].get("resource") == "secrets" and entry["verb"] in ("list", "watch")
    ]
    everywhere = [entry for entry in followed if not entry["objectRef"].get("namespace")]
    assert everywhere
    assert [entry for entry in everywhere if "labelSelector=" not in entry["requestURI"]] == []
    assert [entry for entry in followed if entry not in everywhere], "those that resources name"


def test_no_right_is_a_wildcard() -> None:
    assert not [right for right in granted() if "*" in "".join(right)]


def test_every_right_to_write_is_one_that_the_policies_for_the_account_know() -> None:
    (writes,) = (
        each for each in documents([ACCOUNT]) if each["metadata"]["name"].endswith("-writes") and each["kind"] == POLICY
    )
    expressions = {each["name"]: each["expression"] for each in writes["spec"]["variables"]}
    deletes = expressions["child"].partition("'DELETE'")[2] + expressions["job"] + expressions["pod"]
    rules = [rule for each in documents([RIGHTS]) for rule in each.get("rules", ())]

    def unknown(verbs: set[str], known: str) -> set[str]:
        return {
            resource
            for rule in rules
            if verbs & {*rule["verbs"]}
            for each in rule["resources"]
            if f"'{(resource := '/'.join(filter(None, (rule['apiGroups'][0], each))))}'" not in known
        }

    assert unknown(WRITING, " ".join(expressions.values())) == {f"{GROUP}/deploymentenvironments/finalizers"}
    assert unknown({"delete"}, deletes) == set()
