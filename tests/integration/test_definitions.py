"""CRDs may be installed late, deleted and reinstalled; readiness names each kind that is not being watched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local import installation
from local.installation import ROOT
from rasa_environments.api.base import JsonObject
from tests.api.api_server import wait_until
from tests.integration import manifests
from tests.integration.conftest import Installation
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, MERGE_PATCH, Space

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PLURALS = ("modelservers", "deploymentenvironments", "modeltags")
SECONDS = 30.0
FINALIZER = "example.com/not-yet"


@pytest.fixture(autouse=True)
def definitions(breakable: Installation) -> Iterator[None]:
    """Restore all CRDs after each test."""
    yield
    installation.install(breakable.facts.kubeconfig)


def path(plural: str) -> str:
    """Return the path of the CRD of a kind."""
    return f"{DEFINITIONS}/{plural}.rasa-environments.io"


def delete_definition(breakable: Installation, plural: str) -> None:
    """Delete the CRD of a kind, and with it all its objects."""
    assert breakable.api.request("DELETE", path(plural)).accepted
    wait_until(lambda: not breakable.api.request("GET", path(plural)).accepted, f"{plural} to be gone")


def unready(operator: OperatorProcess) -> str:
    """Return what the operator lacks to be ready; empty if it is ready."""
    answer = operator.answer("/readyz")
    return "" if answer.status_code == 200 else answer.text


def wait_until_unready(operator: OperatorProcess, plural: str) -> None:
    """Wait until the operator reports that it does not see that kind, and why."""
    operator.wait_until(
        lambda: f"{plural}: " in unready(operator) and "is their CRD installed?" in unready(operator),
        f"unready without {plural}",
        SECONDS,
    )


def work_is_done(space: Space) -> None:
    """Check that a new environment and a change of it are handled soon, by watches rather than resyncs."""
    space.apply(environment())
    space.eventually(lambda: space.find_child("Deployment"), "the Deployment to be there", SECONDS)
    space.wait_until_ready()

    space.patch(ENVIRONMENT, "production", {"spec": {"replicas": 2}}, "scale")

    space.eventually(lambda: space.child("Deployment")["spec"]["replicas"] == 2, "the Deployment to be scaled", SECONDS)
    space.wait_until_ready()


def install_again(breakable: Installation, space: Space, *lost: JsonObject) -> None:
    """Install the CRDs, and recreate what was deleted with them."""
    installation.install(breakable.facts.kubeconfig)
    space.apply(*lost)


def model_servers(space: Space) -> list[JsonObject]:
    """Return the ModelServers as their users wrote them, to be created again."""
    return [
        manifests.model_server(server["spec"]["url"], server["metadata"]["name"])
        for server in space.list("ModelServer")
    ]


def test_an_operator_that_starts_before_a_definition_says_so_and_works_once_it_is_there(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    servers = model_servers(mortal_space)
    for plural in PLURALS:
        delete_definition(breakable, plural)
    mortal.launch()
    for plural in PLURALS:
        wait_until_unready(mortal, plural)

    install_again(breakable, mortal_space, *servers)

    mortal.wait_until(lambda: unready(mortal) == "", "ready", SECONDS)
    work_is_done(mortal_space)


def test_a_deleted_definition_stops_nothing_and_is_watched_again_when_it_is_back(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    servers = model_servers(mortal_space)
    mortal.start()
    for plural in PLURALS:
        delete_definition(breakable, plural)
    for plural in PLURALS:
        wait_until_unready(mortal, plural)
    assert mortal.answer("/healthz").status_code == 200

    install_again(breakable, mortal_space, *servers)

    mortal.wait_until(lambda: unready(mortal) == "", "ready", SECONDS)
    work_is_done(mortal_space)
    assert "Traceback" not in mortal.logged()


def test_without_the_tags_environments_are_looked_after_all_the_same(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    mortal.start()
    delete_definition(breakable, "modeltags")
    wait_until_unready(mortal, "modeltags")

    work_is_done(mortal_space)


def test_a_definition_that_waits_for_its_last_object_is_watched_to_its_end(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    space = mortal_space
    mortal.start()
    space.apply(environment("staging"), environment("support"))
    space.wait_until_ready("staging", "support")
    space.patch(ENVIRONMENT, "staging", {"metadata": {"finalizers": [FINALIZER]}})

    assert breakable.api.request("DELETE", path("deploymentenvironments")).accepted
    space.eventually(lambda: space.find(ENVIRONMENT, "support") is None, "what nothing holds to be gone")
    space.eventually(lambda: space.find_child("Deployment", "support") is None, "its children to be gone", 60)
    assert space.find(ENVIRONMENT, "staging") is not None
    assert unready(mortal) == ""

    space.patch(ENVIRONMENT, "staging", {"metadata": {"finalizers": None}})
    wait_until_unready(mortal, "deploymentenvironments")
    installation.install(breakable.facts.kubeconfig)
    mortal.wait_until(lambda: unready(mortal) == "", "ready", SECONDS)
    work_is_done(space)


def older(plural: str) -> JsonObject:
    """Return the CRD as it might have been some versions ago: fewer fields, in spec and status."""
    definition: JsonObject = yaml.safe_load((ROOT / Path("crds") / f"{plural}.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema.pop("x-kubernetes-validations", None)
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    spec.pop("x-kubernetes-validations", None)
    spec["properties"].pop("podDisruptionBudget")
    status["properties"].pop("desiredModel")
    return definition


def test_after_a_definition_with_fewer_fields_the_whole_status_is_there_again(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    space = mortal_space
    mortal.start()
    space.apply(environment(), model_tag(model=MODEL_A))
    space.wait_until_ready()
    whole = space.status(ENVIRONMENT, "production")
    assert "desiredModel" in whole

    replaced = breakable.api.request(
        "PATCH", path("deploymentenvironments"), older("deploymentenvironments"), headers=MERGE_PATCH
    )
    assert replaced.accepted, replaced.body
    space.eventually(lambda: not older_is_missed(space), "the older definition to be in force")
    space.patch(ENVIRONMENT, "production", {"spec": {"replicas": 2}}, "scale")
    space.eventually(lambda: space.child("Deployment")["spec"]["replicas"] == 2, "the environment to be scaled")
    space.wait_until_ready()
    assert unready(mortal) == ""

    installation.install(breakable.facts.kubeconfig)
    space.eventually(
        lambda: space.status(ENVIRONMENT, "production").keys() >= whole.keys(), "the whole status to be back", 30
    )
    assert "Traceback" not in mortal.logged()


def older_is_missed(space: Space) -> bool:
    """Return whether the API server still keeps a field of the status that the older CRD does not have."""
    return "desiredModel" in space.status(ENVIRONMENT, "production")
