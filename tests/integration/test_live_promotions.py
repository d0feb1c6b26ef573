"""A model that fails only in its environment loses the tag again, while a visitor keeps chatting with real Rasa."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.models import models_of
from local.rasa import RELEASES
from tests.integration.conftest import Installation
from tests.integration.manifests import config_map
from tests.integration.model_server_process import ModelServerProcess, running_model_server
from tests.integration.real_environments import real_rasas
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG
from tests.integration.test_verified_promotions import (
    OF_ANY_MODEL,
    A,
    B,
    serving_model_a,
    verified,
    visiting,
    with_every_release,
)

GONE_SECONDS = 60.0
"""Seconds within which users no longer meet a model that fails live."""
FROM_A, FROM_B = "Hello from model A.", "Hello from model B."


@pytest.mark.timeout(600)
@with_every_release
def test_a_model_that_fails_live_is_gone_again_while_a_visitor_chats_and_a_good_one_stays(
    release: str,
    profile: str,
    binaries: str,
    empty_space: Space,
    shared: Installation,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    rasa: Path = request.getfixturevalue(binaries)
    with running_model_server(tmp_path / "models", samples=models_of(RELEASES[release])) as models:
        prove_rollback(release, profile, empty_space, shared.facts.kubeconfig, models, rasa)


def prove_rollback(
    release: str, profile: str, space: Space, kubeconfig: Path, own_models: ModelServerProcess, rasa_binaries: Path
) -> None:
    """Promote model B, which fails live, and again after the conversations were corrected."""
    space.apply(*serving_model_a(release, profile, own_models.url))
    with real_rasas(space, kubeconfig, rasa_binaries, "production") as servers:
        production = servers["production"]
        space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")
        with visiting(production) as visitor:
            space.patch(TAG, "production", {"spec": {"model": B, "verification": verified(stage="live")}})
            space.eventually(lambda: FROM_B in visitor.answers, "the visitor to meet model B")
            space.eventually(lambda: visitor.answers[-1] == FROM_A, "the visitor to meet model A again", GONE_SECONDS)
            rejected = space.wait_for_condition(TAG, "production", "Tagged", reason="ModelRejected")
            space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")
        assert "step 3: expected bot: Hello from model A.; the bot answered: Hello from model B." in rejected["message"]
        assert own_models.tags() == {"production": A}
        assert visitor.problems == []
        assert visitor.answers[-1] == FROM_A

        with visiting(production) as visitor:
            space.apply(config_map("conversations", **{"tests.yaml": OF_ANY_MODEL}))
            retry = {"metadata": {"annotations": {"rasa-environments.io/retry-requested-at": "now"}}}
            space.patch(TAG, "production", retry)
            space.wait_for_condition(TAG, "production", "Verified", status="True")
            space.eventually(lambda: visitor.answers[-1:] == [FROM_B], "the visitor to meet model B")
        assert visitor.problems == []
    status = space.status(TAG, "production")
    [verification] = status["verifications"]
    assert (verification["name"], verification["stage"], verification["result"]) == (B, "Live", "Succeeded")
    assert [entry.get("liveVerification") for entry in status["history"]] == ["Succeeded", None, "Failed", None]
