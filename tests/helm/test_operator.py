"""The operator as the chart installs it."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.runtime.settings import Settings
from release.chart.operator_settings import OUTSIDE_CHART, SET_BY_TEMPLATES
from tests.helm.rendering import RELEASE, RefusedError, render

OF_ITS_PODS = {
    "RASA_ENVIRONMENTS_OPERATOR_NAMESPACE": "",  # the pod's own, by reference
    "RASA_ENVIRONMENTS_OPERATOR_SELECTOR": f"app.kubernetes.io/name={RELEASE},app.kubernetes.io/component=operator",
}


def test_one_operator_never_runs_beside_another() -> None:
    deployment = render().one("Deployment")

    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert "RASA_ENVIRONMENTS_LEADER_ELECT" not in render().variables()


def test_of_several_operators_one_is_elected_and_the_rest_stay_apart() -> None:
    release = render({"replicas": 2})

    assert release.one("Deployment")["spec"]["strategy"] == {"type": "RollingUpdate"}
    assert release.variables()["RASA_ENVIRONMENTS_LEADER_ELECT"] == "true"
    assert release.one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    spread = release.pod()["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]


def test_how_they_are_spread_and_drained_can_be_decided() -> None:
    by_hand = {"topologyKey": "rack", "maxSkew": 2, "whenUnsatisfiable": "DoNotSchedule"}

    release = render({"replicas": 3, "topologySpreadConstraints": [by_hand], "podDisruptionBudget": {"enabled": False}})

    assert release.pod()["topologySpreadConstraints"] == [by_hand]
    assert release.names("PodDisruptionBudget") == set()


def test_settings_become_variables_that_the_operator_reads() -> None:
    settings = {
        "workers": 4,
        "servedInterval": "10m",
        "allowedInjectors": ["istio-*", "DD_*"],
        "allowLinkLocal": True,
        "allowLoopback": True,
        "logLevel": "debug",
        "logFormat": "text",
    }

    assert render({"operator": {"settings": settings}}).variables() == {
        **OF_ITS_PODS,
        "RASA_ENVIRONMENTS_WORKERS": "4",
        "RASA_ENVIRONMENTS_SERVED_INTERVAL": "10m",
        "RASA_ENVIRONMENTS_ALLOWED_INJECTORS": "istio-* DD_*",
        "RASA_ENVIRONMENTS_ALLOW_LINK_LOCAL": "true",
        "RASA_ENVIRONMENTS_ALLOW_LOOPBACK": "true",
        "RASA_ENVIRONMENTS_LOG_LEVEL": "debug",
        "RASA_ENVIRONMENTS_LOG_FORMAT": "text",
    }


def test_the_settings_outside_the_chart_are_settings_of_the_operator() -> None:
    assert set(Settings.model_fields) >= SET_BY_TEMPLATES | OUTSIDE_CHART


@pytest.mark.parametrize(
    "refused",
    [{"workers": 257}, {"servedInterval": 0}, {"servedInterval": "1d"}, {"logLevel": "trace"}, {"port": 80}],
)
def test_a_setting_has_the_same_form_and_bounds_in_the_chart(refused: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=next(iter(refused))):
        render({"operator": {"settings": refused}})


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, "rasa-environments:0.2.0"),
        ({"repository": "registry.example/rasa", "tag": "edge"}, "registry.example/rasa:edge"),
        ({"tag": "edge", "digest": f"sha256:{'0' * 64}"}, f"rasa-environments@sha256:{'0' * 64}"),
    ],
)
def test_the_image_is_named_by_tag_or_digest(image: dict[str, str], reference: str) -> None:
    assert render({"image": image}).container()["image"] == reference


def test_its_pod_meets_the_restricted_level() -> None:
    release = render()

    assert release.pod()["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert release.container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_pod_takes_what_a_platform_asks_for() -> None:
    given: dict[str, Any] = {
        "podLabels": {"team": "bots"},
        "podAnnotations": {"sidecar.istio.io/inject": "false"},
        "nodeSelector": {"pool": "small"},
        "tolerations": [{"key": "small", "operator": "Exists"}],
        "priorityClassName": "system-cluster-critical",
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "extraVolumes": [{"name": "authority", "configMap": {"name": "authority"}}],
        "extraVolumeMounts": [{"name": "authority", "mountPath": "/authority"}],
    }

    release = render({"operator": given, "image": {"pullSecrets": ["registry"]}})

    template = release.one("Deployment")["spec"]["template"]
    assert template["metadata"]["labels"]["team"] == "bots"
    assert template["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
    assert release.pod()["nodeSelector"] == given["nodeSelector"]
    assert release.pod()["tolerations"] == given["tolerations"]
    assert release.pod()["priorityClassName"] == given["priorityClassName"]
    assert release.pod()["imagePullSecrets"] == [{"name": "registry"}]
    assert release.variables()["HTTPS_PROXY"] == "http://proxy:3128"
    assert given["extraVolumes"][0] in release.pod()["volumes"]
    assert given["extraVolumeMounts"][0] in release.container()["volumeMounts"]


def test_its_selector_is_that_of_the_manifests_since_a_deployment_cannot_change_it() -> None:
    assert render().one("Deployment")["spec"]["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": RELEASE,
        "app.kubernetes.io/component": "operator",
    }


def test_two_releases_in_a_namespace_select_different_pods() -> None:
    other = render({"fullnameOverride": "other"}).one("Deployment", "other")

    assert other["spec"]["selector"] != render().one("Deployment")["spec"]["selector"]


def test_a_release_without_the_operator_has_none_of_it() -> None:
    assert render({"operator": {"enabled": False}}).objects == ()


def test_a_common_label_is_on_every_object() -> None:
    server = {"enabled": True, "tokens": {"existingSecret": "tokens"}}
    release = render({"commonLabels": {"owner": "platform"}, "modelServer": server, "replicas": 2})

    assert {obj["metadata"]["labels"].get("owner") for obj in release.objects} == {"platform"}


def test_an_existing_account_is_not_created() -> None:
    release = render({"serviceAccount": {"create": False, "name": "operators"}})

    assert release.names("ServiceAccount") == set()
    assert release.pod()["serviceAccountName"] == "operators"
    assert release.one("ClusterRoleBinding", f"{RELEASE}-operator")["subjects"][0]["name"] == "operators"


def test_it_knows_its_own_pods_whatever_the_release_is_called() -> None:
    release = render({"fullnameOverride": "other", "operator": {"podLabels": {"team": "bots"}}})

    said = release.variables("other")["RASA_ENVIRONMENTS_OPERATOR_SELECTOR"]
    labels = release.one("Deployment", "other")["spec"]["template"]["metadata"]["labels"]
    assert dict(pair.split("=") for pair in said.split(",")).items() <= labels.items()
    assert {
        "name": "RASA_ENVIRONMENTS_OPERATOR_NAMESPACE",
        "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}},
    } in release.container("other")["env"]


def test_only_its_metrics_are_open_and_only_to_the_cluster() -> None:
    policy = render().one("NetworkPolicy")["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [
        {"ports": [{"port": "http", "protocol": "TCP"}], "from": [{"podSelector": {}}, {"namespaceSelector": {}}]}
    ]
    name_servers = [{"port": port, "protocol": "UDP"} for port in (53, 5353)]
    assert policy["egress"] == [{"ports": [{"protocol": "TCP"}, *name_servers]}]


def test_who_may_read_its_metrics_can_be_chosen() -> None:
    prometheus = {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}

    chosen = render({"networkPolicy": {"metricsFrom": [prometheus]}}).one("NetworkPolicy")["spec"]
    nobody = render({"networkPolicy": {"metricsFrom": []}}).one("NetworkPolicy")["spec"]

    assert chosen["ingress"][0]["from"] == [{"podSelector": {}}, prometheus]
    assert nobody["ingress"][0]["from"] == [{"podSelector": {}}]
    assert render({"networkPolicy": {"enabled": False}}).names("NetworkPolicy") == set()


def test_where_it_may_connect_to_can_be_chosen() -> None:
    egress = [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]

    chosen = render({"networkPolicy": {"operatorEgress": egress}}).one("NetworkPolicy")["spec"]
    everywhere = render({"networkPolicy": {"operatorEgress": None}}).one("NetworkPolicy")["spec"]

    assert chosen["egress"] == egress
    assert (everywhere["policyTypes"], "egress" in everywhere) == (["Ingress"], False)


def test_a_name_that_no_object_can_have_is_refused() -> None:
    with pytest.raises(RefusedError, match="fullnameOverride"):
        render({"fullnameOverride": "Not a name"})
