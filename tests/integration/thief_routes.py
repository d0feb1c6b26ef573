"""What a thief of the operator's token would try, by what refuses it."""

from __future__ import annotations

from local.installation import NAMESPACE
from rasa_environments.api.base import GROUP, JsonObject
from rasa_environments.cluster.resources import DEPLOYMENTS, LEASES, SECRETS, resource_of
from tests.integration.people import APPLY_PATCH, JSON_PATCH
from tests.integration.thief import (
    CHILD,
    OWN,
    OWN_POD,
    OWNER,
    Attempt,
    change,
    create,
    delete,
    event,
    lease,
    model_server_owner,
    take_over,
)

BELONGS = "does not belong to an environment or a model server"
MORE = {"app": "more"}
RASA_NAME = {"app.kubernetes.io/name": "rasa"}
RASA_PODS: JsonObject = {"selector": {"matchLabels": RASA_NAME}, "template": {"metadata": {"labels": RASA_NAME}}}
ANOTHER_IMAGE: JsonObject = {
    "spec": {"template": {"spec": {"containers": [{**OWN_POD["containers"][0], "image": "mine"}]}}}
}


def annotated(**annotations: str) -> JsonObject:
    """Annotations of an object; `__` stands for `/`."""
    return {"metadata": {"annotations": {key.replace("__", "/"): value for key, value in annotations.items()}}}


def with_account(name: str) -> JsonObject:
    """Pods with this ServiceAccount, so that no other policy refuses them."""
    return {"spec": {"template": {"spec": {"serviceAccountName": name}}}}


def service_account_token(name: str, account: str, namespace: str, **metadata: object) -> Attempt:
    """A Secret that the control plane fills with the token of an account."""
    annotations = {"kubernetes.io/service-account.name": account}
    change = {"type": "kubernetes.io/service-account-token", "data": None}
    return create("Secret", change, namespace, name=name, annotations=annotations, **metadata)


ROUTES: dict[str, dict[str, Attempt]] = {
    f"{BELONGS}|writes nothing in the namespace": {
        "token Secret in kube-system": service_account_token(
            "loot", "clusterrole-aggregation-controller", "kube-system"
        ),
        "bootstrap token": create(
            "Secret", {"type": "bootstrap.kubernetes.io/token"}, "kube-system", name="bootstrap-token-abcdef"
        ),
        "bootstrap token as Opaque": create("Secret", None, "kube-system", name="bootstrap-token-abcdef"),
        "powerful Deployment changed": change(
            "Deployment",
            ANOTHER_IMAGE,
            OWN,
            "kube-system",
        ),
        "Service in place of the cluster's DNS": change(
            "Service", {"spec": {"selector": {"app": "mine"}}}, OWN, "kube-system"
        ),
        "NetworkPolicies of kube-system deleted": Attempt(
            "DELETE", resource_of("NetworkPolicy").path("kube-system", OWN)
        ),
    },
    BELONGS: {
        "token Secret of a tenant's account": service_account_token("loot", OWN, "{ns}"),
        "token Secret without an owner": service_account_token("forged-rasa", OWN, "{ns}", ownerReferences=None),
        "Secret of another name": create("Secret", name="loot"),
        "Secret without an owner": create("Secret", ownerReferences=None),
        "Secret whose owner does not control it": create("Secret", ownerReferences=[{**OWNER, "controller": False}]),
        "Secret with an owner of another group": create(
            "Secret",
            ownerReferences=[{**OWNER, "apiVersion": "rasa-environments.io.x/v1"}],
        ),
        "Secret with an owner of another kind": create("Secret", ownerReferences=[{**OWNER, "kind": "ModelTag"}]),
        "Secret of a model server with other keys": create(
            "Secret", {"data": {"token-id": "YQ=="}}, name="loot", **model_server_owner()
        ),
        "ConfigMap of a model server": create("ConfigMap", name="loot", **model_server_owner()),
        "Deployment of a model server": create("Deployment", **model_server_owner("forged")),
        "tenant's Secret taken over": take_over("Secret"),
        "tenant's Secret changed": change("Secret", {"stringData": {"password": "mine"}}, OWN),
        "tenant's Secret annotated": change("Secret", annotated(**{"rasa-environments.io__x": "y"}), OWN),
        "tenant's ConfigMap taken over": take_over("ConfigMap"),
        "tenant's ServiceAccount taken over": take_over("ServiceAccount"),
        "tenant's ServiceAccount with a cloud's role": change(
            "ServiceAccount", annotated(**{"eks.amazonaws.com__role-arn": "arn:aws:iam::1:role/admin"}), OWN
        ),
        "ServiceAccount of a cloud's role for no environment": create(
            "ServiceAccount",
            annotated(**{"eks.amazonaws.com__role-arn": "arn:aws:iam::1:role/admin"}),
            ownerReferences=None,
        ),
        "tenant's Service taken over": take_over("Service"),
        "tenant's Deployment taken over": take_over("Deployment"),
        "tenant's NetworkPolicy taken over": take_over("NetworkPolicy"),
        "ServiceAccount of another name": create("ServiceAccount", name="loot"),
        "tenant's Deployment scaled": change("Deployment", {"spec": {"replicas": 9}}, OWN),
        "tenant's Deployment paused": change("Deployment", {"spec": {"paused": True}}, OWN),
        "tenant's Deployment with another image": change("Deployment", ANOTHER_IMAGE, OWN),
        "tenant's pods with another annotation": change(
            "Deployment", {"spec": {"template": annotated(**{"vault.hashicorp.com__agent-inject": "true"})}}, OWN
        ),
        "tenant's pods without an annotation": change(
            "Deployment", {"spec": {"template": {"metadata": {"annotations": {"kept": None}}}}}, OWN
        ),
        "tenant's pods with another label": change(
            "Deployment", {"spec": {"template": {"metadata": {"labels": {"more": "yes"}}}}}, OWN
        ),
        "restart with another change beside it": change(
            "Deployment",
            {
                "metadata": {"labels": {"more": "yes"}},
                "spec": {"template": annotated(**{"rasa-environments.io__environments-digest": "0123456789abcdef"})},
            },
            OWN,
        ),
        "JSON patch of a tenant's Deployment": Attempt(
            "PATCH",
            DEPLOYMENTS.path("{ns}", OWN),
            [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "mine"}],
            JSON_PATCH,
        ),
        "apply over a tenant's Deployment": Attempt(
            "PATCH",
            DEPLOYMENTS.path("{ns}", OWN),
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": OWN}, "spec": {"replicas": 9}},
            APPLY_PATCH,
            {"fieldManager": "thief", "force": "true"},
        ),
        "apply of a new Secret": Attempt(
            "PATCH",
            SECRETS.path("{ns}", "loot"),
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "loot"}},
            APPLY_PATCH,
            {"fieldManager": "thief", "force": "true"},
        ),
        "Secret of a tenant deleted": Attempt("DELETE", SECRETS.path("{ns}", OWN)),
        "ConfigMap of a tenant deleted": Attempt("DELETE", resource_of("ConfigMap").path("{ns}", OWN)),
        "NetworkPolicy of a tenant deleted": Attempt("DELETE", resource_of("NetworkPolicy").path("{ns}", OWN)),
        **{f"{kind} of a tenant deleted": delete(kind, OWN) for kind in ("Deployment", "Service", "ServiceAccount")},
        **{
            f"{kind} called as an action server": create(kind, name="forged-actions")
            for kind in ("Secret", "ConfigMap", "HorizontalPodAutoscaler", "Ingress")
        },
        **{f"{kind} called as a candidate": create(kind, name="forged-candidate") for kind in ("Secret", "Service")},
        "action server of another environment": create(
            "actions Deployment", with_account("other-actions"), name="other-actions"
        ),
        "action server of another name": create("actions Deployment", with_account("loot"), name="loot"),
    },
    "deletes only those of action servers": {
        f"{kind} of Rasa servers deleted": delete(kind, CHILD) for kind in ("Deployment", "Service", "ServiceAccount")
    },
    "pods must run as the ServiceAccount of their environment": {
        "action server with the account of Rasa servers": create(
            "actions Deployment", {"spec": {"template": {"spec": {"serviceAccountName": "forged-rasa"}}}}
        ),
        "Rasa servers with the account of an action server": create(
            "Deployment", {"spec": {"template": {"spec": {"serviceAccountName": "forged-actions"}}}}
        ),
    },
    "writes nothing in the namespace": {
        "Opaque Secret of a child's name in kube-system": create("Secret", None, "kube-system"),
        "Deployment in kube-system": create("Deployment", None, "kube-system"),
        "Deployment in another namespace of the cluster": create("Deployment", None, "openshift-monitoring"),
        "powerful Deployment restarted": change(
            "Deployment",
            {"spec": {"template": {"metadata": {"annotations": {f"{GROUP}/environments-digest": "0123456789abcdef"}}}}},
            OWN,
            "kube-system",
        ),
    },
    "only Secrets of the type Opaque": {
        "image pull Secret": create("Secret", {"type": "example.com/any"}),
    },
    "carries its label": {
        "Secret without the label": create("Secret", labels={"app.kubernetes.io/managed-by": None}),
    },
    "adds no labels": {
        "Secret that Argo CD reads": create("Secret", labels={"argocd.argoproj.io/secret-type": "cluster"}),
    },
    "adds no annotations but": {
        "token Secret of a child's name": service_account_token("forged-rasa", OWN, "{ns}"),
        "Opaque Secret that names an account": create(
            "Secret", annotated(**{"kubernetes.io__service-account.name": OWN})
        ),
        "child Secret that names an account": change(
            "Secret", annotated(**{"kubernetes.io__service-account.name": OWN})
        ),
        "Secret that is copied from elsewhere": create(
            "Secret", annotated(**{"replicator.v1.mittwald.de__replicate-from": "kube-system/any"})
        ),
        "ServiceAccount that Kubernetes acts on": create(
            "ServiceAccount", annotated(**{"kubernetes.io__enforce-mountable-secrets": "false"})
        ),
        "ServiceAccount as a client of OpenShift's logins": change(
            "ServiceAccount",
            annotated(**{"serviceaccounts.openshift.io__oauth-redirecturi.loot": "https://mine.example.com"}),
        ),
        "tenant's pods with a cloud's identity": change(
            "Deployment", annotated(**{"iam.gke.io__gcp-service-account": "admin@example.com"})
        ),
    },
    "adds no finalizers": {
        "Secret that cannot be deleted": create("Secret", finalizers=["example.com/never"]),
    },
    "adds no owners": {
        "Secret with a second owner": create(
            "Secret",
            ownerReferences=[
                OWNER,
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "9"},
            ],
        ),
    },
    "gives no Secrets to a ServiceAccount": {
        "ServiceAccount with Secrets": create("ServiceAccount", {"secrets": [{"name": OWN}]}),
        "ServiceAccount with image pull Secrets": change("ServiceAccount", {"imagePullSecrets": [{"name": OWN}]}),
        "ServiceAccount that mounts its token": change("ServiceAccount", {"automountServiceAccountToken": True}),
    },
    "leads to the pods of its environment, and claims no addresses": {
        "Service to other pods": create("Service", {"spec": {"selector": {"app": OWN}}}),
        "child Service to other pods": change("Service", {"spec": {"selector": {"app": OWN}}}),
        "Service to whatever somebody writes": create("Service", {"spec": {"selector": None}}),
        "Service to another name": create(
            "Service", {"spec": {"type": "ExternalName", "externalName": "kubernetes.default.svc"}}
        ),
        "Service of an action server to Rasa servers": create("actions Service", {"spec": {"selector": RASA_NAME}}),
        "Service at somebody's address": create("Service", {"spec": {"externalIPs": ["10.0.0.1"]}}),
        "child Service at somebody's address": change("Service", {"spec": {"externalIPs": ["10.0.0.1"]}}),
        "Service at a load balancer's address": create(
            "Service", {"spec": {"type": "LoadBalancer", "loadBalancerIP": "10.0.0.1"}}
        ),
    },
    "scales the Deployment of its environment": {
        "autoscaler of another Deployment": create(
            "HorizontalPodAutoscaler", {"spec": {"scaleTargetRef": {"name": OWN}}}
        ),
    },
    "leads to the Service of its environment": {
        "Ingress to another Service": create(
            "Ingress",
            {"spec": {"defaultBackend": {"service": {"name": OWN, "port": {"number": 80}}}}},
        ),
        "Ingress path to another Service": create(
            "Ingress",
            {
                "spec": {
                    "rules": [
                        {
                            "http": {
                                "paths": [
                                    {
                                        "path": "/",
                                        "pathType": "Prefix",
                                        "backend": {"service": {"name": OWN, "port": {"number": 80}}},
                                    }
                                ]
                            }
                        }
                    ]
                }
            },
        ),
    },
    "no annotation with configuration snippets": {
        "Ingress with a snippet": create(
            "Ingress", annotated(**{"nginx.ingress.kubernetes.io__server-snippet": "return 200 $secret;"})
        ),
    },
    "has no reason to": {
        "another Lease of its own namespace": Attempt("POST", LEASES.path(NAMESPACE), lease("loot")),
        "Event in the name of another controller": event(reportingController="kubelet"),
        "Event about an object of another kind": event(
            regarding={"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "tenant", "name": OWN}
        ),
    },
    "selects only the pods of the environment": {
        "Deployment for more pods": create(
            "Deployment", {"spec": {"selector": {"matchLabels": MORE}, "template": {"metadata": {"labels": MORE}}}}
        ),
        "action server for pods of Rasa servers": create("actions Deployment", {"spec": RASA_PODS}),
        "PodDisruptionBudget for other pods": create(
            "PodDisruptionBudget", {"spec": {"selector": {"matchLabels": MORE}}}
        ),
    },
    "is for the pods of its environment": {
        "NetworkPolicy of an action server for Rasa servers": create(
            "actions NetworkPolicy", {"spec": {"podSelector": {"matchLabels": RASA_NAME}}}
        ),
        "NetworkPolicy for other pods": create("NetworkPolicy", {"spec": {"podSelector": {"matchLabels": MORE}}}),
    },
}
"""What RBAC permits and a policy refuses, with the refusal's text (a regular expression)."""
