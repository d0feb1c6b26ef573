"""The model server of this project in a release."""

from __future__ import annotations

from typing import Any

import pytest

from local.helm import VERSIONS, Version
from tests.helm.rendering import NAMESPACE, RELEASE, SERVED, RefusedError, Rendered, render

NAME = f"{RELEASE}-model-server"
KEEP = {"helm.sh/resource-policy": "keep"}


def with_server(**values: Any) -> Rendered:
    """A release with the model server."""
    return render({"modelServer": {"enabled": True, "tokens": {"existingSecret": NAME}, **values}})


def test_it_runs_from_the_same_image_by_another_command() -> None:
    container = with_server().container(NAME)

    assert container["image"] == render().container()["image"]
    assert container["command"] == ["rasa-model-server"]
    assert "--storage=/models" in container["args"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_its_pod_meets_the_restricted_level_and_its_user_writes_to_the_volume() -> None:
    release = with_server()

    assert release.pod(NAME)["securityContext"] == {**render().pod()["securityContext"], "fsGroup": 65532}
    assert release.container(NAME)["securityContext"] == render().container()["securityContext"]
    assert release.pod(NAME)["automountServiceAccountToken"] is False


def test_openshift_chooses_the_group_itself() -> None:
    values = {"modelServer": {"enabled": True, "tokens": {"existingSecret": NAME}}}

    release = render(values, served=[*SERVED, "security.openshift.io/v1"])

    assert "fsGroup" not in release.pod(NAME)["securityContext"]


def test_a_model_server_called_default_points_to_it_with_its_tokens() -> None:
    release = with_server(spec={"accessFrom": {"namespaces": ["other"]}})

    assert release.one("ModelServer", "default")["spec"] == {
        "url": f"http://{NAME}.{NAMESPACE}:5002",
        "credentialsSecretRef": {"name": NAME},
        "accessFrom": {"namespaces": ["other"]},
    }
    assert release.one("Service", NAME)["spec"]["ports"] == [{"name": "http", "port": 5002, "targetPort": "http"}]


@pytest.mark.parametrize("version", VERSIONS)
def test_tokens_are_not_generated_where_no_cluster_would_keep_them(version: Version) -> None:
    with pytest.raises(RefusedError, match=r"modelServer\.tokens\.existingSecret: name a Secret with `token`"):
        render({"modelServer": {"enabled": True}}, version=version)


def test_old_models_are_deleted_only_if_that_is_asked_for() -> None:
    by_default = with_server().container(NAME)["args"]
    limited = with_server(retention={"models": 50, "days": 30, "dryRun": True}).container(NAME)["args"]

    assert [each for each in by_default if "reten" in each or "retain" in each] == []
    assert {"--retain-models=50", "--retain-days=30", "--retention-dry-run"} <= set(limited)


def test_no_token_is_in_a_command_or_a_variable() -> None:
    container = with_server(replicas=2, bucket={"url": "s3://models"}).container(NAME)

    assert [each for each in container["args"] if "/tokens" in each] == [
        "--token-file=/tokens/token",
        "--api-token-file=/tokens/apiToken",
        "--jwt-secret-file=/tokens/jwtSecret",
    ]
    assert "env" not in container


def test_tokens_of_an_existing_secret_are_taken() -> None:
    release = with_server(tokens={"existingSecret": "tokens"})

    assert release.names("Secret") == set()
    assert {"name": "tokens", "secret": {"secretName": "tokens"}} in release.pod(NAME)["volumes"]
    assert release.one("ModelServer", "default")["spec"]["credentialsSecretRef"] == {"name": "tokens"}
    assert not any("jwt" in each for each in release.container(NAME)["args"])


def test_models_are_in_a_volume_that_outlives_the_release() -> None:
    release = with_server(persistence={"size": "5Gi", "storageClass": "fast"})

    claim = release.one("PersistentVolumeClaim", NAME)
    assert claim["metadata"]["annotations"] == KEEP
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "5Gi"}},
    }
    assert {"name": "models", "persistentVolumeClaim": {"claimName": NAME}} in release.pod(NAME)["volumes"]
    assert release.one("Deployment", NAME)["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    ("persistence", "volume"),
    [
        ({"existingClaim": "models"}, {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}),
        ({"enabled": False}, {"name": "models", "emptyDir": {}}),
    ],
)
def test_another_volume_needs_no_claim_of_the_release(persistence: dict[str, Any], volume: dict[str, Any]) -> None:
    release = with_server(persistence=persistence)

    assert release.names("PersistentVolumeClaim") == set()
    assert volume in release.pod(NAME)["volumes"]


def test_models_are_in_a_bucket_where_one_is_given() -> None:
    release = with_server(bucket={"url": "s3://models/bots", "credentialsSecret": "aws"}, replicas=2)

    assert "--storage=s3://models/bots" in release.container(NAME)["args"]
    assert release.container(NAME)["envFrom"] == [{"secretRef": {"name": "aws"}}]
    assert release.names("PersistentVolumeClaim") == set()
    assert release.one("Deployment", NAME)["spec"]["strategy"] == {"type": "RollingUpdate"}
    assert NAME in release.names("PodDisruptionBudget")


@pytest.mark.parametrize("redirect", [False, True])
def test_what_others_write_to_the_bucket_is_served_where_that_is_wanted(redirect: bool) -> None:
    release = with_server(bucket={"url": "s3://models/bots", "adopt": True, "redirect": redirect}, replicas=2)

    arguments = release.container(NAME)["args"]
    assert "--adopt=s3://models/bots" in arguments
    assert ("--redirect" in arguments) is redirect
    assert not any(argument.startswith("--storage") for argument in arguments)


@pytest.mark.parametrize(
    ("bucket", "message"),
    [
        ({"adopt": True}, "modelServer.bucket.adopt: it serves what is in a bucket"),
        ({"url": "s3://models", "redirect": True}, "modelServer.bucket.redirect: only pulls of adopted files"),
    ],
)
def test_adopting_nothing_is_refused(bucket: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        with_server(bucket=bucket)


def test_a_cloud_gives_the_right_on_the_bucket_to_its_account() -> None:
    account = {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/models"}, "labels": {"use": "true"}}

    release = with_server(bucket={"url": "s3://models"}, serviceAccount=account)

    assert release.one("ServiceAccount", NAME)["metadata"]["annotations"] == account["annotations"]
    assert release.one("Deployment", NAME)["spec"]["template"]["metadata"]["labels"]["use"] == "true"


def test_two_of_them_on_one_volume_are_refused() -> None:
    with pytest.raises(RefusedError, match="more than one model server needs a bucket"):
        with_server(replicas=2)


@pytest.mark.parametrize("url", ["models", "https://models", "s3://"])
def test_what_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(RefusedError, match="/modelServer/bucket/url"):
        with_server(bucket={"url": url})


def let_in(release: Rendered) -> list[Any]:
    """Who may connect to it."""
    (rule,) = release.one("NetworkPolicy", NAME)["spec"]["ingress"]
    assert rule["ports"] == [{"port": "http", "protocol": "TCP"}]
    return list(rule["from"])


def namespaces(*names: str) -> dict[str, Any]:
    """All pods of these namespaces, as a peer."""
    named = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(names)}
    return {"namespaceSelector": {"matchExpressions": [named]}}


def test_its_port_is_open_to_its_namespace_and_to_those_whose_environments_may_use_it() -> None:
    selector = {"matchLabels": {"team": "bots"}}
    others = with_server(spec={"accessFrom": {"namespaces": ["bots", "labs"], "namespaceSelectors": [selector]}})

    assert let_in(with_server()) == [{"podSelector": {}}]
    assert let_in(others) == [{"podSelector": {}}, namespaces("bots", "labs"), {"namespaceSelector": selector}]


def test_its_port_is_open_to_an_operator_elsewhere_and_to_whom_the_values_name() -> None:
    server = {"enabled": True, "tokens": {"existingSecret": NAME}}
    values = {"operator": {"enabled": False}, "modelServer": server}
    ingress = {"namespaceSelector": {"matchLabels": {"name": "ingress-nginx"}}}

    moved = {**values, "networkPolicy": {"operatorNamespace": "operators", "modelServerFrom": [ingress]}}

    assert let_in(render(values)) == [{"podSelector": {}}, namespaces("rasa-environments")]
    assert let_in(render(moved)) == [{"podSelector": {}}, namespaces("operators"), ingress]
