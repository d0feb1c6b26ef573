"""The order in which an environment gets another version of Rasa."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.compatibility import RasaRelease, RunningReleases, incompatible_with, stated_release
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.domain.minimum_versions import MINIMUM_VERSIONS
from rasa_environments.domain.upgrades import Action, First, UpgradeFacts, upgrade_plan

PRODUCTION, OTHER = ObjectKey("bots", "production"), ObjectKey("bots", "canary")
TAG = ObjectKey("bots", "production")
FACTS = UpgradeFacts(
    environment=PRODUCTION,
    model_server=ObjectKey("bots", "default"),
    tag="production",
    current="3.5.0",
    target=stated_release("3.6.20"),
    model="A",
    trained_with="3.5.0",
)
"""The new servers load the present model."""
TOGETHER = replace(FACTS, target=stated_release("3.6.21"))
"""They do not."""
UNKNOWN = {
    "the model's version": replace(FACTS, trained_with=None),
    "what the version loads": replace(FACTS, target=stated_release("9.0.0")),
    "whether it loads a newer model": replace(FACTS, trained_with="3.6.21"),
}
versions = st.sampled_from(sorted(MINIMUM_VERSIONS))


def actions(facts: UpgradeFacts) -> list[Action]:
    """What the steps of the plan do, in their order."""
    return [step.action for step in upgrade_plan(facts).steps]


def texts(facts: UpgradeFacts) -> str:
    """The steps of the plan, a line each."""
    return "\n".join(step.text for step in upgrade_plan(facts).steps)


def test_where_the_new_version_loads_the_present_model_the_server_goes_first() -> None:
    plan = upgrade_plan(FACTS)

    assert plan.first is First.SERVER
    assert plan.reason == ("model A was trained with Rasa 3.5.0, and Rasa 3.6.20 loads models of Rasa 3.5.0 and later")
    assert actions(FACTS) == [Action.CHANGE_VERSION, Action.TRAIN, Action.UPLOAD, Action.PROMOTE]


def test_where_it_does_not_the_new_model_is_there_before_the_version_changes() -> None:
    plan = upgrade_plan(TOGETHER)

    assert plan.first is First.TOGETHER
    assert actions(TOGETHER) == [Action.TRAIN, Action.UPLOAD, Action.CHANGE_VERSION, Action.PROMOTE]


@pytest.mark.parametrize("facts", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_unknown_is_said_and_planned_for_as_if_the_model_could_not_be_loaded(facts: UpgradeFacts) -> None:
    plan = upgrade_plan(facts)

    assert plan.first is First.UNKNOWN
    assert actions(facts) == actions(TOGETHER)


def test_an_environment_that_has_the_version_and_loads_its_model_needs_nothing() -> None:
    plan = upgrade_plan(replace(FACTS, current="3.6.20"))

    assert (plan.first, plan.steps) == (First.NOTHING, ())


def test_without_a_model_there_is_nothing_to_lose() -> None:
    assert upgrade_plan(replace(TOGETHER, model=None, trained_with=None)).first is First.SERVER


def test_a_setting_that_stops_old_servers_first_is_to_be_taken_away_where_they_have_to_wait() -> None:
    setting = "spec.deploymentStrategy.type Recreate"

    assert setting in texts(replace(TOGETHER, interrupting=setting))
    assert setting not in texts(replace(FACTS, interrupting=setting))


@pytest.mark.parametrize("facts", [FACTS, TOGETHER], ids=["server", "together"])
def test_environments_on_the_same_tag_change_before_the_promotion(facts: UpgradeFacts) -> None:
    old, new = (RunningReleases(OTHER, stated_release(each)) for each in ("3.5.0", facts.target.version))

    with_old = [step.text for step in upgrade_plan(replace(facts, others=(old,))).steps]

    assert "Change environment bots/canary" in "\n".join(with_old)
    assert with_old[-1].startswith("Promote it")
    assert "bots/canary" not in texts(replace(facts, others=(new,)))


def test_an_image_of_ones_own_is_to_be_changed_too_without_a_command_that_would_not_do_it() -> None:
    (step,) = (each for each in upgrade_plan(replace(FACTS, own_image=True)).steps if each.action == "ChangeVersion")

    assert "and spec.rasa.image to an image with Rasa 3.6.20" in step.text
    assert step.command is None


def test_what_cannot_be_known_from_versions_is_always_named() -> None:
    assert any("custom components" in each for each in upgrade_plan(FACTS).unknown)


def test_releases_after_open_source_are_trained_with_rasa_pro() -> None:
    commands = [step.command for step in upgrade_plan(replace(FACTS, target=stated_release("3.20.0"))).steps]

    assert "pip install rasa-pro==3.20.0 && rasa train" in commands


@given(versions, versions, versions)
def test_the_operator_lets_the_tag_move_where_the_plan_promotes(current: str, target: str, trained_with: str) -> None:
    """While new servers start, old ones still answer: the new model is for those that are about to run."""
    plan = upgrade_plan(replace(FACTS, current=current, target=stated_release(target), trained_with=trained_with))
    old = RasaRelease(current, stated_release(current).minimum)
    after_the_change = RunningReleases(PRODUCTION, stated_release(target), answered=(old,))

    order = [step.action for step in plan.steps]
    assert not order or order.index(Action.CHANGE_VERSION) < order.index(Action.PROMOTE)
    assert incompatible_with(TaggedModel("B", "b", version=target), [after_the_change], TAG) is None


@given(versions, versions, versions)
def test_no_server_is_left_with_a_model_that_it_is_known_not_to_load(
    current: str, target: str, trained_with: str
) -> None:
    plan = upgrade_plan(replace(FACTS, current=current, target=stated_release(target), trained_with=trained_with))

    if stated_release(target).loads(trained_with) is False:
        assert plan.first is First.TOGETHER
    if plan.first in (First.SERVER, First.NOTHING):
        assert stated_release(target).loads(trained_with)
