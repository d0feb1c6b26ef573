"""The resources that the operator reads and writes, and their paths on the API server."""

from __future__ import annotations

from typing import Final, NamedTuple

from rasa_environments.api.base import GROUP, VERSION


class Resource(NamedTuple):
    """A resource of the API server. A tuple for its hash, as `ObjectKey`."""

    group: str
    """API group; empty for the core group."""
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of an object, of the collection in a namespace, or of all (source.

        Kubernetes API concepts).
        """
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)


SECRETS: Final = Resource("", "v1", "secrets", "Secret")
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")
SERVICES: Final = Resource("", "v1", "services", "Service")
SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts", "ServiceAccount")
PODS: Final = Resource("", "v1", "pods", "Pod")
NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
JOBS: Final = Resource("batch", "v1", "jobs", "Job")
DEPLOYMENTS: Final = Resource("apps", "v1", "deployments", "Deployment")
HORIZONTAL_POD_AUTOSCALERS: Final = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
POD_DISRUPTION_BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
NETWORK_POLICIES: Final = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
INGRESSES: Final = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event")
MODEL_SERVERS: Final = Resource(GROUP, VERSION, "modelservers", "ModelServer")
DEPLOYMENT_ENVIRONMENTS: Final = Resource(GROUP, VERSION, "deploymentenvironments", "DeploymentEnvironment")
MODEL_TAGS: Final = Resource(GROUP, VERSION, "modeltags", "ModelTag")
CUSTOM_RESOURCE_DEFINITIONS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
ADMISSION_POLICIES: Final = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
    "ValidatingAdmissionPolicy",
    namespaced=False,
)
ADMISSION_POLICY_BINDINGS: Final = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
    namespaced=False,
)
POD_MONITORS: Final = Resource("monitoring.coreos.com", "v1", "podmonitors", "PodMonitor")
SERVICE_MONITORS: Final = Resource("monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor")
SELF_SUBJECT_ACCESS_REVIEWS: Final = Resource(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"
)
SELF_SUBJECT_REVIEWS: Final = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview")

_BY_KIND: Final = {
    resource.kind: resource
    for resource in (
        SECRETS,
        CONFIG_MAPS,
        SERVICES,
        SERVICE_ACCOUNTS,
        PODS,
        DEPLOYMENTS,
        JOBS,
        HORIZONTAL_POD_AUTOSCALERS,
        POD_DISRUPTION_BUDGETS,
        NETWORK_POLICIES,
        INGRESSES,
        LEASES,
        EVENTS,
        MODEL_SERVERS,
        DEPLOYMENT_ENVIRONMENTS,
        MODEL_TAGS,
    )
}


def resource_of(kind: str) -> Resource:
    """Return the resource whose objects are of `kind`. Raises KeyError for an unknown one."""
    return _BY_KIND[kind]
