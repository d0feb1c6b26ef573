"""A pod that loses its model, for example by `DELETE /model` with a stolen token, is restarted."""

from __future__ import annotations

from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_served import is_replaced, pod_name


def test_a_pod_that_has_lost_its_model_is_replaced(tag_space: Space) -> None:
    tag_space.apply(model_tag(model=MODEL_A), environment(model={"pullPeriodSeconds": 1}))
    tag_space.wait_until_ready()
    with scripted_rasa(tag_space) as rasa:
        rasa.model = MODEL_A
        tag_space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")
        pod = pod_name(tag_space)

        rasa.model = MODEL_B

        tag_space.wait_for_condition(
            ENVIRONMENT,
            "production",
            "ModelServed",
            status="False",
            reason="ModelLost",
            message=f"pod {pod} had {MODEL_A} and serves {MODEL_B} now: its tag has just moved, or somebody used "
            "Rasa's API to replace it; if that lasts, the pod is restarted",
        )
        tag_space.eventually(lambda: is_replaced(tag_space, pod), "the pod to be replaced")
    with scripted_rasa(tag_space) as rasa:
        rasa.model = MODEL_A
        tag_space.wait_until_ready()
        tag_space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")
