"""The operator's account can only create pods of the level `restricted`, judged as Pod Security judges them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import httpx
import pytest

from local.api_server import kubeconfig_client
from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.resources import DEPLOYMENTS
from tests.api.api_server import Answer, wait_until
from tests.integration.conftest import Installation
from tests.integration.manifests import environment
from tests.integration.people import MERGE_PATCH
from tests.integration.space import Objects
from tests.integration.thief import FORGED, Thief, family, merged, thief_of

LEVELS = ("restricted", "baseline", "privileged")
LABEL = "rasa-environments.io/pod-security"
POLICY = "ValidatingAdmissionPolicy 'rasa-environments-operator-pods'"


def pod(**fields: object) -> JsonObject:
    """A change of the pod."""
    return {"spec": fields}


def context(**fields: object) -> JsonObject:
    """A change of the pod's security context."""
    return pod(securityContext=fields)


def containers(*more: JsonObject, **fields: object) -> JsonObject:
    """A change of the Rasa server's container, and containers beside it."""
    return pod(containers=[merged(RASA, dict(fields)), *more])


def security(**fields: object) -> JsonObject:
    """A change of that container's security context."""
    return containers(securityContext=fields)


def volume(**source: object) -> JsonObject:
    """The pod with another volume."""
    return pod(volumes=[*TEMPLATE["spec"]["volumes"], {"name": "more", **source}])


TEMPLATE: JsonObject = family()["Deployment"]["spec"]["template"]
RASA: JsonObject = TEMPLATE["spec"]["containers"][0]
BARE: JsonObject = {"name": "more", "image": "more"}
SAFE: JsonObject = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
FORBIDDEN: dict[str, JsonObject] = {
    "node's network": pod(hostNetwork=True),
    "node's processes": pod(hostPID=True),
    "node's IPC": pod(hostIPC=True),
    "node's files": volume(hostPath={"path": "/"}),
    "volume of a file server": volume(nfs={"server": "nfs", "path": "/"}),
    "volume of a driver": volume(flexVolume={"driver": "example/any"}),
    "privileged": security(privileged=True, allowPrivilegeEscalation=True),
    "privileged sidecar": containers({**BARE, "securityContext": {"privileged": True}}),
    "privileged init container": pod(initContainers=[{**BARE, "securityContext": {"privileged": True}}]),
    "sidecar without a security context": containers(BARE),
    "init container without a security context": pod(initContainers=[BARE]),
    "privilege escalation": security(allowPrivilegeEscalation=True),
    "privilege escalation by default": security(allowPrivilegeEscalation=None),
    "no security context": containers(securityContext=None),
    "capabilities kept": security(capabilities=None),
    "capabilities dropped by name": security(capabilities={"drop": ["NET_RAW"]}),
    "capability added": security(capabilities={"add": ["SYS_ADMIN"]}),
    "harmless capability added": security(capabilities={"add": ["CHOWN"]}),
    "root": context(runAsUser=0),
    "root in the container": security(runAsUser=0),
    "root allowed": context(runAsNonRoot=False),
    "root allowed in the container": security(runAsNonRoot=False),
    "root not ruled out": context(runAsNonRoot=None),
    "no seccomp": context(seccompProfile={"type": "Unconfined"}),
    "no seccomp in the container": security(seccompProfile={"type": "Unconfined"}),
    "seccomp left open": context(seccompProfile=None),
    "no AppArmor": context(appArmorProfile={"type": "Unconfined"}),
    "no AppArmor in the container": security(appArmorProfile={"type": "Unconfined"}),
    "no AppArmor by annotation": {
        "metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/rasa": "unconfined"}}
    },
    "SELinux type": context(seLinuxOptions={"type": "spc_t"}),
    "SELinux user": context(seLinuxOptions={"user": "system_u"}),
    "SELinux role in the container": security(seLinuxOptions={"role": "system_r"}),
    "unsafe sysctl": context(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
    "port of the node": containers(ports=[{"containerPort": 5005, "hostPort": 5005}]),
    "probe of another host": containers(livenessProbe={"httpGet": {"host": "10.0.0.1"}}),
    "hook that calls another host": containers(
        lifecycle={"postStart": {"httpGet": {"host": "10.0.0.1", "path": "/", "port": 80}}}
    ),
    "process of a Windows node": merged(pod(hostNetwork=True), context(windowsOptions={"hostProcess": True})),
}
IN_A_USER_NAMESPACE: dict[str, JsonObject] = {
    "unmasked /proc": security(procMount="Unmasked"),
    "root": context(runAsUser=0),
    "root not ruled out": context(runAsNonRoot=None),
}
"""What Pod Security admits from 1.35 on with hostUsers false. Older nodes ignore that field."""
ALLOWED: dict[str, JsonObject] = {
    "as the operator makes it": {},
    "safe sidecar": containers({**BARE, "securityContext": SAFE}),
    "safe init container": pod(initContainers=[{**BARE, "securityContext": SAFE}]),
    "a user by number": context(runAsUser=1001, fsGroup=1001),
    "seccomp by the containers": merged(
        context(seccompProfile=None), security(seccompProfile={"type": "Localhost", "localhostProfile": "rasa"})
    ),
    "non-root by the containers": merged(context(runAsNonRoot=None), security(runAsNonRoot=True)),
    "low ports": security(capabilities={"add": ["NET_BIND_SERVICE"]}),
    "safe sysctl": context(sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
    "SELinux level": context(seLinuxOptions={"level": "s0:c1,c2"}),
    "AppArmor by annotation": {
        "metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/rasa": "runtime/default"}}
    },
    "AppArmor profile": context(appArmorProfile={"type": "Localhost", "localhostProfile": "rasa"}),
    "volume claim": volume(persistentVolumeClaim={"claimName": "any"}),
    "volume of the pod's own": volume(ephemeral={"volumeClaimTemplate": CLAIM}),
    "another volume of each kind": volume(projected={"sources": [{"secret": {"name": "any"}}]}),
    "volume of an image": volume(image={"reference": "any"}),
    "64 containers": containers(*({**BARE, "name": f"more-{i}", "securityContext": SAFE} for i in range(64))),
}


@dataclass(frozen=True)
class Yard:
    """Create a namespace limited to a level by our label, where Pod Security warns about violations of that level."""

    level: str
    thief: Thief
    administrator: httpx.Client

    def refusal(self, template: JsonObject) -> str:
        """Return why the operator may not create that pod; empty if it may."""
        answer = self.thief.create(deployment(template), dryRun="All")
        assert answer.accepted or POLICY in answer.body["message"], answer.body
        return "" if answer.accepted else str(answer.body["message"])

    def warning(self, template: JsonObject) -> str:
        """Return the violations that Pod Security reports."""
        path = DEPLOYMENTS.path(self.thief.namespace)
        answer = self.administrator.post(path, json=deployment(template), params={"dryRun": "All"})
        assert answer.is_success, answer.text
        return " ".join(text for text in answer.headers.get_list("Warning") if "violate PodSecurity" in text)


def deployment(template: JsonObject) -> JsonObject:
    """The Deployment of an environment, with a change of its pods."""
    return merged(family()["Deployment"], {"spec": {"template": template}})


@pytest.fixture(scope="module", params=LEVELS)
def yard(breakable: Installation, request: pytest.FixtureRequest) -> Iterator[Yard]:
    """A namespace for each level."""
    level = str(request.param)
    space = Objects(breakable.api, f"pods-{level}")
    labels = {LABEL: level, "pod-security.kubernetes.io/warn": level}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space.namespace, "labels": labels}}
    assert breakable.api.apply(f"/api/v1/namespaces/{space.namespace}", manifest).accepted
    with (
        thief_of(breakable, space.namespace) as thief,
        closing(kubeconfig_client(breakable.facts.kubeconfig)) as client,
    ):
        yard = Yard(level, thief, client)
        wait_until(lambda: account_is_held_to_its_own(yard), "the policies to hold")
        yield yard


def account_is_held_to_its_own(yard: Yard) -> bool:
    return yard.thief.create(deployment(pod(serviceAccountName="default")), dryRun="All").status == 403


@pytest.mark.parametrize("change", [*FORBIDDEN.values(), *ALLOWED.values()], ids=[*FORBIDDEN, *ALLOWED])
def test_it_is_judged_as_pod_security_judges_and_told_what_to_do(yard: Yard, change: JsonObject) -> None:
    refusal, warning = yard.refusal(change), yard.warning(change)

    assert bool(refusal) == bool(warning), (refusal, warning)
    if refusal:
        assert f"by the Pod Security level {yard.level}: change spec.podTemplate of the environment" in refusal
    if yard.level == "restricted":
        assert bool(refusal) == (change in FORBIDDEN.values())


@pytest.mark.parametrize("change", IN_A_USER_NAMESPACE.values(), ids=IN_A_USER_NAMESPACE)
def test_a_user_namespace_is_no_exception(yard: Yard, change: JsonObject) -> None:
    allowed = {"privileged"} if "containers" in change["spec"] else {"privileged", "baseline"}

    assert (yard.refusal(merged(pod(hostUsers=False), change)) == "") == (yard.level in allowed)


@pytest.mark.parametrize(
    "change", [{"serviceAccountName": "default"}, {"serviceAccountName": None, "serviceAccount": None}], ids=str
)
def test_pods_run_as_the_account_of_their_environment_at_every_level(yard: Yard, change: JsonObject) -> None:
    assert 'pods must run as the ServiceAccount of their environment, "forged-rasa"' in yard.refusal({"spec": change})


def test_what_was_so_before_can_be_scaled_but_not_changed(breakable: Installation) -> None:
    space = Objects(breakable.api, "pods-before")
    space.create_namespace()
    space.apply(environment(FORGED, suspend=True))
    uid = space.get("DeploymentEnvironment", FORGED)["metadata"]["uid"]
    before = merged(family(uid=uid)["Deployment"], {"spec": {"template": pod(hostNetwork=True)}})
    with thief_of(breakable, space.namespace) as thief:
        space.apply(before)

        assert changed(thief, {"replicas": 0}).accepted
        refused = changed(thief, {"template": pod(priorityClassName="system-cluster-critical")})

    space.delete("DeploymentEnvironment", FORGED)
    assert "hostNetwork" in str(refused.body["message"])


def changed(thief: Thief, spec: JsonObject) -> Answer:
    """The Deployment with another spec."""
    return thief.send("PATCH", DEPLOYMENTS.path(thief.namespace, "forged-rasa"), {"spec": spec}, MERGE_PATCH)
