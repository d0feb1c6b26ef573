"""A real API server accepts what `import` writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
import yaml

from local.api_server import kubeconfig_client
from rasa_environments.api.base import JsonObject

from .conftest import Team, command

EVERYTHING = """
rasax: {tag: 1.0.1, token: abc, initialUser: {password: def}}
debugMode: true
images: {pullPolicy: IfNotPresent, imagePullSecrets: [{name: registry}]}
securityContext: {fsGroup: 1001}
nginx: {enabled: false}
ingress: {enabled: true, ingressClassName: nginx, hosts: [{host: chat.example.com}], tls: [{secretName: chat-tls}]}
networkPolicy: {enabled: true, nodeCIDR: [{ipBlock: {cidr: 10.0.0.0/8}}]}
rabbitmq: {install: false, existingHost: rabbit.example.com, auth: {password: ghi}}
rasa:
  tag: 2.8.15-full
  extraArgs: [--response-timeout, 60]
  additionalChannelCredentials: {rest: , slack: {slack_token: jkl, slack_channel: "#bots"}}
  additionalEndpoints: {nlg: {url: "http://nlg"}}
  extraEnvs: [{name: A, value: b}, {name: TOKEN, value: mno}]
  tolerations: [{key: gpu, operator: Exists}]
  podLabels: {team: bots}
  trackerStore: {query: {sslmode: require}}
  versions:
    rasaProduction: {enabled: true}
    rasaStaging:
      enabled: true
      replicaCount: 2
      rasaEnvironment: staging
      trackerDatabase: staging
      resources: {requests: {memory: 2Gi}}
      extraVolumes: [{name: ca, secret: {secretName: ca}}]
      extraVolumeMounts: [{name: ca, mountPath: /ca}]
    rasaElsewhere: {enabled: false, external: {enabled: true, url: "https://rasa.example.com"}}
"""
PLURALS = {
    "ModelServer": "apis/rasa-environments.io/v1alpha1/namespaces/{}/modelservers",
    "DeploymentEnvironment": "apis/rasa-environments.io/v1alpha1/namespaces/{}/deploymentenvironments",
    "Secret": "api/v1/namespaces/{}/secrets",
}


@pytest.fixture
def client(team: Team) -> Iterator[httpx.Client]:
    with closing(kubeconfig_client(team.kubeconfig)) as opened:
        yield opened


def asked(client: httpx.Client, document: JsonObject) -> httpx.Response:
    """The answer to `kubectl apply --server-side --dry-run=server --validate=strict`."""
    metadata = document["metadata"]
    return client.patch(
        f"/{PLURALS[document['kind']].format(metadata['namespace'])}/{metadata['name']}",
        params={"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "tests"},
        headers={"Content-Type": "application/apply-patch+yaml"},
        json=document,
    )


@pytest.mark.parametrize(
    ("values", "chart", "count"),
    [
        ("rasax: {}", "1.2.4", 3),
        ("rasax: {}", "4.5.23", 2),
        (EVERYTHING, "4.5.23", 5),
    ],
    ids=["defaults of 1.2", "defaults of 4.5", "everything"],
)
def test_the_api_server_takes_all_of_it_without_a_warning(
    team: Team, client: httpx.Client, values: str, chart: str, count: int
) -> None:
    options = f"--release my -n {team.namespace} --chart-version {chart} --with-secrets"
    written = command(f"import - {options}", stdin=values)
    documents = list(yaml.safe_load_all(written.output))

    answers = {f"{each['kind']} {each['metadata']['name']}": asked(client, each) for each in documents}

    assert len([name for name in answers if not name.startswith("Secret")]) == count
    refused = {name: answer.json()["message"] for name, answer in answers.items() if answer.is_error}
    warned = {name: answer.headers["Warning"] for name, answer in answers.items() if "Warning" in answer.headers}
    assert (refused, warned) == ({}, {})
