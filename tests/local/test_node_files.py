"""The files that the programs of a real node read."""

import ipaddress
import itertools
import json
import tomllib
from pathlib import Path

import yaml

from local.control_plane_flags import SERVICE_NETWORK
from local.node import files
from local.node.network import LINKS, inside_commands

ADDRESS = "198.18.0.2"


def test_containerd_gets_its_sandbox_image_and_network_plugins() -> None:
    settings = tomllib.loads(files.containerd_configuration("localhost/pause:1", Path("/plugins"), Path("/networks")))

    runtime = settings["plugins"]["io.containerd.grpc.v1.cri"]
    assert runtime["sandbox_image"] == "localhost/pause:1"
    assert runtime["cni"] == {"bin_dir": "/plugins", "conf_dir": "/networks"}


def test_containerd_asks_for_no_privilege_that_machines_of_ci_lack() -> None:
    settings = tomllib.loads(files.containerd_configuration("pause", Path("/plugins"), Path("/networks")))

    assert settings["plugins"]["io.containerd.grpc.v1.cri"]["restrict_oom_score_adj"] is True


def test_the_kubelet_lets_in_only_whom_the_api_server_knows() -> None:
    settings = yaml.safe_load(files.kubelet_configuration(ADDRESS, "/group", Path("/authority"), Path("/resolver")))

    assert settings["authentication"]["anonymous"] == {"enabled": False}
    assert settings["authentication"]["x509"] == {"clientCAFile": "/authority"}
    assert settings["authorization"] == {"mode": "Webhook"}


def test_the_kubelet_keeps_to_the_nodes_control_group_and_address() -> None:
    settings = yaml.safe_load(files.kubelet_configuration(ADDRESS, "/group", Path("/authority"), Path("/resolver")))

    assert (settings["cgroupRoot"], settings["address"]) == ("/group", ADDRESS)


def test_kube_proxy_leaves_the_machines_settings_alone() -> None:
    settings = yaml.safe_load(files.proxy_configuration(ADDRESS, Path("/kubeconfig")))

    assert settings["mode"] == "nftables"
    assert settings["conntrack"] == {
        "maxPerCore": 0,
        "min": 0,
        "tcpCloseWaitTimeout": "0s",
        "tcpEstablishedTimeout": "0s",
    }


def test_the_networks_of_pods_services_and_links_do_not_overlap() -> None:
    [plugin] = json.loads(files.network_configuration())["plugins"]
    pods = ipaddress.IPv4Network(plugin["ipam"]["ranges"][0][0]["subnet"])
    services = ipaddress.IPv4Network(SERVICE_NETWORK)

    assert not any(one.overlaps(other) for one, other in itertools.combinations((pods, services, LINKS), 2))
    assert all(ipaddress.IPv4Address(address) in services for address in (files.API_SERVICE, files.DNS_SERVICE))


def test_pods_have_no_way_out_and_hear_so_at_once() -> None:
    assert ["ip", "route", "add", "unreachable", "default"] in inside_commands(ADDRESS, "198.18.0.1")


def test_each_program_has_its_own_user() -> None:
    lines = files.tokens({"kubelet": "one", "kube-proxy": "two", "coredns": "three"}, "e2e-control-plane").splitlines()

    assert lines == [
        'one,system:node:e2e-control-plane,kubelet,"system:nodes"',
        "two,system:kube-proxy,kube-proxy",
        "three,system:coredns,coredns",
    ]


def test_dns_and_the_class_of_volumes_are_there_from_the_start() -> None:
    objects = {(document["kind"], document["metadata"]["name"]): document for document in files.objects(ADDRESS)}

    assert objects["Service", "kube-dns"]["spec"]["clusterIP"] == files.DNS_SERVICE
    assert objects["EndpointSlice", "kube-dns"]["endpoints"] == [{"addresses": [ADDRESS]}]
    assert objects["StorageClass", "standard"]["provisioner"] == files.PROVISIONER
