"""The ModelServer and its environments: which ones there are, what runs in them, and their own settings."""

from __future__ import annotations

import pytest

from rasa_chart_import.findings import Outcome

from .cases import (
    ENTERPRISE,
    RASA_X,
    RASA_X_0_2,
    RASA_X_0_4,
    defaults,
    environments,
    finding,
    from_chart,
    from_values,
    from_yaml,
    secret_key,
    server,
)


@pytest.mark.parametrize(
    ("tag", "profile"),
    [
        ("0.26.0", "RasaX-0.2"),
        ("0.31.5", "RasaX-0.2"),
        ("0.32.0", "RasaX-0.32"),
        ("0.42.6", "RasaX-0.32"),
        ("1.0.0", "RasaEnterprise-1.0"),
        ("1.2.2", "RasaEnterprise-1.0"),
    ],
)
def test_the_version_of_rasa_x_decides_the_profile(tag: str, profile: str) -> None:
    assert server(from_values({"rasax": {"tag": tag}}))["profile"] == profile


@pytest.mark.parametrize(
    ("chart", "profile"), [(RASA_X_0_2, "RasaX-0.2"), (RASA_X_0_4, "RasaX-0.32"), (ENTERPRISE, "RasaEnterprise-1.0")]
)
def test_where_the_file_names_no_version_that_of_the_chart_does(chart: tuple[int, ...], profile: str) -> None:
    result = from_values({}, chart)

    assert server(result)["profile"] == profile
    assert any("does not say which version of Rasa X runs" in remark for remark in result.remarks)


def test_the_model_server_is_the_rasa_x_of_the_release() -> None:
    result = from_yaml("rasax: {port: 5003}")

    assert server(result)["url"] == "http://my-rasa-x-rasa-x.bots.svc:5003"
    assert server(result)["authToken"] == secret_key("my-rasa", "rasaToken")
    assert defaults(result)["jwt"] == {"key": secret_key("my-rasa", "jwtSecret")}


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"fullnameOverride": "bot"}, "http://bot-rasa-x.bots.svc:5002"),
        ({"nameOverride": "y"}, "http://my-rasa-x.bots.svc:5002"),
    ],
)
def test_overrides_of_names_are_followed(values: dict[str, str], url: str) -> None:
    assert server(from_values(dict(values)))["url"] == url


def test_production_and_worker_are_there_whatever_the_file_says_of_them() -> None:
    assert list(environments(from_yaml("debugMode: true"))) == ["production", "worker"]


def test_a_version_that_is_not_enabled_becomes_no_environment() -> None:
    result = from_yaml("rasa: {versions: {rasaWorker: {enabled: false, replicaCount: 3}}}")

    assert list(environments(result)) == ["production"]
    assert "not enabled" in finding(result, "rasa.versions.rasaWorker.replicaCount").text


def test_a_version_that_null_takes_away_becomes_no_environment() -> None:
    assert list(environments(from_yaml("rasa: {versions: {rasaWorker: null}}"))) == ["production"]


def test_a_further_version_becomes_a_further_environment() -> None:
    result = from_yaml("""
        rasa:
          versions:
            rasaStaging:
              enabled: true
              replicaCount: 2
              modelTag: staging
              trackerDatabase: staging_tracker
              rasaEnvironment: staging
              resources: {requests: {memory: 2Gi}, limits: {cpu: 1}}
              nodeSelector: {disk: ssd}
              service: {annotations: {team: bots}}
              extraVolumes: [{name: certificates, secret: {secretName: ca}}]
              extraVolumeMounts: [{name: certificates, mountPath: /certificates}]
        """)

    assert environments(result)["staging"] == {
        "replicas": 2,
        "trackerStore": {"sql": {"database": "staging_tracker"}},
        "service": {"annotations": {"team": "bots"}},
        "resources": {"requests": {"memory": "2Gi"}, "limits": {"cpu": 1}},
        "podTemplate": {
            "spec": {
                "nodeSelector": {"disk": "ssd"},
                "volumes": [{"name": "certificates", "secret": {"secretName": "ca"}}],
                "containers": [
                    {"name": "rasa", "volumeMounts": [{"name": "certificates", "mountPath": "/certificates"}]}
                ],
            }
        },
    }


def test_a_version_that_runs_elsewhere_is_registered_and_not_deployed() -> None:
    result = from_yaml("""
        rasa: {versions: {rasaProduction: {enabled: false, external: {enabled: true, url: "https://rasa.example.com"}}}}
        """)

    assert environments(result)["production"] == {
        "external": {"url": "https://rasa.example.com", "authToken": secret_key("my-rasa", "rasaToken")}
    }


def test_a_version_that_runs_nowhere_becomes_no_environment() -> None:
    result = from_yaml("rasa: {versions: {rasaProduction: {enabled: false, external: {enabled: true}}}}")

    assert list(environments(result)) == ["worker"]
    assert finding(result, "rasa.versions.rasaProduction.external.enabled").outcome is Outcome.BY_HAND


def test_the_names_of_an_environment_are_kept_and_its_role_is_told() -> None:
    result = from_yaml("rasa: {versions: {rasaProduction: {rasaEnvironment: Live_1}}}", RASA_X_0_4)

    live = environments(result)["live-1"]
    assert (live["environment"], live["role"], live["tag"]) == ("Live_1", "Production", "production")


def test_two_versions_of_one_environment_get_names_of_their_own() -> None:
    result = from_yaml("rasa: {versions: {rasaWorker: {rasaEnvironment: production}}}")

    assert list(environments(result)) == ["production", "production-2"]
    assert finding(result, "rasa.versions.rasaWorker.rasaEnvironment").outcome is Outcome.BY_HAND


def test_a_tag_that_another_environment_follows_is_left_to_a_person() -> None:
    result = from_yaml("rasa: {versions: {rasaWorker: {modelTag: production}}}", RASA_X_0_4)

    assert "tag" not in environments(result)["worker"]
    told = finding(result, "rasa.versions.rasaWorker.modelTag")
    assert told.outcome is Outcome.BY_HAND
    assert "it follows the tag worker" in told.text


def test_no_replicas_are_one_replica_as_in_the_chart() -> None:
    result = from_yaml("rasa: {versions: {rasaWorker: {replicaCount: 0}}}")

    assert "replicas" not in environments(result)["worker"]
    assert "takes 0 for nothing said" in finding(result, "rasa.versions.rasaWorker.replicaCount").text


@pytest.mark.parametrize(
    ("values", "chart", "rasa"),
    [
        ({"tag": "2.8.15-full"}, ENTERPRISE, {"version": "2.8.15"}),
        ({"version": "2.8.15"}, ENTERPRISE, {"version": "2.8.15"}),
        ({"tag": "2.8.15-spacy-en"}, ENTERPRISE, {"image": "rasa/rasa:2.8.15-spacy-en"}),
        ({"name": "registry.example.com/bot", "tag": 7}, ENTERPRISE, {"image": "registry.example.com/bot:7"}),
        ({"version": "1.10.26"}, RASA_X_0_4, {"version": "1.10.26"}),
        ({"version": "2.8.15"}, RASA_X_0_4, {"image": "rasa/rasa:2.8.15-full"}),
        ({}, (2, 11, 0), {"image": "rasa/rasa:2.8.15-full"}),
    ],
)
def test_the_image_is_a_version_where_the_profile_runs_the_vendor_s(
    values: dict[str, object], chart: tuple[int, ...], rasa: dict[str, str]
) -> None:
    assert defaults(from_values({"rasa": values}, chart))["rasa"] == rasa


@pytest.mark.parametrize(
    ("chart", "rasa"),
    [
        ((1, 2, 4), {"image": "rasa/rasa:1.9.5"}),
        ((2, 11, 0), {"image": "rasa/rasa:2.8.15-full"}),
        ((4, 5, 23), {"version": "3.2.6"}),
    ],
)
def test_where_the_file_names_no_version_of_rasa_it_is_that_of_the_release(
    chart: tuple[int, ...], rasa: dict[str, str]
) -> None:
    result = from_values({}, chart)

    assert defaults(result)["rasa"] == rasa
    assert any("the file names no version of Rasa" in remark for remark in result.remarks)


@pytest.mark.parametrize(("chart", "names"), [((1, 16, 0), {"production", "worker"}), ((3, 0, 0), {"worker"})])
def test_only_what_the_release_runs_by_default_becomes_an_environment(chart: tuple[int, ...], names: set[str]) -> None:
    assert {*environments(from_chart(RASA_X, {}, chart))} == names


def test_what_all_servers_have_in_common_is_in_the_defaults() -> None:
    shared = defaults(
        from_yaml("""
        debugMode: true
        images: {pullPolicy: IfNotPresent, imagePullSecrets: [{name: registry}]}
        securityContext: {runAsUser: 1001, fsGroup: null}
        rasa:
          tag: 2.8.15-full
          port: 5006
          extraArgs:
            [--cors, "https://chat.example.com", "https://example.com", --endpoints, other.yml, --response-timeout, 60]
          tolerations: [{key: gpu, operator: Exists}]
          podLabels: {team: bots, app.kubernetes.io/name: other}
        """)
    )

    assert shared["rasa"] == {
        "version": "2.8.15",
        "imagePullPolicy": "IfNotPresent",
        "imagePullSecrets": [{"name": "registry"}],
        "port": 5006,
        "corsOrigins": ["https://chat.example.com", "https://example.com"],
        "logLevel": "Debug",
        "extraArgs": ["--response-timeout", "60"],
    }
    assert shared["podTemplate"]["metadata"] == {"labels": {"team": "bots"}}
    assert shared["podTemplate"]["spec"]["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert shared["podTemplate"]["spec"]["securityContext"] == {"runAsUser": 1001}


def test_duckling_stays_known_to_the_servers() -> None:
    (container,) = defaults(from_yaml(""))["podTemplate"]["spec"]["containers"]

    assert container["env"] == [{"name": "RASA_DUCKLING_HTTP_URL", "value": "http://my-rasa-x-duckling.bots.svc:8000"}]


def test_pods_as_root_are_not_carried_over() -> None:
    result = from_yaml("securityContext: {runAsUser: 0}")

    assert "securityContext" not in defaults(result)["podTemplate"]["spec"]
    assert "must not run as root" in finding(result, "securityContext.runAsUser").text


def test_an_ingress_that_leads_to_rasa_becomes_production_s() -> None:
    result = from_yaml("""
        nginx: {enabled: false}
        ingress:
          enabled: true
          ingressClassName: nginx
          annotations: {a: b}
          annotationsRasa: {c: 1}
          hosts: [{host: chat.example.com, paths: [/]}, {host: bot.example.com}]
          tls: [{secretName: chat-tls, hosts: [chat.example.com]}, {secretName: all-tls}]
        """)

    assert environments(result)["production"]["ingress"] == {
        "hosts": [{"host": "chat.example.com"}, {"host": "bot.example.com"}],
        "tls": [
            {"hosts": ["chat.example.com"], "secretName": "chat-tls"},
            {"hosts": ["chat.example.com", "bot.example.com"], "secretName": "all-tls"},
        ],
        "className": "nginx",
        "annotations": {"a": "b", "c": "1"},
    }
    assert "ingress" not in environments(result)["worker"]


def test_an_ingress_that_leads_to_the_chart_s_nginx_goes_on() -> None:
    result = from_yaml("ingress: {enabled: true, hosts: [{host: chat.example.com}]}")

    assert "ingress" not in environments(result)["production"]
    assert finding(result, "ingress.hosts").outcome is Outcome.NOT_NEEDED
    assert any("nginx forwards /webhooks" in remark for remark in result.remarks)


def test_who_may_connect_stays_limited() -> None:
    shared = defaults(
        from_yaml("""
        networkPolicy: {enabled: true, nodeCIDR: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}
        """)
    )

    assert shared["networkPolicy"]["from"] == "None"
    assert shared["networkPolicy"]["allowFrom"] == [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/component": "rasa-x"}}},
        {"podSelector": {"matchLabels": {"app.kubernetes.io/component": "nginx"}}},
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
    ]
