"""Which namespaces a ModelServer admits by their labels, and who decides that."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.people import MERGE_PATCH
from tests.integration.space import Space

BY_LABEL: JsonObject = {"namespaceSelectors": [{"matchLabels": {"example.com/team": "bots"}}]}


def label(space: Space, value: str | None) -> None:
    """Label the namespace, or remove the label."""
    answer = space.api.request(
        "PATCH",
        f"/api/v1/namespaces/{space.namespace}",
        {"metadata": {"labels": {"example.com/team": value}}},
        headers={"Content-Type": MERGE_PATCH},
    )
    assert answer.accepted, answer.body["message"]


def test_whoever_labels_a_namespace_admits_it_and_whoever_takes_the_label_away_shuts_it_out(
    empty_space: Space, another_space: Space, model_server: ModelServerProcess
) -> None:
    space, owner = empty_space, another_space
    furnish(owner, model_server, accessFrom=BY_LABEL)
    space.apply(environment(modelServerRef={"namespace": owner.namespace}))
    space.wait_for_condition("DeploymentEnvironment", "production", "Ready", status="False", reason="RefNotPermitted")

    label(space, "bots")
    space.wait_until_ready()
    label(space, "others")

    space.wait_for_condition("DeploymentEnvironment", "production", "Ready", status="False", reason="RefNotPermitted")
