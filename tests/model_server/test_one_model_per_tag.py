"""Whatever happens to models and tags, a tag is on one model, and on one that is there."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from rasa_model_server.storage import Catalogue, ModelRecord, open_storage

Result = TypeVar("Result")

NAMES = st.sampled_from(["a", "b", "c"])
TAGS = st.sampled_from(["production", "worker"])


class ModelsAndTags(RuleBasedStateMachine):
    """Does the same to a catalogue and to two dictionaries. They must agree after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.models: set[str] = set()
        self.tags: dict[str, str] = {}

    @initialize(in_memory=st.booleans())
    def open(self, in_memory: bool) -> None:
        self.directory = tempfile.TemporaryDirectory()
        storage = open_storage("memory://" if in_memory else self.directory.name)
        # The second one is another replica, with memories of its own.
        self.replicas = [Catalogue(storage.store), Catalogue(storage.store)]

    def do(self, operation: Coroutine[None, None, Result]) -> Result:
        return self.loop.run_until_complete(operation)

    @rule(name=NAMES, replica=st.integers(0, 1))
    def add_model(self, name: str, replica: int) -> None:
        catalogue = self.replicas[replica]
        record = ModelRecord(
            model=name, archive=catalogue.new_archive(name), hash="0", size=0, trained_at=0, uploaded_at=0
        )

        assert self.do(catalogue.add_model(record)) is (name not in self.models)
        self.models.add(name)

    @rule(name=NAMES, replica=st.integers(0, 1))
    def delete_model(self, name: str, replica: int) -> None:
        assert self.do(self.replicas[replica].delete_model(name)) is (name in self.models)
        self.models.discard(name)
        self.tags = {tag: model for tag, model in self.tags.items() if model != name}

    @rule(tag=TAGS, name=NAMES, replica=st.integers(0, 1))
    def put_tag(self, tag: str, name: str, replica: int) -> None:
        assert self.do(self.replicas[replica].put_tag(tag, name)) is (name in self.models)
        if name in self.models:
            self.tags[tag] = name

    @rule(tag=TAGS, name=NAMES, replica=st.integers(0, 1))
    def remove_tag(self, tag: str, name: str, replica: int) -> None:
        assert self.do(self.replicas[replica].remove_tag(tag, name)) is (name in self.models)
        if self.tags.get(tag) == name:
            del self.tags[tag]

    @invariant()
    def every_replica_shows_each_tag_on_its_one_model(self) -> None:
        for catalogue in getattr(self, "replicas", []):
            listed = self.do(catalogue.models())
            assert {model.record.model for model in listed} == self.models
            assert {tag: model.record.model for model in listed for tag in model.tags} == self.tags
            for tag in ("production", "worker"):
                found = self.do(catalogue.model_with_tag(tag))
                assert (found.model if found is not None else None) == self.tags.get(tag)

    def teardown(self) -> None:
        self.loop.close()
        if hasattr(self, "directory"):
            self.directory.cleanup()


def test_a_tag_is_on_one_model_whatever_the_order_of_puts_and_deletes() -> None:
    run_state_machine_as_test(ModelsAndTags, settings=settings(max_examples=40, stateful_step_count=25, deadline=None))
