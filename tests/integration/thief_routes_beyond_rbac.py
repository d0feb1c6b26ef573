"""What a thief of the operator's token would try and RBAC refuses."""

from __future__ import annotations

from base64 import b64encode

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from local.installation import NAMESPACE
from rasa_environments.api.base import API_VERSION, GROUP, VERSION, JsonObject
from rasa_environments.cluster.resources import DEPLOYMENTS, LEASES, resource_of
from tests.integration.people import MERGE_PATCH
from tests.integration.thief import (
    CHILD,
    OWN_POD,
    Attempt,
    lease,
)
from tests.integration.thief_routes import MORE


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
"""What RBAC refuses; the policies refuse it, too, if somebody binds the account to more."""

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
"""What only RBAC refuses, because admission takes no part in it."""
