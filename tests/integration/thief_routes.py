"""The ways that a thief of the operator's token would try, by what refuses them."""

from __future__ import annotations

from base64 import b64encode

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from local.installation import NAMESPACE
from rasa_environments.api.base import API_VERSION, GROUP, VERSION, JsonObject
from rasa_environments.cluster.resources import DEPLOYMENTS, LEASES, SECRETS, resource_of
from tests.integration.people import APPLY_PATCH, JSON_PATCH, MERGE_PATCH
from tests.integration.thief import (
    CHILD,
    OWN,
    OWN_POD,
    OWNER,
    Attempt,
    change,
    create,
    lease,
    model_server_owner,
    take_over,
)

BELONGS = "does not belong to an environment or a model server"
MORE = {"app": "more"}
ANOTHER_IMAGE: JsonObject = {
    "spec": {"template": {"spec": {"containers": [{**OWN_POD["containers"][0], "image": "mine"}]}}}
}


def annotated(**annotations: str) -> JsonObject:
    """Annotations of an object; `__` stands for `/`."""
    return {"metadata": {"annotations": {key.replace("__", "/"): value for key, value in annotations.items()}}}


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
        "ServiceAccount with a cloud's role": create(
            "ServiceAccount", annotated(**{"eks.amazonaws.com__role-arn": "arn:aws:iam::1:role/admin"})
        ),
        "child ServiceAccount with a cloud's role": change(
            "ServiceAccount", annotated(**{"iam.gke.io__gcp-service-account": "admin@example.com"})
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
    },
    "selects only the pods of the environment": {
        "Deployment for more pods": create(
            "Deployment", {"spec": {"selector": {"matchLabels": MORE}, "template": {"metadata": {"labels": MORE}}}}
        ),
        "PodDisruptionBudget for other pods": create(
            "PodDisruptionBudget", {"spec": {"selector": {"matchLabels": MORE}}}
        ),
    },
    "is for the pods of its environment": {
        "NetworkPolicy for other pods": create("NetworkPolicy", {"spec": {"podSelector": {"matchLabels": MORE}}}),
    },
}
"""What RBAC lets through and a policy refuses, by its words (a regular expression)."""


def rbac(kind: str, **fields: object) -> JsonObject:
    """An object of RBAC that makes the operator an administrator."""
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": "loot"}, **fields}


RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMINISTRATOR = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
ITSELF = [{"kind": "ServiceAccount", "name": "rasa-environments", "namespace": NAMESPACE}]
POD: JsonObject = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "loot"}, "spec": OWN_POD}
WORKLOAD: JsonObject = {
    "selector": {"matchLabels": MORE},
    "template": {"metadata": {"labels": MORE}, "spec": POD["spec"]},
}
TOKEN_REQUEST = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}


def signing_request() -> JsonObject:
    """A request for the certificate of an administrator."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loot")])
    signed = (
        x509.CertificateSigningRequestBuilder().subject_name(subject).sign(ed25519.Ed25519PrivateKey.generate(), None)
    )
    request = b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()
    signer = "kubernetes.io/kube-apiserver-client"
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "loot"},
        "spec": {"request": request, "signerName": signer, "usages": ["client auth"]},
    }


HOOK = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "MutatingWebhookConfiguration",
    "metadata": {"name": "loot"},
}
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
OUR_KINDS = f"/apis/{GROUP}/{VERSION}/namespaces/{{ns}}"
ENVIRONMENT = {
    "apiVersion": API_VERSION,
    "kind": "DeploymentEnvironment",
    "metadata": {"name": "loot"},
    "spec": {"rasa": {"version": "3.6.21"}},
}

BEYOND_RBAC: dict[str, Attempt] = {
    "ClusterRoleBinding": Attempt(
        "POST", f"{RBAC}/clusterrolebindings", rbac("ClusterRoleBinding", roleRef=ADMINISTRATOR, subjects=ITSELF)
    ),
    "RoleBinding": Attempt(
        "POST",
        f"{RBAC}/namespaces/kube-system/rolebindings",
        rbac("RoleBinding", roleRef=ADMINISTRATOR, subjects=ITSELF),
    ),
    "its own ClusterRole": Attempt(
        "PATCH", f"{RBAC}/clusterroles/rasa-environments-operator", {"rules": []}, MERGE_PATCH
    ),
    "its own Role": Attempt(
        "PATCH",
        f"{RBAC}/namespaces/{NAMESPACE}/roles/rasa-environments-leader",
        {"rules": []},
        MERGE_PATCH,
    ),
    "token of another account": Attempt(
        "POST",
        "/api/v1/namespaces/kube-system/serviceaccounts/clusterrole-aggregation-controller/token",
        TOKEN_REQUEST,
    ),
    "token of its own account": Attempt(
        "POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/rasa-environments/token", TOKEN_REQUEST
    ),
    "certificate of an administrator": Attempt(
        "POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", signing_request()
    ),
    "pod": Attempt("POST", "/api/v1/namespaces/{ns}/pods", POD),
    "command in a pod": Attempt("POST", "/api/v1/namespaces/{ns}/pods/any/exec?command=sh", connects=True),
    "attachment to a pod": Attempt("POST", "/api/v1/namespaces/{ns}/pods/any/attach", connects=True),
    "port of a pod": Attempt("POST", "/api/v1/namespaces/{ns}/pods/any/portforward", connects=True),
    "request through a pod": Attempt("POST", "/api/v1/namespaces/{ns}/pods/any/proxy/", connects=True),
    "request through a Service": Attempt("POST", "/api/v1/namespaces/{ns}/services/any/proxy/", connects=True),
    "request through a node": Attempt("POST", "/api/v1/nodes/any/proxy/run/ns/pod/container", connects=True),
    "StatefulSet": Attempt(
        "POST",
        "/apis/apps/v1/namespaces/{ns}/statefulsets",
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "loot"}, "spec": WORKLOAD},
    ),
    "DaemonSet": Attempt(
        "POST",
        "/apis/apps/v1/namespaces/{ns}/daemonsets",
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "loot"}, "spec": WORKLOAD},
    ),
    "ReplicaSet": Attempt(
        "POST",
        "/apis/apps/v1/namespaces/{ns}/replicasets",
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "loot"}, "spec": WORKLOAD},
    ),
    "scale of a child": Attempt(
        "PATCH", f"{DEPLOYMENTS.path('{ns}', CHILD)}/scale", {"spec": {"replicas": 9}}, MERGE_PATCH
    ),
    "status of a child": Attempt(
        "PATCH", f"{DEPLOYMENTS.path('{ns}', CHILD)}/status", {"status": {"replicas": 9}}, MERGE_PATCH
    ),
    "deletion of a child": Attempt("DELETE", DEPLOYMENTS.path("{ns}", CHILD)),
    "deletion of all NetworkPolicies": Attempt("DELETE", resource_of("NetworkPolicy").path("{ns}")),
    "labels of a namespace": Attempt(
        "PATCH",
        "/api/v1/namespaces/{ns}",
        {"metadata": {"labels": {f"{GROUP}/pod-security": "privileged"}}},
        MERGE_PATCH,
    ),
    "namespace": Attempt(
        "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "loot"}}
    ),
    "volume of a node's files": Attempt(
        "POST",
        "/api/v1/persistentvolumes",
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "loot"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": {"storage": "1Gi"},
                "hostPath": {"path": "/"},
            },
        },
    ),
    "definition of its own kind": Attempt(
        "PATCH",
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/modeltags.{GROUP}",
        {"spec": {"names": {"shortNames": ["loot"]}}},
        MERGE_PATCH,
    ),
    "status of a definition": Attempt(
        "PATCH",
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/modeltags.{GROUP}/status",
        {"status": {"storedVersions": []}},
        MERGE_PATCH,
    ),
    "API service": Attempt(
        "POST",
        "/apis/apiregistration.k8s.io/v1/apiservices",
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1.example.com"},
            "spec": {
                "group": "example.com",
                "version": "v1",
                "groupPriorityMinimum": 10,
                "versionPriority": 10,
                "insecureSkipTLSVerify": True,
                "service": {"name": "x", "namespace": "x"},
            },
        },
    ),
    "Lease of the controller manager": Attempt(
        "POST",
        LEASES.path("kube-system"),
        {**lease("any"), "metadata": {"name": "kube-controller-manager"}},
    ),
    "Lease of another namespace": Attempt(
        "POST", LEASES.path("{ns}"), {**lease("rasa-environments"), "metadata": {"name": "rasa-environments"}}
    ),
    "Event": Attempt(
        "POST",
        "/api/v1/namespaces/{ns}/events",
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "loot"},
            "involvedObject": {"kind": "Pod", "namespace": "tenant", "name": "x"},
        },
    ),
    "environment": Attempt("POST", f"{OUR_KINDS}/deploymentenvironments", ENVIRONMENT),
    "spec of an environment": Attempt(
        "PATCH", f"{OUR_KINDS}/deploymentenvironments/support", {"spec": {"suspend": False}}, MERGE_PATCH
    ),
    "deletion of an environment": Attempt("DELETE", f"{OUR_KINDS}/deploymentenvironments/support"),
}
"""What RBAC refuses; the policies refuse it, too, where somebody binds the account to more."""

BEYOND_ADMISSION: dict[str, Attempt] = {
    "webhook": Attempt("POST", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", HOOK),
    "the policy itself": Attempt("DELETE", f"{POLICIES}/rasa-environments-operator-writes"),
    "binding of the policy": Attempt(
        "DELETE", POLICIES.replace("policies", "policybindings") + "/rasa-environments-operator-writes"
    ),
    "review of a token": Attempt(
        "POST",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "x"}},
    ),
    "review of another's rights": Attempt(
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": "x"}},
    ),
    "logs of a pod": Attempt("GET", "/api/v1/namespaces/{ns}/pods/any/log"),
    "a node's own API": Attempt("GET", "/api/v1/nodes/any/proxy/configz"),
    "nodes": Attempt("GET", "/api/v1/nodes"),
    "rights of others": Attempt("GET", f"{RBAC}/clusterrolebindings"),
}
"""What only RBAC refuses: no admission takes part in it."""
