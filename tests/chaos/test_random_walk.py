"""A random walk: any sequence of user actions and faults ends in the state that users want.

The walks of `make test` are always the same. With --chaos=full they are new each time, and the seed is printed: `SEED`
in the environment repeats them.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.api.api_server import wait_until
from tests.chaos.actions import Hang, LoseAnswer, Reset, say_status
from tests.chaos.conftest import NUMBERS, NewOperator
from tests.chaos.operators import ProxiedOperator
from tests.chaos.proxy import Fault, FaultProxy
from tests.chaos.walk import TAG, Wish, Wishes
from tests.integration.conftest import Installation
from tests.integration.manifests import CREDENTIALS, model_server, secret
from tests.integration.model_server_process import (
    API_TOKEN,
    MODEL_A,
    MODEL_B,
    TOKEN,
    ModelServerProcess,
    running_model_server,
)
from tests.integration.space import ALWAYS_THERE, ENVIRONMENT, OUR_KINDS, Space

NAMES = strategies.sampled_from(["production", "worker", "staging"])
MODELS = strategies.sampled_from([MODEL_A, MODEL_B])
CONVERGENCE_SECONDS = 40.0
"""With the time that the garbage collector takes for the children of what was deleted."""
UNAVAILABLE = say_status(503, "ServiceUnavailable")
FAULTS: dict[str, Fault] = {
    "503 for everything": lambda _: UNAVAILABLE,
    "503 for writes": lambda call: UNAVAILABLE if call.writes else None,
    "409 for every other write": lambda call: say_status(409, "Conflict") if call.write % 2 else None,
    "answers to writes are lost": lambda call: LoseAnswer() if call.writes else None,
    "connections are reset": lambda _: Reset(),
    "writes hang": lambda call: Hang() if call.writes else None,
    "watches are reset": lambda call: Reset() if call.is_watch else None,
}


STEPS = (
    *("create or change", "rotate", "suspend", "resume", "delete", "delete a child", "promote", "promote"),
    *("delete the tag", "the API server fails", "the model server fails", "the operator is killed"),
    *("all servers recover", "all servers recover", "all comes to rest"),
)


@dataclass(frozen=True)
class Grounds:
    """Where walks take place."""

    operator: ProxiedOperator
    models: FaultProxy
    model_server: ModelServerProcess
    installation: Installation

    def new_space(self) -> Space:
        """A namespace with a ModelServer."""
        space = Space(self.installation.api, f"walk-{next(NUMBERS)}", self.operator.process)
        space.create_namespace()
        space.apply(secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN), model_server(self.models.url))
        return space


class Walk(RuleBasedStateMachine):
    """One walk, in a namespace of its own."""

    def __init__(self, grounds: Grounds) -> None:
        super().__init__()
        self.grounds = grounds
        self.space = grounds.new_space()
        self.wishes = Wishes()
        self.rotations = itertools.count(1)

    @initialize(model=MODELS)
    def begin(self, model: str) -> None:
        for name in ("production", "worker"):
            self._change(name, "create or change", 5005)
            self._promote(name, model, "Delete")

    @rule(
        what=strategies.sampled_from(STEPS),
        name=NAMES,
        model=MODELS,
        policy=strategies.sampled_from(["Retain", "Delete"]),
        port=strategies.sampled_from([80, 5005]),
        kind=strategies.sampled_from([kind for kind in ALWAYS_THERE if kind != "Secret"]),
        fault=strategies.sampled_from(sorted(FAULTS)),
    )
    def step(self, what: str, name: str, model: str, policy: str, port: int, kind: str, fault: str) -> None:
        """One rule for everything: of several rules, Hypothesis leaves some out in each walk."""
        match what:
            case "promote":
                self._promote(name, model, policy)
            case "delete the tag":
                self._delete_tag(name)
            case "delete a child":
                self._delete_child(name, kind)
            case "the API server fails":
                self.grounds.operator.proxy.fail(FAULTS[fault])
                self.grounds.operator.proxy.cut()
            case "the model server fails":
                self.grounds.models.fail(FAULTS[fault])
            case "the operator is killed":
                self.grounds.operator.process.kill()
                self.grounds.operator.process.launch()
            case "all servers recover":
                self._recover()
            case "all comes to rest":
                self._come_to_rest()
            case _:
                self._change(name, what if name in self.wishes.environments else "create or change", port)

    def _come_to_rest(self) -> None:
        """End all faults, and wait until everything is in its desired state."""
        self._recover()
        space, wishes, server = self.space, self.wishes, self.grounds.model_server
        try:
            wait_until(lambda: not wishes.problems(space, server), "what is wanted", CONVERGENCE_SECONDS)
        except AssertionError as error:
            found = wishes.problems(space, server)
            raise AssertionError("\n".join([str(error), *found, space.described()])) from None
        wishes.note_tokens(space)
        wishes.note_tags()

    def teardown(self) -> None:
        """End each walk, even a failed one: by then, too, everything is in its desired state."""
        try:
            self._come_to_rest()
        finally:
            for environment in self.space.list(ENVIRONMENT):
                self.space.confirm_deletion(environment["metadata"]["name"])
            for kind in reversed(OUR_KINDS):
                self.space.api.request("DELETE", self.space.path(kind))
            gone = not any(self.space.list(kind) for kind in OUR_KINDS)
            assert gone
            self.grounds.operator.process.wait_until(self._is_forgotten, "forgetful")
            self.grounds.model_server.delete_all_tags()

    def _is_forgotten(self) -> bool:
        return f'namespace="{self.space.namespace}"' not in self.grounds.operator.process.answer("/metrics").text

    def _recover(self) -> None:
        self.grounds.operator.proxy.recover()
        self.grounds.models.recover()

    def _change(self, name: str, change: str, port: int) -> None:
        if change == "delete":
            del self.wishes.environments[name]
            self.space.delete(ENVIRONMENT, name)
            return
        wish = self.wishes.environments.setdefault(name, Wish())
        match change:
            case "rotate":
                wish.rotation, wish.token = f"rotation-{next(self.rotations)}", None
            case "suspend" | "resume":
                wish.suspended = change == "suspend"
            case _:
                wish.port = port
        self.space.apply(wish.manifest(name))

    def _delete_child(self, name: str, kind: str) -> None:
        if name in self.wishes.environments and not self.wishes.environments[name].suspended:
            self.space.api.request("DELETE", self.space.path(kind, f"{name}-rasa"))

    def _delete_tag(self, name: str) -> None:
        if name in self.wishes.tags:
            self.wishes.delete_tag(name)
            self.space.delete(TAG, name)

    def _promote(self, name: str, model: str, policy: str) -> None:
        self.space.apply(self.wishes.create_or_promote(name, model, policy).manifest(name))


@pytest.fixture
def grounds(
    breakable: Installation, new_operator: NewOperator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Grounds]:
    directory = tmp_path_factory.mktemp("walk")
    with running_model_server(directory / "model-server") as server, FaultProxy(server.url) as models:
        operator = new_operator()
        operator.process.start()
        yield Grounds(operator, models, server, breakable)
        assert "Traceback" not in operator.process.log.read_text()


def walk(grounds: Grounds, *, walks: int, steps: int, seed: int | None) -> None:
    """Takes so many walks."""
    settings = hypothesis.settings(
        max_examples=walks,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=seed is None,
        phases=[Phase.generate],  # A walk cannot be repeated exactly, so there is nothing to be made shorter.
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    factory = partial(Walk, grounds)
    if seed is None:
        run_state_machine_as_test(factory, settings=settings)  # type: ignore[arg-type]
    else:
        run_state_machine_as_test(hypothesis.seed(seed)(factory), settings=settings)  # type: ignore[arg-type]


def test_a_few_walks_end_as_users_want_it(grounds: Grounds) -> None:
    walk(grounds, walks=4, steps=20, seed=None)


@pytest.mark.full_chaos
@pytest.mark.timeout(1800)
def test_many_walks_end_as_users_want_it(grounds: Grounds) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={seed}")  # noqa: T201
    walk(grounds, walks=15, steps=30, seed=seed)
