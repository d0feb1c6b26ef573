"""What a thief of the operator's token cannot do: every known way to the whole cluster is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from local.installation import NAMESPACE
from rasa_environments.cluster.resources import CONFIG_MAPS, DEPLOYMENT_ENVIRONMENTS, LEASES, PODS, SECRETS, resource_of
from rasa_environments.desired.context import (
    INSTANCE_LABEL,
    NAME_LABEL,
    NAME_OF_ACTION_SERVERS,
    NAME_OF_RASA_SERVERS,
)
from tests.api.api_server import Answer, wait_until
from tests.integration.conftest import Installation
from tests.integration.people import MERGE_PATCH, Person
from tests.integration.space import Objects
from tests.integration.thief import (
    ACTIONS,
    CHILD,
    OWN,
    VICTIM,
    Attempt,
    Thief,
    bound_to_everything,
    change,
    create,
    delete,
    event,
    family,
    family_of_candidate,
    furnish_tenant,
    lease,
    merged,
    model_server_owner,
    own_objects,
    thief_of,
)
from tests.integration.thief_routes import ROUTES, annotated
from tests.integration.thief_routes_beyond_rbac import BEYOND_ADMISSION, BEYOND_RBAC

TENANT = "tenant"
POLICY = "ValidatingAdmissionPolicy 'rasa-environments-operator-"
REFUSED = {(words, name): attempt for words, attempts in ROUTES.items() for name, attempt in attempts.items()}
RESTART = {"template": annotated(**{"rasa-environments.io__environments-digest": "0123456789abcdef"})}


@pytest.fixture(scope="module")
def tenant(breakable: Installation) -> Iterator[Objects]:
    """Create a namespace with an environment, its children, and the tenant's own objects, as in kube-system."""
    tenant, system = Objects(breakable.api, TENANT), Objects(breakable.api, "kube-system")
    tenant.create_namespace()
    Objects(breakable.api, "openshift-monitoring").create_namespace()
    system.apply(*own_objects())
    with thief_of(breakable, TENANT) as thief:
        wait_until(lambda: POLICY in message(create("Secret", name="any").by(thief)), "the policies to hold")
        furnish_tenant(tenant, thief)
    yield tenant
    for obj in own_objects():
        system.delete(obj["kind"], OWN)
    tenant.delete("DeploymentEnvironment", VICTIM)


@pytest.fixture(scope="module")
def thief(breakable: Installation, tenant: Objects) -> Iterator[Thief]:
    """Somebody with the operator's token."""
    with thief_of(breakable, tenant.namespace) as thief:
        yield thief


@pytest.fixture(scope="module")
def administrator(breakable: Installation, tenant: Objects) -> Person:
    """Return the operator's account as if it were bound to all rights."""
    return bound_to_everything(breakable, tenant.namespace)


def message(answer: Answer) -> str:
    """Return the API server's message of a refusal."""
    return str(answer.body.get("message", ""))


@pytest.mark.parametrize(("words", "name"), REFUSED, ids=str)
def test_what_rbac_lets_through_and_is_not_the_operators_work_is_refused(thief: Thief, words: str, name: str) -> None:
    answer = REFUSED[words, name].by(thief)

    assert answer.status == 403, answer.body
    assert POLICY in message(answer)
    assert re.search(words, message(answer)), message(answer)


@pytest.mark.parametrize(
    "attempt", [*BEYOND_RBAC.values(), *BEYOND_ADMISSION.values()], ids=[*BEYOND_RBAC, *BEYOND_ADMISSION]
)
def test_what_needs_a_right_that_it_lacks_is_refused(thief: Thief, attempt: Attempt) -> None:
    answer = attempt.by(thief)

    assert answer.status == 403, answer.body
    assert f'User "system:serviceaccount:{NAMESPACE}:rasa-environments" cannot' in message(answer)


@pytest.mark.parametrize("attempt", BEYOND_RBAC.values(), ids=BEYOND_RBAC)
def test_it_is_refused_even_where_the_account_has_every_right(administrator: Person, attempt: Attempt) -> None:
    answer = attempt.by(administrator)

    assert answer.status == 403, answer.body
    assert re.search("the operator has no reason to|the operator may not DELETE", message(answer)), message(answer)


@pytest.mark.parametrize(
    "header", [{"Impersonate-User": "system:admin"}, {"Impersonate-Group": "system:masters"}], ids=str
)
def test_it_acts_as_nobody_else(thief: Thief, header: dict[str, str]) -> None:
    headers = {"Impersonate-User": f"system:serviceaccount:{NAMESPACE}:rasa-environments", **header}

    answer = thief.api.request("GET", "/api/v1/nodes", headers=headers)

    assert answer.status == 403
    assert "cannot impersonate" in message(answer)


PERMITTED: dict[str, Attempt] = {
    "Rasa X is restarted": change("Deployment", {"spec": RESTART}, OWN),
    "environments.yml is written": create(
        "Secret",
        {"data": None, "stringData": {"environments.yml": "rasa:"}},
        name="default-environments",
        **model_server_owner(),
    ),
    "a child that lost its label gets it back": change("ConfigMap", {"metadata": {"labels": {"x": None}}}),
    "a Secret that was made immutable makes room for another": Attempt("DELETE", SECRETS.path("{ns}", CHILD)),
    "a ConfigMap that was made immutable makes room for another": Attempt("DELETE", CONFIG_MAPS.path("{ns}", CHILD)),
    "the status of an environment": Attempt(
        "PATCH",
        DEPLOYMENT_ENVIRONMENTS.path("{ns}", VICTIM, "status"),
        {"status": {"observedGeneration": 1}},
        MERGE_PATCH,
    ),
    "a Service of a load balancer": create(
        "Service",
        {
            "spec": {
                "type": "LoadBalancer",
                "loadBalancerClass": "example.com/public",
                "ports": [{"name": "http", "port": 5005, "targetPort": "http", "nodePort": 30123}],
                "sessionAffinity": "ClientIP",
            }
        },
    ),
    "a Deployment whose old pods go first": create(
        "Deployment", {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}
    ),
    "a ServiceAccount with a cloud's identity": create(
        "ServiceAccount",
        annotated(
            **{
                "eks.amazonaws.com__role-arn": "arn:aws:iam::1:role/support",
                "iam.gke.io__gcp-service-account": "support@example.com",
                "azure.workload.identity__client-id": "00000000-0000-0000-0000-000000000000",
            }
        ),
    ),
    "another cloud's identity": change(
        "ServiceAccount", annotated(**{"iam.gke.io__gcp-service-account": "support@example.com"})
    ),
    **{
        f"the {kind} of an action server that is no longer wanted": delete(kind, ACTIONS)
        for kind in ("Deployment", "Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget")
    },
    "an Event about an environment": event(),
    "its Lease": Attempt("POST", LEASES.path(NAMESPACE), lease("rasa-environments")),
}


@pytest.mark.parametrize("attempt", PERMITTED.values(), ids=PERMITTED)
def test_the_operators_own_work_is_not_refused(thief: Thief, attempt: Attempt) -> None:
    answer = attempt.by(thief)

    assert answer.accepted, answer.body


def test_a_candidate_is_created_and_deleted(thief: Thief, tenant: Objects) -> None:
    uid = tenant.get("DeploymentEnvironment", VICTIM)["metadata"]["uid"]
    candidate = family_of_candidate(VICTIM, uid)

    for child in candidate:
        answer = thief.create(child)
        assert answer.accepted, answer.body
    for child in reversed(candidate):
        path = resource_of(child["kind"]).path(tenant.namespace, child["metadata"]["name"])
        assert thief.send("DELETE", path).accepted


def test_a_candidate_has_none_of_the_environments_labels_and_no_other_account(thief: Thief) -> None:
    of_environment, deployment = family()["Deployment"], family_of_candidate()[-1]
    selector = {"spec": {"selector": of_environment["spec"]["selector"]}}
    labels = {"spec": {"template": {"metadata": of_environment["spec"]["template"]["metadata"]}}}
    account = {"spec": {"template": {"spec": {"serviceAccountName": "default"}}}}

    selected = thief.create(merged(merged(deployment, selector), labels))

    assert "selects only the pods of the environment" in message(selected)
    assert "must run as the ServiceAccount" in message(thief.create(merged(deployment, account)))


def pod_of(space: Objects, **labels: str) -> str:
    """Where a pod with these labels is, once there is one."""
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    path = PODS.path(space.namespace)

    def found() -> list[str]:
        items = space.api.request("GET", path, params={"labelSelector": selector}).body["items"]
        return [PODS.path(space.namespace, str(item["metadata"]["name"])) for item in items]

    return space.eventually(found, f"a pod {selector}")[0]


def test_of_pods_only_those_of_rasa_servers_can_be_deleted(tenant: Objects, thief: Thief) -> None:
    of_rasa, of_actions = (
        pod_of(tenant, **{INSTANCE_LABEL: VICTIM, NAME_LABEL: name})
        for name in (NAME_OF_RASA_SERVERS, NAME_OF_ACTION_SERVERS)
    )
    of_tenant = pod_of(tenant, app="own")

    assert Attempt("DELETE", of_rasa).by(thief).accepted
    for other in (of_actions, of_tenant):
        assert "does not belong" in message(Attempt("DELETE", other).by(thief))


def test_a_secret_that_a_thief_creates_for_no_environment_does_not_stay(thief: Thief, tenant: Objects) -> None:
    assert thief.create(family()["Secret"]).accepted

    tenant.eventually(lambda: tenant.find("Secret", "forged-rasa") is None, "the garbage collector to take it", 60)
