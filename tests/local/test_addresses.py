"""Addresses on the loopback network that belong to a single cluster."""

import socket

from local.addresses import claim_pod_network, free_ports


def test_free_ports_are_different_and_can_be_listened_on() -> None:
    ports = free_ports(5)

    assert len(set(ports)) == 5
    for port in ports:
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))


def test_two_clusters_never_share_a_pod_network() -> None:
    networks = [claim_pod_network() for _ in range(20)]

    assert len({network.cidr for network in networks}) == 20
    for network in networks:
        network.release()
