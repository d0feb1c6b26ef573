"""Clusters are known by name while somebody supervises them."""

import os
from pathlib import Path

import pytest

from local.node.clusters import ClusterExistsError, ClusterMissingError, Place, State, place_of, ready_cluster, running


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"RASA_ENVIRONMENTS_CACHE": str(tmp_path)}


@pytest.fixture
def place(environment: dict[str, str]) -> Place:
    return place_of("e2e", environment)


def state(place: Place) -> State:
    folder = place.directory
    return State(server="https://198.18.0.2:6443", kubeconfig=folder, audit_log=folder, boots=1, boot_pid=7)


def test_a_claimed_name_is_that_of_a_running_cluster(place: Place, environment: dict[str, str]) -> None:
    with place.claimed():
        assert place.supervisor() == os.getpid()
        assert running(environment) == ["e2e"]

    assert place.supervisor() is None
    assert running(environment) == []


def test_a_name_is_claimed_once(place: Place) -> None:
    with (
        place.claimed(),
        pytest.raises(ClusterExistsError, match="`kind delete cluster --name e2e` ends it"),
        place.claimed(),
    ):
        pass


def test_a_released_name_can_be_claimed_again(place: Place) -> None:
    with place.claimed():
        pass
    with place.claimed():
        assert place.supervisor() == os.getpid()


def test_a_name_that_a_killed_supervisor_left_is_free(place: Place) -> None:
    place.root.mkdir(parents=True)
    place.lock.write_text("4194304")

    with place.claimed():
        assert place.supervisor() == os.getpid()


@pytest.mark.parametrize("name", ["", "../up", "a b", "UPPER", "-dash", "a" * 51])
def test_what_is_no_name_is_refused(name: str, environment: dict[str, str]) -> None:
    with pytest.raises(ClusterExistsError, match="a cluster cannot be called"), place_of(name, environment).claimed():
        pass


def test_a_ready_cluster_tells_of_itself(place: Place, environment: dict[str, str]) -> None:
    with place.claimed():
        place.directory.mkdir()
        place.write_state(state(place))

        assert ready_cluster("e2e", environment) == state(place)


def test_a_cluster_that_is_starting_is_not_ready(place: Place, environment: dict[str, str]) -> None:
    with (
        place.claimed(),
        pytest.raises(ClusterMissingError, match="there is no cluster e2e that is ready; there is: e2e"),
    ):
        ready_cluster("e2e", environment)


def test_what_a_dead_cluster_said_counts_no_more(place: Place, environment: dict[str, str]) -> None:
    place.directory.mkdir(parents=True)
    place.write_state(state(place))

    with pytest.raises(ClusterMissingError, match="there is: none"):
        ready_cluster("e2e", environment)
