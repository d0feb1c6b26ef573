"""`helm uninstall`, a reinstallation over its leftovers, and the end of everything with the CRDs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.e2e.caller import Caller
from tests.e2e.models import ANSWERS, Models
from tests.e2e.pod_space import TAG, Life, PodSpace
from tests.e2e.release import DEFINITIONS, Release
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.space import OUR_KINDS

NAMESPACE = "uninstallation"
ENVIRONMENT_NAME = "pilot"


@dataclass(frozen=True)
class Uninstalled:
    """What was there before and afterwards."""

    lives_before: list[Life]
    lives_after: list[Life]
    says: str
    kept: set[str]
    token: str


@dataclass(frozen=True)
class Reinstalled:
    """What the new installation made of it."""

    lives: list[Life]
    token: str
    models: dict[str, str]


@pytest.fixture(scope="module")
def uninstalled(space: PodSpace, release: Release, caller: Caller) -> Uninstalled:
    """An environment serves; the release is uninstalled."""
    space.start(ENVIRONMENT_NAME, MODEL_A)
    before = space.lives(ENVIRONMENT_NAME)
    release.uninstall()
    return Uninstalled(
        before,
        space.lives(ENVIRONMENT_NAME),
        caller.says(space.url(ENVIRONMENT_NAME)),
        {item["kind"] for kind in OUR_KINDS for item in (*space.list(kind), *release.list(kind))},
        space.token(ENVIRONMENT_NAME),
    )


@pytest.fixture(scope="module")
def reinstalled(space: PodSpace, release: Release, models: Models, uninstalled: Uninstalled) -> Reinstalled:
    """The release is installed again, and the tag moves to model B."""
    release.install()
    space.patch(TAG, ENVIRONMENT_NAME, {"spec": {"model": MODEL_B}})
    space.wait_until_served(ENVIRONMENT_NAME, MODEL_B)
    return Reinstalled(space.lives(ENVIRONMENT_NAME), space.token(ENVIRONMENT_NAME), models.tags())


@pytest.fixture(scope="module")
def ended(space: PodSpace, release: Release, reinstalled: Reinstalled) -> None:
    """Uninstall the release again, and delete the CRDs."""
    release.uninstall()
    names = [f"{plural}.rasa-environments.io" for plural in DEFINITIONS]
    release.cluster.kubectl("delete", "crd", *names, "--timeout=60s")


def test_the_rasa_servers_go_on(uninstalled: Uninstalled) -> None:
    assert uninstalled.lives_after == uninstalled.lives_before
    assert uninstalled.says == ANSWERS[MODEL_A]


def test_the_definitions_and_what_people_made_stay(release: Release, uninstalled: Uninstalled) -> None:
    assert uninstalled.kept == set(OUR_KINDS)


def test_a_new_installation_takes_up_what_is_there(uninstalled: Uninstalled, reinstalled: Reinstalled) -> None:
    assert reinstalled.lives == uninstalled.lives_before
    assert reinstalled.token == uninstalled.token


def test_its_model_server_has_the_models_and_tags_of_before(reinstalled: Reinstalled) -> None:
    assert reinstalled.models[ENVIRONMENT_NAME] == MODEL_B


def test_with_the_definitions_all_environments_end(space: PodSpace, ended: None) -> None:
    space.eventually(lambda: space.list("Pod") == [], "the pods to be gone")
    for kind in ("Deployment", "Service", "Secret", "ConfigMap"):
        space.wait_until_gone(kind, f"{ENVIRONMENT_NAME}-rasa")


def test_and_nothing_of_our_kinds_is_left(release: Release, ended: None) -> None:
    assert not release.are_definitions_there()
