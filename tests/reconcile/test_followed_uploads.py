"""A tag that gets the model that was uploaded last, from a server that says when, and from one that does not."""

from __future__ import annotations

from dataclasses import replace

from rasa_environments.domain.facts import ServerObservation
from tests.reconcile.verification_scene import KEY, SERVER, Scene


def following() -> Scene:
    """The tag `live` is on `old`, and to get the model that was uploaded last."""
    return Scene(model=None, verification=None, follow={"namePattern": "*", "newestBy": "UploadTime"})


def lists(scene: Scene, **uploaded: float) -> None:
    """The model server says when these models were uploaded."""
    scene.observe()
    observation = scene.state.observations.get(SERVER)
    assert observation is not None
    models = {name: replace(model, uploaded_at=uploaded.get(name)) for name, model in observation.models.items()}
    scene.state.observations.listing_begins(SERVER)
    scene.state.observations.listed(SERVER, ServerObservation(models=models, tags=observation.tags, known=True))


async def test_the_model_that_was_uploaded_last_gets_the_tag() -> None:
    scene = following()
    lists(scene, old=1.0, new=2.0)

    await scene.settles()

    assert scene.model_server.writes == ["live on new"]


async def test_without_upload_times_the_tag_stays_and_the_conditions_say_what_to_do() -> None:
    scene = following()

    await scene.settles()

    assert scene.model_server.writes == []
    assert (scene.condition("Promoted").status, scene.condition("Promoted").reason) == ("False", "UploadTimeUnknown")
    assert (scene.condition("Ready").status, scene.condition("Ready").reason) == ("False", "UploadTimeUnknown")
    assert "set spec.follow.newestBy to TrainingTime or Name" in scene.condition("Ready").message
    lists(scene, old=1.0)
    await scene.tags.reconcile(KEY)
    assert scene.condition("Promoted").status == "True"
    assert scene.model_server.writes == []


async def test_another_upload_under_an_old_name_is_the_newest() -> None:
    scene = following()
    lists(scene, old=1.0, new=2.0, other=3.0)
    await scene.settles()
    scene.model_server.hashes["new"] = "9" * 32
    lists(scene, old=1.0, new=4.0, other=3.0)

    await scene.settles()

    assert scene.model_server.writes == ["live on other", "live on new"]
    assert scene.tag.status.tagged_model is not None
    assert scene.tag.status.tagged_model.hash == "9" * 32
