"""Kill the operator at a chosen write, and report the result for the environments."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import CHILD_SUFFIXES
from tests.api.api_server import wait_until
from tests.chaos.calls import Call, Phase
from tests.chaos.crash_stories import ENTERPRISE, Story
from tests.chaos.end_state import REVISION, differences, end_state
from tests.chaos.operators import ProxiedOperator, proxied_operator
from tests.chaos.proxy import DroppedError, FaultProxy
from tests.integration import manifests
from tests.integration.conftest import Installation
from tests.integration.greeting_bot import Bot, greeting_bot
from tests.integration.model_server_process import API_TOKEN, TOKEN, ModelServerProcess, running_model_server
from tests.integration.registry import LOGIN, PASSWORD, USER, Registry
from tests.integration.space import ALWAYS_THERE, ENVIRONMENT, OUR_KINDS, Space
from tests.integration.test_deletion import COLLECTION_SECONDS
from tests.model_server.processes import running_process

NUMBERS = itertools.count(1)
QUIET_SECONDS = 1.0
"""Twice the listing interval of a model server, so that everything outstanding has happened."""
CONVERGENCE_SECONDS = 20.0
"""From the start of the new process until everything is in its desired state."""
QUIET_LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class CrashPoint:
    """The n-th write of a story, to any server, counted from 1; before or after it is forwarded."""

    write: int
    phase: Phase

    def __str__(self) -> str:
        return f"write {self.write}, {self.phase.value}"


@dataclass
class Killer:
    """Count the operator's writes, and kill it (SIGKILL) at one of them."""

    pid: int
    point: CrashPoint | None
    killed: threading.Event = field(default_factory=threading.Event)
    writes: list[str] = field(default_factory=list)
    _numbers: dict[tuple[str, int], int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hook(self, proxy: str, call: Call, phase: Phase) -> None:
        """For `FaultProxy.on_write`."""
        with self._lock:
            if self.killed.is_set() and phase is Phase.BEFORE:
                raise DroppedError  # it comes from a process that is gone
            if phase is Phase.BEFORE:
                self.writes.append(f"{call.method} {proxy}{call.path}")
                self._numbers[proxy, call.write] = len(self.writes)
            if self.point == CrashPoint(self._numbers.get((proxy, call.write), 0), phase):
                os.kill(self.pid, signal.SIGKILL)
                self.killed.set()
                raise DroppedError


@dataclass(frozen=True)
class Ending:
    """The result of a story."""

    objects: JsonObject
    tokens: dict[str, int]
    """By environment: how many tokens it had since before the story."""
    rollouts: dict[str, int]
    """By Deployment: how often the story replaced its pods."""
    tags: dict[str, str]
    registered: JsonObject

    def differences(self, other: Ending) -> list[str]:
        """Return how another result differs from this one, which is the expected one."""
        return list(differences(vars(self), vars(other)))


@dataclass(frozen=True)
class Run:
    """A completed story."""

    ending: Ending
    writes: tuple[str, ...]
    """Everything written until the crash, or until the end if there was none."""
    written_in_all: int
    killed: bool
    told: int
    """Messages to the bot."""
    kept: tuple[str, ...]
    """Senders whose conversations with the bot were not deleted."""


@dataclass(frozen=True)
class CrashStage:
    """An operator between proxies, and the two model servers behind them."""

    installation: Installation
    operator: ProxiedOperator
    models: FaultProxy
    model_server: ModelServerProcess
    enterprise_models: FaultProxy
    registry: Registry
    bot: Bot

    @property
    def proxies(self) -> dict[str, FaultProxy]:
        """Everything that the operator writes through."""
        return {"": self.operator.proxy, "models:": self.models, "enterprise:": self.enterprise_models}

    def play(self, story: Story, point: CrashPoint | None = None, expected: Ending | None = None) -> Run:
        """Run the story with a crash in between; at the end everything is as expected."""
        space = Space(self.installation.api, f"crash-{next(NUMBERS)}", self.operator.process)
        space.create_namespace()
        try:
            self._furnish(space, story)
            story.prepare(space)
            self._wait_until_quiet()
            return self._play(story, space, point, expected)
        finally:
            self._clear(space)

    def _play(self, story: Story, space: Space, point: CrashPoint | None, expected: Ending | None) -> Run:
        process = self.operator.process
        tokens: dict[str, set[str]] = {}
        note_tokens(space, tokens)
        before = revisions(space)
        killer = Killer(process.pid, point)
        start, told = self._written(), len(self.bot.heard)
        for name, proxy in self.proxies.items():
            proxy.on_write = partial(killer.hook, name)
        story.act(space)
        space.eventually(lambda: killer.killed.is_set() or story.is_over(space), f"{story.name} to be over")
        self._wait_until_quiet(unless=killer.killed)
        if killer.killed.is_set():
            process.kill()
            note_tokens(space, tokens)
        for proxy in self.proxies.values():
            proxy.on_write = lambda _call, _phase: None
        if killer.killed.is_set():
            process.start()
        self._wait_until_collected(space)
        if expected is not None:
            self._wait_for(expected, space, before, tokens)
        self._wait_until_quiet()
        return Run(
            self._ending(space, before, tokens),
            tuple(killer.writes),
            self._written() - start,
            killer.killed.is_set(),
            len(self.bot.heard) - told,
            tuple(self.bot.kept),
        )

    def _wait_until_collected(self, space: Space) -> None:
        """Wait until no child of a deleted environment is left; the garbage collector takes its time."""

        def collected() -> bool:
            environments = [item["metadata"]["name"] for item in space.list(ENVIRONMENT)]
            names = {f"{name}{suffix}" for name in environments for suffix in CHILD_SUFFIXES}
            children = [item for kind in ALWAYS_THERE for item in owned(space.list(kind))]
            return all(item["metadata"]["name"] in names for item in children if is_controlled(item))

        space.eventually(collected, "the children of what is gone to be gone", COLLECTION_SECONDS)

    def _wait_for(self, expected: Ending, space: Space, before: dict[str, int], tokens: dict[str, set[str]]) -> None:
        try:
            wait_until(
                lambda: not expected.differences(self._ending(space, before, tokens)), "the end", CONVERGENCE_SECONDS
            )
        except AssertionError:
            left = expected.differences(self._ending(space, before, tokens))
            raise AssertionError("\n".join([*left, space.described()])) from None

    def _ending(self, space: Space, before: dict[str, int], tokens: dict[str, set[str]]) -> Ending:
        note_tokens(space, tokens)
        return Ending(
            objects=end_state(space),
            tokens={name: len(seen) for name, seen in tokens.items()},
            rollouts={name: revision - before.get(name, 0) for name, revision in revisions(space).items()},
            tags=self.model_server.tags(),
            registered=self._registered(space),
        )

    def _registered(self, space: Space) -> JsonObject:
        """Return the content of the registry and, for each token, whether it is the environment's."""
        return {
            entry["name"]: {
                "url": entry["url"].replace(space.namespace, "NAMESPACE"),
                "token": "its own" if entry["token"] == space.token(entry["name"]) else "another",
            }
            for entry in self.registry.entries()
        }

    def _furnish(self, space: Space, story: Story) -> None:
        if story.server.get("profile") == ENTERPRISE:
            credentials = manifests.secret(manifests.CREDENTIALS, token=TOKEN, username=USER, password=PASSWORD)
            url = self.enterprise_models.url
        else:
            credentials = manifests.secret(manifests.CREDENTIALS, token=TOKEN, apiToken=API_TOKEN)
            url = self.models.url
        spec: JsonObject = {"defaults": {"rasa": {"port": self.bot.port}}} if story.has_bot else {}
        self.bot.answers, self.bot.model = story.answers or {}, None if story.answers is None else self._tagged
        space.apply(credentials, manifests.model_server(url, **story.server, **spec))

    def _clear(self, space: Space) -> None:
        """Check that nothing of the story is left, in the cluster or elsewhere."""
        for proxy in self.proxies.values():
            proxy.on_write = lambda _call, _phase: None
        if not self.operator.process.running:
            self.operator.process.kill()
            self.operator.process.start()
        space.remove()
        space.eventually(lambda: not any(space.list(kind) for kind in OUR_KINDS), "all objects to be gone")
        space.eventually(lambda: not owned(space.list("Deployment")), "all children to be gone", 60)
        self._wait_until_quiet()
        self.model_server.delete_all_tags()
        for name in self.registry.names():
            self.registry.remove(name)
        self.bot.kept.clear()

    def _tagged(self) -> str | None:
        return self.model_server.tags().get("production")

    def _written(self) -> int:
        return sum(proxy.count(lambda call: call.writes) for proxy in self.proxies.values())

    def _wait_until_quiet(self, unless: threading.Event | None = None) -> None:
        """Wait until nothing has been written for a while, or something else has happened."""
        written, since = self._written(), time.monotonic()

        def quiet() -> bool:
            nonlocal written, since
            if (now := self._written()) != written:
                written, since = now, time.monotonic()
            return (unless is not None and unless.is_set()) or time.monotonic() - since >= QUIET_SECONDS

        wait_until(quiet, "the operator to have nothing to write", QUIET_LIMIT_SECONDS)


def owned(objects: list[JsonObject]) -> list[JsonObject]:
    """Those that belong to something."""
    return [item for item in objects if item["metadata"].get("ownerReferences")]


def is_controlled(item: JsonObject) -> bool:
    """Whether it is the child of an environment."""
    return any(owner["kind"] == ENVIRONMENT for owner in item["metadata"]["ownerReferences"])


def revisions(space: Space) -> dict[str, int]:
    """By Deployment: the number of the pod template that it has now."""
    annotations = {
        item["metadata"]["name"]: item["metadata"].get("annotations") or {} for item in space.list("Deployment")
    }
    return {name: int(found.get(REVISION, 0)) for name, found in annotations.items()}


def note_tokens(space: Space, seen: dict[str, set[str]]) -> None:
    """Adds the tokens that the environments have now."""
    for item in space.list("Secret"):
        name: str = item["metadata"]["name"]
        if name.endswith("-rasa"):
            seen.setdefault(name, set()).add(item["data"]["token"])


@contextmanager
def crash_stage(installation: Installation, directory: Path) -> Iterator[CrashStage]:
    """The operator runs, between proxies."""
    arguments = ("--profile", ENTERPRISE, "--storage", "memory://")
    variables = {"RASA_MODEL_SERVER_TOKEN": TOKEN, "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN, **LOGIN}
    with ExitStack() as running:
        model_server = running.enter_context(running_model_server(directory / "model-server"))
        log = directory / "enterprise.log"
        enterprise = running.enter_context(running_process(log, *arguments, variables=variables))
        models = running.enter_context(FaultProxy(model_server.url))
        enterprise_models = running.enter_context(FaultProxy(enterprise.url))
        operator = running.enter_context(proxied_operator(installation))
        operator.process.start()
        bot = running.enter_context(greeting_bot())
        registry = Registry(enterprise.url)
        yield CrashStage(installation, operator, models, model_server, enterprise_models, registry, bot)
