"""Models that wait for their verification beside two environments on real pods, while visitors chat with both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.models import train
from local.progress import silent
from rasa_environments.api.base import JsonObject
from tests.e2e.conftest import Lounge
from tests.e2e.models import ANSWERS, UNLOADABLE, Models
from tests.e2e.pod_space import TAG, Life, PodSpace, environment, model_tag
from tests.e2e.visitors import Talk, Visitors
from tests.integration.manifests import config_map
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.test_real_actions import write_bot

NAMESPACE = "verification"
ENVIRONMENTS = ("first", "second")
"""Each with a tag and a ModelTag of its own, so two models are verified at the same time."""
WITH_ACTION = "20260104-120000"
"""A model that answers by an action, which no action server runs here."""
SHORT, LONG = 30, 300
"""Seconds for a candidate that never loads its model, and for one that does."""
KINDS = ("Deployment", "Pod", "ConfigMap", "Secret", "NetworkPolicy")
ONLY_MODEL_A = """
test_cases:
  - test_case: greeting
    steps:
      - user: hello
      - utter: utter_greet
      - bot: Hello from model A.
"""
EITHER_MODEL = ONLY_MODEL_A.replace("bot: Hello from model A.", 'matches: "^Hello from model [AB][.]$"')


@dataclass(frozen=True)
class Rejection:
    """What was seen of a model that was rejected."""

    messages: list[str]
    reasons: list[str]
    talks: list[Talk]
    """What the visitors had heard by then."""
    lives: list[Life]


@dataclass(frozen=True)
class Promotion:
    """What was seen of the model that passed."""

    lives: list[Life]
    talks: list[Talk]
    tags: dict[str, str]


@dataclass(frozen=True)
class Guests:
    """Visitors of both environments."""

    parties: list[Visitors]

    def talks(self) -> list[Talk]:
        """Return what they have heard until now."""
        for each in self.parties:
            each.wait_for_answers()
        return [each.heard() for each in self.parties]


def verification(timeout_seconds: int) -> JsonObject:
    """A verification by the conversations of this module."""
    source = {"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}
    return {"candidate": {"conversations": [source], "timeoutSeconds": timeout_seconds}}


def lives(space: PodSpace) -> list[Life]:
    """Return the pods of both environments."""
    return [life for name in ENVIRONMENTS for life in space.lives(name)]


@pytest.fixture(scope="module")
def with_action(models: Models, rasa_binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Upload the model that answers by an action."""
    directory = tmp_path_factory.mktemp("model")
    file = directory / f"{WITH_ACTION}.tar.gz"
    train(rasa_binaries, write_bot(directory / "bot", "first"), file, WITH_ACTION, silent)
    models.upload(file)
    return WITH_ACTION


@pytest.fixture(scope="module")
def guests(space: PodSpace, talking: Lounge, with_action: str) -> Iterator[Guests]:
    """Chat with both environments, which serve model A; from now on, models are verified."""
    space.apply(config_map("conversations", **{"tests.yaml": ONLY_MODEL_A}))
    for name in ENVIRONMENTS:
        space.apply(model_tag(name, model=MODEL_A), environment(name))
    for name in ENVIRONMENTS:
        space.wait_until_served(name, MODEL_A)
    with ExitStack() as stack:
        parties = [stack.enter_context(talking(f"{NAMESPACE}-{name}", space.url(name))) for name in ENVIRONMENTS]
        yield Guests(parties)


def rejected(space: PodSpace, guests: Guests, model: str, *, seconds: int = LONG, **spec: str) -> Rejection:
    """Promote a model to both that does not pass."""
    promote(space, {"model": model, "verification": verification(seconds), **spec})
    tagged = [space.wait_for_condition(TAG, name, "Tagged", reason="ModelRejected") for name in ENVIRONMENTS]
    wait_until_no_candidate_is_left(space)
    reasons = [each["reason"] for name in ENVIRONMENTS for each in space.status(TAG, name)["rejected"]]
    return Rejection([each["message"] for each in tagged], reasons, guests.talks(), lives(space))


def promote(space: PodSpace, spec: JsonObject) -> None:
    """Change both ModelTags."""
    for name in ENVIRONMENTS:
        space.patch(TAG, name, {"spec": spec})


@pytest.fixture(scope="module")
def wrong(space: PodSpace, guests: Guests) -> Rejection:
    """A model that answers otherwise than expected."""
    return rejected(space, guests, MODEL_B)


@pytest.fixture(scope="module")
def unloadable(space: PodSpace, guests: Guests, wrong: Rejection) -> Rejection:
    """A model that Rasa cannot load."""
    return rejected(space, guests, UNLOADABLE, seconds=SHORT, allowIncompatibleModel=UNLOADABLE)


@pytest.fixture(scope="module")
def without_actions(space: PodSpace, guests: Guests, with_action: str, unloadable: Rejection) -> Rejection:
    """A model whose action server is missing."""
    return rejected(space, guests, with_action)


@pytest.fixture(scope="module")
def promotion(
    space: PodSpace, guests: Guests, models: Models, measured: Callable[[str], None], without_actions: Rejection
) -> Promotion:
    """A model that passes, after its conversation was corrected."""
    space.apply(config_map("conversations", **{"tests.yaml": EITHER_MODEL}))
    promote(space, {"model": MODEL_B})
    for name, party in zip(ENVIRONMENTS, guests.parties, strict=True):
        space.wait_until_served(name, MODEL_B)
        party.wait_until_all_hear(ANSWERS[MODEL_B])
    wait_until_no_candidate_is_left(space)
    talks = [party.end() for party in guests.parties]
    for name, talk in zip(ENVIRONMENTS, talks, strict=True):
        measured(talk.summary(f"three rejected models and a good one, environment {name}"))
    return Promotion(lives(space), talks, models.tags())


def wait_until_no_candidate_is_left(space: PodSpace) -> None:
    """Wait until nothing is left of any candidate."""
    space.eventually(lambda: not candidates(space), "the candidates to be gone")


def candidates(space: PodSpace) -> list[str]:
    """Return the objects of candidates."""
    names = [f"{kind} {item['metadata']['name']}" for kind in KINDS for item in space.list(kind)]
    return [name for name in names if "-candidate" in name]


def test_a_model_that_answers_wrongly_is_rejected_with_what_it_said(wrong: Rejection) -> None:
    assert wrong.reasons == ["VerificationFailed"] * 2
    for message in wrong.messages:
        assert "step 3: expected bot: Hello from model A.; the bot answered: Hello from model B." in message


def test_a_model_that_cannot_be_loaded_is_rejected_once_its_time_is_over(unloadable: Rejection) -> None:
    assert unloadable.reasons == ["VerificationTimedOut"] * 2
    for message in unloadable.messages:
        assert f"its candidate was not ready within {SHORT} s" in message


def test_a_model_whose_action_server_is_missing_is_rejected(without_actions: Rejection) -> None:
    assert without_actions.reasons == ["VerificationFailed"] * 2
    for message in without_actions.messages:
        assert "step 2: expected utter: utter_greet; the bot answered: nothing, and ran action_first: check" in message


def test_no_user_hears_a_rejected_model_and_no_request_fails(
    wrong: Rejection, unloadable: Rejection, without_actions: Rejection
) -> None:
    for talk in (*wrong.talks, *unloadable.talks, *without_actions.talks):
        assert set(talk.answers) == {ANSWERS[MODEL_A]}
        assert (talk.failed, talk.cut_off) == ([], [])


def test_a_model_that_passes_reaches_both_environments_without_a_failed_request(promotion: Promotion) -> None:
    assert [promotion.tags[name] for name in ENVIRONMENTS] == [MODEL_B] * 2
    for talk in promotion.talks:
        assert set(talk.answers) == {ANSWERS[MODEL_A], ANSWERS[MODEL_B]}
        assert set(talk.last.values()) == {ANSWERS[MODEL_B]}
        assert (talk.failed, talk.cut_off) == ([], [])


def test_the_servers_of_the_environments_are_never_restarted(wrong: Rejection, promotion: Promotion) -> None:
    assert wrong.lives == promotion.lives


def test_nothing_is_left_of_any_candidate(space: PodSpace, promotion: Promotion) -> None:
    assert candidates(space) == []
