"""The action server next to an environment: its children, and how Rasa finds it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.desired.context import (
    CHILD_SUFFIXES,
    Context,
    action_server_key,
    child_key,
    environment_key,
)
from rasa_environments.desired.environment import children
from rasa_environments.desired.errors import SpecError
from tests.desired.action_server_changes import ACTION_SERVER_CHANGES, PORT_CHANGE
from tests.desired.change import Change
from tests.desired.contexts import children_by_kind, context

IMAGE = "registry.example.com/actions:1"
RASA: JsonObject = {"rasa": {"version": "3.6.21"}}
WEBHOOK = "http://support-actions.bots.svc:5055/webhook"
KINDS = {"ServiceAccount", "Service", "NetworkPolicy", "Deployment"}


def with_actions(defaults: JsonObject | None = None, **wanted: Any) -> Context:
    """The context of an environment with an action server."""
    return context({**RASA, "actionServer": {"image": IMAGE, **wanted}}, defaults=defaults)


def of_actions(made: Context) -> dict[str, JsonObject]:
    """The children of the action server, by kind."""
    return {child["kind"]: child for child in children(made) if child["metadata"]["name"] == "support-actions"}


def pod(made: Context) -> JsonObject:
    """The pod template of the action server."""
    template: JsonObject = of_actions(made)["Deployment"]["spec"]["template"]
    return template


def action_endpoint(made: Context) -> object:
    """The action server as Rasa knows it."""
    return yaml.safe_load(children_by_kind(made)["ConfigMap"]["data"]["endpoints.yml"]).get("action_endpoint")


def test_an_environment_without_an_action_server_has_no_children_for_one() -> None:
    assert of_actions(context(RASA)) == {}


def test_an_action_server_has_a_deployment_a_service_and_an_account_of_its_own() -> None:
    made = of_actions(with_actions())

    assert made.keys() == KINDS
    assert pod(with_actions())["spec"]["serviceAccountName"] == "support-actions"
    assert made["ServiceAccount"]["automountServiceAccountToken"] is False


def test_its_children_belong_to_the_environment() -> None:
    made = with_actions()
    (rasa,) = children_by_kind(made)["Deployment"]["metadata"]["ownerReferences"]

    assert [child["metadata"]["ownerReferences"] for child in of_actions(made).values()] == [[rasa]] * len(KINDS)


def test_rasa_calls_its_service() -> None:
    made = with_actions(port=8080)

    assert action_endpoint(with_actions()) == {"url": WEBHOOK}
    assert action_endpoint(made) == {"url": "http://support-actions.bots.svc:8080/webhook"}
    (port,) = of_actions(made)["Service"]["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (8080, "http")


@pytest.mark.parametrize(
    ("server", "version"),
    [
        ({"profile": "RasaX-0.2"}, "1.10.26"),
        ({"profile": "RasaX-0.32"}, "1.10.26"),
        ({"profile": "RasaEnterprise-1.0"}, "2.8.34"),
        ({"profile": "OpenSource"}, "3.6.21"),
        ({"profile": "RasaPro"}, "3.21.0"),
    ],
)
def test_rasa_calls_it_whatever_the_profile(server: JsonObject, version: str) -> None:
    spec = {"rasa": {"version": version}, "actionServer": {"image": IMAGE}}
    details: JsonObject = {"server": server}
    if server["profile"].startswith("RasaX"):
        details["secret_values"] = {"JWT_SECRET": "jwt"}

    made = context(spec, **details)

    assert action_endpoint(made) == {"url": WEBHOOK}


def test_rasa_x_0_32_hands_its_address_to_the_servers_that_it_configures() -> None:
    made = context(
        {"rasa": {"version": "1.10.26"}, "actionServer": {"image": IMAGE}},
        server={"profile": "RasaX-0.32"},
        secret_values={"JWT_SECRET": "jwt"},
    )
    (container,) = children_by_kind(made)["Deployment"]["spec"]["template"]["spec"]["containers"]
    values = {entry["name"]: entry.get("value") for entry in container["env"]}

    assert values["RASA_USER_APP"] == "http://support-actions.bots.svc:5055"


def test_no_selector_takes_the_pods_of_one_for_those_of_the_other() -> None:
    made = with_actions()
    rasa, actions = children_by_kind(made), of_actions(made)
    labels = {name: child["Deployment"]["spec"]["template"]["metadata"]["labels"] for name, child in
              (("rasa", rasa), ("actions", actions))}  # fmt: skip

    for name, child in (("rasa", rasa), ("actions", actions)):
        selector = child["Service"]["spec"]["selector"].items()
        assert child["Deployment"]["spec"]["selector"]["matchLabels"].items() == selector
        assert [each for each, found in labels.items() if selector <= found.items()] == [name]


def test_only_the_rasa_servers_of_the_environment_reach_it() -> None:
    made = with_actions()
    policy = of_actions(made)["NetworkPolicy"]["spec"]

    assert policy["podSelector"]["matchLabels"] == of_actions(made)["Service"]["spec"]["selector"]
    assert policy["policyTypes"] == ["Ingress"]
    (rule,) = policy["ingress"]
    candidate = {"app.kubernetes.io/name": "rasa-candidate", "rasa-environments.io/candidate-of": "support"}
    assert rule["from"] == [{"podSelector": {"matchLabels": labels}} for labels in (made.selector, candidate)]


def test_its_pods_are_restricted_and_write_to_tmp_alone() -> None:
    spec = pod(with_actions())["spec"]
    (container,) = spec["containers"]

    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_it_is_probed_for_its_health(probe: str) -> None:
    (container,) = pod(with_actions())["spec"]["containers"]

    assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}


def test_no_secret_of_the_environment_is_in_its_pods() -> None:
    text = yaml.dump(pod(with_actions()))

    assert "secretKeyRef" not in text
    assert "support-rasa" not in text


def test_pod_templates_are_merged_one_after_the_other() -> None:
    def template(name: str, value: str) -> JsonObject:
        return {"podTemplate": {"spec": {"containers": [{"name": "actions", "env": [{"name": name, "value": value}]}]}}}

    made = with_actions({"actionServer": {**template("A", "default"), "port": 5056}}, **template("B", "own"))
    (container,) = pod(made)["spec"]["containers"]
    values = {entry["name"]: entry["value"] for entry in container["env"]}

    assert (values["A"], values["B"]) == ("default", "own")
    assert container["ports"][0]["containerPort"] == 5056


def test_an_existing_action_server_of_the_environment_replaces_the_one_of_the_defaults() -> None:
    made = context(
        {**RASA, "actionEndpoint": {"url": "http://mine:5055/webhook"}}, defaults={"actionServer": {"image": IMAGE}}
    )

    assert of_actions(made) == {}
    assert action_endpoint(made) == {"url": "http://mine:5055/webhook"}


def test_an_action_server_of_the_environment_replaces_the_existing_one_of_the_defaults() -> None:
    made = with_actions({"actionEndpoint": {"url": "http://shared:5055/webhook"}})

    assert action_endpoint(made) == {"url": WEBHOOK}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"image": None}, r"spec\.actionServer\.image is missing: set it"),
        (
            {"podTemplate": {"metadata": {"labels": {"app.kubernetes.io/name": "x"}}}},
            r"spec\.actionServer\.podTemplate\.metadata\.labels may not change app.kubernetes.io/name=rasa-actions",
        ),
        (
            {"podTemplate": {"spec": {"containers": [{"name": "actions", "$patch": "delete"}]}}},
            r"spec\.actionServer\.podTemplate removes the container actions",
        ),
        (
            {"podTemplate": {"spec": {"containers": [{"name": "actions", "image": "other"}]}}},
            r"set spec\.actionServer\.image instead",
        ),
        (
            {"podTemplate": {"spec": {"containers": [{"image": "other"}]}}},
            r"spec\.actionServer\.podTemplate\.spec\.containers\[0\] has no name.*container is called actions",
        ),
    ],
)
def test_what_cannot_work_is_told_with_its_remedy(wanted: JsonObject, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        children(with_actions(**wanted))


def test_a_name_without_room_for_the_suffix_is_told_where_the_defaults_ask_for_an_action_server() -> None:
    made = context(RASA, name="a" * 56, defaults={"actionServer": {"image": IMAGE}})

    with pytest.raises(SpecError, match=r"metadata\.name has 56 characters, and may have at most 55"):
        children(made)
    assert children(context(RASA, name="a" * 55, defaults={"actionServer": {"image": IMAGE}}))


@pytest.mark.parametrize("change", ACTION_SERVER_CHANGES, ids=lambda change: change.field)
def test_a_changed_field_changes_its_child_and_no_rasa_server(change: Change) -> None:
    before, after = (
        children_by_kind(context({**RASA, **change.spec(value)})) for value in (change.before, change.after)
    )

    assert change.seen_in(before.get(change.kind, {})) != change.shows
    assert change.seen_in(after[change.kind]) == change.shows
    if change.field != PORT_CHANGE.field:
        assert before["Deployment"] == after["Deployment"]


def test_another_port_is_told_to_the_rasa_servers() -> None:
    before, after = (
        children_by_kind(context({**RASA, **PORT_CHANGE.spec(value)})) for value in (None, PORT_CHANGE.after)
    )

    assert PORT_CHANGE.seen_in(after["ConfigMap"]) == PORT_CHANGE.shows
    assert before["Deployment"]["spec"]["template"] != after["Deployment"]["spec"]["template"]


@pytest.mark.parametrize("change", ACTION_SERVER_CHANGES, ids=lambda change: change.field)
def test_the_defaults_do_what_the_spec_of_an_environment_does(change: Change) -> None:
    spec = {**RASA, **change.spec(change.after)}

    assert children_by_kind(context({}, defaults=spec)) == children_by_kind(context(spec))


@pytest.mark.parametrize("key", [child_key, action_server_key])
@pytest.mark.parametrize("name", ["support", "support-rasa", "support-actions"])
def test_the_name_of_a_child_tells_its_environment(name: str, key: Any) -> None:
    environment = ObjectKey("bots", name)

    assert environment_key(key(environment)) == environment


def test_no_name_ends_in_two_suffixes() -> None:
    for suffix in CHILD_SUFFIXES:
        assert [each for each in CHILD_SUFFIXES if f"x{suffix}".endswith(each)] == [suffix]
