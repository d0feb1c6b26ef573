"""A merge to staging cannot affect production: the account of staging tries every way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from local import installation
from local.binaries import find_kubectl
from local.installation import MANIFESTS
from local.kustomize import kustomized
from local.progress import silent
from rasa_environments.api.base import API_VERSION, GROUP, JsonObject
from tests.api.api_server import Answer, ApiServer, wait_until
from tests.integration.conftest import Installation
from tests.integration.manifests import environment, model_server, model_tag, secret, secret_value
from tests.integration.people import MERGE_PATCH, Person, Team
from tests.integration.space import ENVIRONMENT

MODELS, PRODUCTION, WORKER, STAGING = "bots-model-server", "bots-production", "bots-worker", "bots-staging"
ACCOUNT = "system:serviceaccount:bots-delivery:staging"
SHARED: JsonObject = {"modelServerRef": {"namespace": MODELS}}
TAG, SERVER = "ModelTag", "ModelServer"


@pytest.fixture(scope="module")
def staging(employer: ApiServer, breakable: Installation) -> Iterator[Person]:
    """Return the account that delivers staging, in its namespace, after everybody has delivered the sample."""
    installation.install(breakable.facts.kubeconfig, [MANIFESTS / "gitops" / "rights" / "accounts.yaml"])
    administrators = {name: Team(employer, name).administrator for name in (MODELS, PRODUCTION, WORKER, STAGING)}
    sample = kustomized(MANIFESTS / "samples" / "gitops", find_kubectl(silent))
    for obj in sample:
        answer = administrators[obj["metadata"]["namespace"]].create(obj)
        assert answer.accepted, answer.body["message"]
    account = Person(employer, ACCOUNT, STAGING)
    wait_until(lambda: account.change(TAG, "staging", model="B").accepted, "the account to have its rights")
    yield account
    for name in administrators:
        Team(employer, name).clear()


def anew(name: str = "staging", **spec: object) -> JsonObject:
    """An environment of staging's own namespace, with the shared ModelServer."""
    return environment(name, **{**SHARED, **spec})


Attempt = Callable[[Person], Answer]
VOLUMES = {"volumes": [{"name": "loot", "secret": {"secretName": "production-rasa"}}]}
BY_OWN_OBJECTS: dict[str, Attempt] = {
    "a tag of production": lambda it: it.create(model_tag("innocent", tag="production", model="B", **SHARED)),
    "a tag of its name": lambda it: it.create(model_tag("production", model="B", **SHARED)),
    "a tag in capitals": lambda it: it.create(model_tag("capitals", tag="PRODUCTION", model="B", **SHARED)),
    "a tag without a model": lambda it: it.create(model_tag("production", **SHARED)),
    "an environment of its name": lambda it: it.create(anew("production")),
    "an environment with its RASA_ENVIRONMENT": lambda it: it.create(anew("other", environment="production")),
    "an environment that pulls its tag": lambda it: it.change(ENVIRONMENT, "staging", tag="production"),
    "another namespace's model server": lambda it: it.change(
        ENVIRONMENT, "staging", modelServerRef={"namespace": PRODUCTION}
    ),
    "a pod with a Secret": lambda it: it.change(ENVIRONMENT, "staging", podTemplate={"spec": VOLUMES}),
    "an image": lambda it: it.change(ENVIRONMENT, "staging", rasa={"image": "mine"}),
    "arguments": lambda it: it.change(ENVIRONMENT, "staging", rasa={"extraArgs": ["--connector", "mine"]}),
    "endpoints": lambda it: it.change(ENVIRONMENT, "staging", endpoints={"x": secret_value("any", "key")}),
    "channels": lambda it: it.change(ENVIRONMENT, "staging", channels=[{"name": "mine.Channel"}]),
    "a store": lambda it: it.change(ENVIRONMENT, "staging", trackerStore={"sql": {"host": "mine"}}),
    "a token": lambda it: it.change(ENVIRONMENT, "staging", authToken=secret_value("staging-rasa", "token")),
    "a server elsewhere": lambda it: it.create(
        anew(
            external={"url": "https://mine.example.com", "authToken": {"secretKeyRef": {"name": "any", "key": "token"}}}
        ),
        dryRun="All",
    ),
    "an Ingress": lambda it: it.change(ENVIRONMENT, "staging", ingress={"hosts": [{"host": "chat.example.com"}]}),
    "a Service": lambda it: it.change(ENVIRONMENT, "staging", service={"type": "LoadBalancer"}),
    "a nodes' port": lambda it: it.change(ENVIRONMENT, "staging", service={"type": "NodePort", "nodePort": 30080}),
    "a cloud's identity": lambda it: it.change(
        ENVIRONMENT, "staging", serviceAccount={"annotations": {"iam.gke.io/gcp-service-account": "mine"}}
    ),
    "a certificate": lambda it: it.change(
        ENVIRONMENT,
        "staging",
        ignoreDefaults=["actionEndpoint"],
        actionEndpoint={"url": "https://mine", "tls": {"mode": "Required", "certSecretRef": {"name": "any"}}},
    ),
    "parameters of a database": lambda it: it.change(
        ENVIRONMENT,
        "staging",
        ignoreDefaults=["trackerStore"],
        trackerStore={"sql": {"host": "mine", "dialect": "MySQL", "query": {"local_infile": "1"}}},
    ),
    "a model server": lambda it: it.create(model_server("http://mine")),
    "a role binding": lambda it: it.send(
        "POST",
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{STAGING}/rolebindings",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "mine"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "staging", "namespace": "bots-delivery"}],
        },
    ),
    "production's account": lambda it: it.send(
        "POST",
        "/api/v1/namespaces/bots-delivery/serviceaccounts/production/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    ),
    "the end of production's namespace": lambda it: it.send("DELETE", f"/api/v1/namespaces/{PRODUCTION}"),
}
IN_OTHER_NAMESPACES: dict[str, Attempt] = {
    "the model": lambda it: it.change(TAG, "production", model="B"),
    "the tag is deleted": lambda it: it.delete(TAG, "production"),
    "another tag": lambda it: it.create(model_tag("another", tag="production", model="B", **SHARED)),
    "a tag of one's own": lambda it: it.create(model_tag("staging", model="B", **SHARED)),
    "the environment": lambda it: it.change(ENVIRONMENT, "production", rasa={"image": "mine"}),
    "the environment is deleted": lambda it: it.delete(ENVIRONMENT, "production"),
    "an environment of one's own": lambda it: it.create(anew()),
    "somebody's entry": lambda it: it.annotate(ENVIRONMENT, "production", adopt_registration="true"),
    "replicas": lambda it: it.merge(ENVIRONMENT, "production", {"spec": {"replicas": 0}}, "scale"),
    "the model server": lambda it: it.change(SERVER, "default", url="http://mine"),
    "who may use it": lambda it: it.change(SERVER, "default", accessFrom={"namespaces": ["mine"]}),
    "who may use it by a label": lambda it: it.change(SERVER, "default", accessFrom={"namespaceSelectors": [{}]}),
    "the labels of its namespace": lambda it: it.send(
        "PATCH", f"/api/v1/namespaces/{it.namespace}", {"metadata": {"labels": {"a": "b"}}}, MERGE_PATCH
    ),
    "a model server": lambda it: it.create(model_server("http://mine", "mine")),
    "the API token": lambda it: it.send("GET", it.path("Secret", "model-server-credentials")),
    "a Secret": lambda it: it.send("POST", it.path("Secret"), secret("mine", token="x")),
}


def everything(api: ApiServer) -> dict[str, str]:
    """Return the version of each custom resource that is not staging's."""
    return {
        item["metadata"]["uid"]: item["metadata"]["resourceVersion"]
        for namespace in (MODELS, PRODUCTION, WORKER)
        for plural in ("modelservers", "deploymentenvironments", "modeltags")
        for item in api.request("GET", f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}").body["items"]
    }


@pytest.mark.parametrize("attempt", BY_OWN_OBJECTS.values(), ids=BY_OWN_OBJECTS)
def test_nothing_in_the_files_of_staging_reaches_production(staging: Person, attempt: Attempt) -> None:
    answer = attempt(staging)

    assert answer.status == 403, answer.body


def test_its_tag_does_not_become_another_one(staging: Person) -> None:
    answer = staging.change(TAG, "staging", tag="production")

    assert answer.status == 422
    assert "spec.tag may not be changed" in answer.body["message"]


@pytest.mark.parametrize("namespace", [MODELS, PRODUCTION])
def test_nothing_outside_of_its_namespace_is_its_own(staging: Person, namespace: str) -> None:
    before = everything(staging.api)
    elsewhere = replace(staging, namespace=namespace)

    answers = {name: attempt(elsewhere).status for name, attempt in IN_OTHER_NAMESPACES.items()}

    assert answers == dict.fromkeys(IN_OTHER_NAMESPACES, 403)
    assert everything(staging.api) == before


def rules(person: Person, namespace: str) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Return what somebody may do in a namespace, beyond the rights of every authenticated user."""

    def asked(who: Person) -> list[JsonObject]:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        found: list[JsonObject] = who.send(
            "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review
        ).body["status"]["resourceRules"]
        return found

    everybody = asked(replace(person, name="somebody"))
    return sorted(
        (group, resource, tuple(rule.get("resourceNames", ())), tuple(sorted(rule["verbs"])))
        for rule in asked(person)
        if rule not in everybody
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    )


def test_the_account_of_staging_holds_these_rights_and_no_others(staging: Person) -> None:
    writes = ("create", "delete", "get", "list", "patch", "update", "watch")
    promotes = (GROUP, "deploymentenvironments", ("staging",), ("promote",))

    assert rules(staging, STAGING) == sorted(
        [promotes, (GROUP, "deploymentenvironments", (), writes), (GROUP, "modeltags", (), writes)]
    )
    assert rules(staging, MODELS) == [promotes]
    for namespace in (PRODUCTION, WORKER, "bots-delivery", "default", "kube-system"):
        assert rules(staging, namespace) == []


def test_the_account_of_the_model_server_holds_these_rights_and_no_others(staging: Person) -> None:
    account = replace(staging, name="system:serviceaccount:bots-delivery:model-server")
    writes = ("create", "delete", "get", "list", "patch", "update", "watch")

    assert rules(account, MODELS) == sorted(
        [
            ("", "secrets", ("model-server-credentials",), ("get",)),
            ("bitnami.com", "sealedsecrets", (), writes),
            ("external-secrets.io", "externalsecrets", (), writes),
            (GROUP, "deploymentenvironments", (), ("promote",)),
            (GROUP, "modelservers", (), writes),
        ]
    )
    for namespace in (PRODUCTION, WORKER, STAGING, "bots-delivery", "default", "kube-system"):
        assert rules(account, namespace) == []


def test_its_own_environment_is_its_own(staging: Person) -> None:
    changes: list[Attempt] = [
        lambda it: it.change(TAG, "staging", model="C"),
        lambda it: it.change(ENVIRONMENT, "staging", rasa={"version": "3.6.20"}),
        lambda it: it.change(ENVIRONMENT, "staging", replicas=2),
        lambda it: it.change(ENVIRONMENT, "staging", ignoreDefaults=["ingress"]),
        lambda it: it.annotate(ENVIRONMENT, "staging", adopt_registration="true"),
        lambda it: it.delete(TAG, "staging"),
        lambda it: it.create(model_tag("staging", model="A", **SHARED)),
    ]

    for change in changes:
        answer = change(staging)
        assert answer.accepted, answer.body["message"]
