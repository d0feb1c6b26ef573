"""The files that the programs of a node read: pure functions from facts to text."""

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

API_SERVICE = "10.96.0.1"
"""The first address of the service network, which is the API server's."""

DNS_SERVICE = "10.96.0.10"
POD_NETWORK = "10.244.0.0/16"
DOMAIN = "cluster.local"

USERS = {
    "kubelet": 'system:node:{node},kubelet,"system:nodes"',
    "kube-proxy": "system:kube-proxy,kube-proxy",
    "coredns": "system:coredns,coredns",
}
"""The programs on a node, and their users, uids and groups at the API server (kubernetes.io, "Node authorization")."""

PROVISIONER = "rasa-environments.io/directory"

CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")


def containerd_configuration(pause_image: str, network_plugins: Path, network_files: Path) -> str:
    """For containerd 1.6 (its docs/cri/config.md). The OCI runtime is the `runc` on its PATH.

    Without CAP_SYS_RESOURCE, as in many containers and machines of CI, no process may get a lower oom_score_adj.
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
    """For CNI: each pod gets a link of its own to the node, which routes between them (www.cni.dev, "ptp plugin").

    So a packet to a Service always passes the node, where kube-proxy's rules are.
    """
    ipam = {"type": "host-local", "ranges": [[{"subnet": POD_NETWORK}]], "routes": [{"dst": "0.0.0.0/0"}]}
    plugins = [{"type": "ptp", "ipMasq": False, "ipam": ipam}]
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}, indent=2)


def kubelet_configuration(address: str, cgroup: str, authority: Path, resolver: Path) -> str:
    """For the kubelet (kubernetes.io, "Kubelet Configuration (v1beta1)").

    Nothing is evicted and no image removed for a full disk, which is the machine's and not the node's, as with kind.
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
    """For kube-proxy (kubernetes.io, "kube-proxy Configuration (v1alpha1)"), which leaves the sysctls alone."""
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
    """For CoreDNS: the names of the cluster alone, since there is no way out of it."""
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
    """Lines of the static token file for the programs on the node, whose tokens are given by their names."""
    return "".join(f"{token},{USERS[name].format(node=node)}\n" for name, token in tokens_of.items())


def objects(address: str) -> list[dict[str, Any]]:
    """What the API server is given at first: DNS, and the class of the volumes."""
    text = (Path(__file__).parent / "objects.yaml").read_text()
    filled = Template(text).substitute(address=address, dns_service=DNS_SERVICE, provisioner=PROVISIONER)
    return list(yaml.safe_load_all(filled))
