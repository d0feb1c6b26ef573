"""The files that the programs of a node read: pure functions from facts to text."""

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

API_SERVICE = "10.96.0.1"
"""The first address of the service network, which belongs to the API server."""

DNS_SERVICE = "10.96.0.10"
POD_NETWORK = "10.244.0.0/16"
DOMAIN = "cluster.local"

USERS = {
    "kubelet": 'system:node:{node},kubelet,"system:nodes"',
    "kube-proxy": "system:kube-proxy,kube-proxy",
    "coredns": "system:coredns,coredns",
}
"""The programs on a node, with their users, uids and groups at the API server (kubernetes.io, "Node authorization")."""

PROVISIONER = "rasa-environments.io/directory"

CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")


def containerd_configuration(pause_image: str, network_plugins: Path, network_files: Path) -> str:
    """Return the configuration of containerd 1.6 (its docs/cri/config.md); the OCI runtime is the `runc` on its PATH.

    Without CAP_SYS_RESOURCE, as in many containers and CI machines, no process may get a lower oom_score_adj.
    """
    return f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause_image}"
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{network_plugins}"
conf_dir = "{network_files}"
"""


def network_configuration() -> str:
    """Return a CNI configuration that gives each pod its own link to the node (www.cni.dev, "ptp plugin").

    The node routes between pods, so a packet to a Service always passes it, where kube-proxy's rules apply.
    """
    ipam = {"type": "host-local", "ranges": [[{"subnet": POD_NETWORK}]], "routes": [{"dst": "0.0.0.0/0"}]}
    plugins = [{"type": "ptp", "ipMasq": False, "ipam": ipam}]
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}, indent=2)


def kubelet_configuration(address: str, cgroup: str, authority: Path, resolver: Path) -> str:
    """Return the configuration of the kubelet (kubernetes.io, "Kubelet Configuration (v1beta1)").

    As with kind, nothing is evicted and no image removed because of a full disk, which belongs to the machine.
    """
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": address,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(authority)},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": cgroup,
            "clusterDNS": [DNS_SERVICE],
            "clusterDomain": DOMAIN,
            "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
            "evictionHard": {"imagefs.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%"},
            "failCgroupV1": False,
            "failSwapOn": False,
            "healthzPort": 0,
            "imageGCHighThresholdPercent": 100,
            "oomScoreAdj": 0,
            "resolvConf": str(resolver),
            "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        },
        sort_keys=False,
    )


def proxy_configuration(address: str, kubeconfig: Path) -> str:
    """Return the configuration of kube-proxy (kubernetes.io, "kube-proxy Configuration (v1alpha1)").

    It leaves the sysctls alone.
    """
    untouched = {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"}
    return yaml.safe_dump(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "clusterCIDR": POD_NETWORK,
            "conntrack": untouched,
            "healthzBindAddress": f"{address}:10256",
            "metricsBindAddress": f"{address}:10249",
            "mode": "nftables",
            "oomScoreAdj": 0,
        },
        sort_keys=False,
    )


def dns_configuration(address: str, kubeconfig: Path) -> str:
    """Return the configuration of CoreDNS: names of the cluster only, since there is no route out of it."""
    return f"""\
.:53 {{
    bind {address}
    errors
    ready {address}:8181
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        ttl 5
    }}
}}
"""


def tokens(tokens_of: Mapping[str, str], node: str) -> str:
    """Return lines of the static token file for the programs on the node, whose tokens are given by program."""
    return "".join(f"{token},{USERS[name].format(node=node)}\n" for name, token in tokens_of.items())


def objects(address: str) -> list[dict[str, Any]]:
    """Return the initial objects of the API server: DNS, and the StorageClass."""
    text = (Path(__file__).parent / "objects.yaml").read_text()
    filled = Template(text).substitute(address=address, dns_service=DNS_SERVICE, provisioner=PROVISIONER)
    return list(yaml.safe_load_all(filled))
