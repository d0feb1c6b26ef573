"""A Rasa X without a production environment: it fails to set any tag, and its registry shows why."""

from __future__ import annotations

import json

import pytest

from tests.integration.conftest import furnish
from tests.integration.manifests import model_tag
from tests.integration.model_server_front import MODELS, Asked, Fault, Front, Said
from tests.integration.model_server_process import MODEL_A
from tests.integration.space import Space
from tests.integration.test_model_tags import TAG

JSON = {"Content-Type": "application/json"}
TOLD = {
    "/api/environments": [],
    "/api/version": {"rasa": {}, "rasa-x": "1.1.2", "enterprise": False, "keys": []},
    "/api/health": {},
}
"""What it says of its environments."""
NO_PRODUCTION = (
    "no environment production is registered with it, and Rasa X asks it for its version before it takes a tag or a "
    "model; create a DeploymentEnvironment of this name that refers to this ModelServer (with spec.external where its "
    "server runs elsewhere), or register it at Rasa X yourself"
)


def without_production(put: Said) -> Fault:
    """What such a Rasa X answers, and `put` to a tag."""

    def fault(asked: Asked) -> Said | None:
        if asked.method == "PUT" and "/tags/" in asked.path:
            return put
        return Said(200, json.dumps(TOLD[asked.path]), JSON) if asked.path in TOLD else None

    return fault


@pytest.mark.parametrize(
    ("put", "said"),
    [
        (
            Said(500, "Internal Server Error"),
            "the model server at {url}" + MODELS + "/{model}/tags/production fails (500)",
        ),
        (
            Said(404, json.dumps({"reason": "TagError", "message": "Stack production is not reachable"}), JSON),
            "the model server has model {model}, and does not let it carry tag production (TagError)",
        ),
    ],
    ids=["500", "404"],
)
def test_the_tag_says_that_there_is_no_production(empty_space: Space, front: Front, put: Said, said: str) -> None:
    furnish(empty_space, front)
    front.fault = without_production(put)

    empty_space.apply(model_tag(model=MODEL_A))

    message = f"{said.format(url=front.url, model=MODEL_A)}: {NO_PRODUCTION}"
    for condition in ("Tagged", "Ready"):
        empty_space.wait_for_condition(
            TAG, "production", condition, status="False", reason="TagRefused", message=message
        )
