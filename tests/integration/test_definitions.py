"""Definitions may come late, go, and come again; readiness names each kind that is not being watched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import installation
from tests.api.api_server import wait_until
from tests.integration.conftest import Installation
from tests.integration.manifests import environment
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import Space

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SECONDS = 10.0


@pytest.fixture(autouse=True)
def definitions(breakable: Installation) -> Iterator[None]:
    """All definitions are there again after each test."""
    yield
    installation.install(breakable.facts.kubeconfig)


def delete_definition(breakable: Installation, plural: str) -> None:
    """Deletes the definition of a kind, and with it all its objects."""
    path = f"{DEFINITIONS}/{plural}.rasa-environments.io"
    assert breakable.api.request("DELETE", path).accepted
    wait_until(lambda: not breakable.api.request("GET", path).accepted, f"{plural} to be gone")


def unready(operator: OperatorProcess) -> str:
    """What the operator lacks to be ready; empty where it is ready."""
    answer = operator.answer("/readyz")
    return "" if answer.status_code == 200 else answer.text


def test_an_operator_that_starts_before_a_definition_says_so_and_works_once_it_is_there(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    delete_definition(breakable, "deploymentenvironments")
    mortal.launch()

    mortal.wait_until(lambda: "deploymentenvironments" in unready(mortal), "unready", SECONDS)

    installation.install(breakable.facts.kubeconfig)
    mortal_space.apply(environment())
    mortal_space.wait_until_ready()
    assert unready(mortal) == ""


def test_a_deleted_definition_stops_nothing_and_is_watched_again_when_it_is_back(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    mortal.start()
    delete_definition(breakable, "modeltags")

    mortal.wait_until(lambda: "modeltags" in unready(mortal), "unready", SECONDS)
    mortal_space.apply(environment())
    mortal_space.wait_until_ready()

    installation.install(breakable.facts.kubeconfig)
    mortal.wait_until(lambda: unready(mortal) == "", "ready", SECONDS)
