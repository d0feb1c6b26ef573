"""References between objects, and which claim is older."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rasa_environments.api.base import ModelServerRef, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.domain.lister import Lister, server_of
from tests.reconcile.objects import environment, server, tag

DEFAULT = ObjectKey("bots", "default")


def lister_of(*environments: DeploymentEnvironment, allowed: tuple[str, ...] = ()) -> Lister:
    """A lister with a server that these namespaces may use."""
    lister = Lister()
    lister.servers.put(server(accessFrom={"namespaces": list(allowed)}))
    for each in environments:
        lister.environments.put(each)
    return lister


def rival_of(lister: Lister, environment: DeploymentEnvironment) -> DeploymentEnvironment | None:
    """The environment that is in the way, if one is."""
    conflict = lister.conflict(environment)
    return None if conflict is None else conflict.environment


def test_without_a_reference_it_is_the_server_called_default_in_the_same_namespace() -> None:
    assert server_of("bots", None) == DEFAULT
    assert server_of("bots", ModelServerRef(name="second")) == ObjectKey("bots", "second")
    assert server_of("bots", ModelServerRef(namespace="platform")) == ObjectKey("platform", "default")


def test_an_environment_is_found_by_its_server_and_tag() -> None:
    support = environment("support", environment="help", tag="live")
    lister = lister_of(support)

    assert lister.environments_of(DEFAULT) == (support,)
    assert lister.followers(DEFAULT, "live") == (support,)
    assert lister.followers(DEFAULT, "support") == ()


def test_a_replaced_environment_is_found_by_what_it_is_now() -> None:
    before, after = environment("support", tag="live"), environment("support", tag="staging")
    lister = lister_of(before)

    assert lister.environments.put(after) == before
    assert lister.followers(DEFAULT, "live") == ()
    assert lister.followers(DEFAULT, "staging") == (after,)
    assert len(lister.environments) == 1


def test_a_removed_environment_is_found_no_more() -> None:
    support = environment("support")
    lister = lister_of(support)

    assert lister.environments.remove(support.metadata.key) == support
    assert lister.environments.remove(support.metadata.key) is None
    assert lister.environments_of(DEFAULT) == ()


def test_the_oldest_comes_first() -> None:
    young, old = environment("a", age=1), environment("b", age=2)

    assert lister_of(young, old).environments_of(DEFAULT) == (old, young)


def test_of_the_same_age_the_name_decides() -> None:
    first, second = environment("a"), environment("b")

    assert lister_of(second, first).environments_of(DEFAULT) == (first, second)


def test_an_answer_to_a_write_is_kept_only_where_it_is_newer() -> None:
    seen, answer = environment("support", version=7, tag="seen"), environment("support", version=6, tag="answer")
    lister = lister_of(seen)

    lister.environments.refresh(answer)
    assert lister.environments.get(seen.metadata.key) == seen

    lister.environments.refresh(environment("support", version=8, tag="answer"))
    assert [each.metadata.name for each in lister.followers(DEFAULT, "answer")] == ["support"]


@pytest.mark.parametrize("news", [{"generation": 2}, {"annotations": {"rotate": "now"}}], ids=["spec", "annotation"])
def test_an_answer_with_what_somebody_else_has_changed_is_left_to_the_watch(news: dict[str, Any]) -> None:
    lister = lister_of(environment("support", version=5))
    answer = environment("support", version=7)
    changed = answer.model_copy(update={"metadata": answer.metadata.model_copy(update=news)})

    lister.environments.refresh(changed)

    known = lister.environments.get(changed.metadata.key)
    assert known is not None
    assert known.metadata.version == 5


def test_an_answer_to_a_write_does_not_bring_back_what_is_gone() -> None:
    lister = lister_of()

    lister.environments.refresh(environment("support", version=7))

    assert len(lister.environments) == 0


def test_an_answer_to_a_write_does_not_replace_another_object_of_the_name() -> None:
    present = environment("support", version=7, uid="present")
    lister = lister_of(present)

    lister.environments.refresh(environment("support", version=8, uid="former"))

    assert lister.environments.get(present.metadata.key) == present


def test_the_rival_is_the_oldest_environment_of_the_same_name() -> None:
    oldest, old, young = (environment(name, age=age, environment="bot") for name, age in (("c", 3), ("b", 2), ("a", 1)))
    lister = lister_of(young, old, oldest)

    assert rival_of(lister, young) == rival_of(lister, old) == oldest
    assert rival_of(lister, oldest) is None


def test_the_rival_may_be_one_that_pulls_the_same_tag() -> None:
    old, young = environment("a", age=2, tag="live"), environment("b", age=1, tag="live")

    assert rival_of(lister_of(young, old), young) == old


def test_environments_of_other_servers_are_no_rivals() -> None:
    old = environment("a", age=2, tag="live", modelServerRef={"name": "second"})
    young = environment("b", age=1, tag="live")

    assert rival_of(lister_of(young, old), young) is None


def test_who_may_not_use_the_server_is_nobodys_rival() -> None:
    stranger = environment("a", namespace="strangers", age=2, tag="live", modelServerRef={"namespace": "bots"})
    own = environment("b", age=1, tag="live")

    assert rival_of(lister_of(stranger, own), own) is None
    assert rival_of(lister_of(stranger, own, allowed=("strangers",)), own) == stranger


def test_rightful_followers_are_those_without_a_rival_that_may_use_the_server() -> None:
    stranger = environment("a", namespace="strangers", age=3, tag="live", modelServerRef={"namespace": "bots"})
    own, young = environment("b", age=2, tag="live"), environment("c", age=1, tag="live")

    assert lister_of(stranger, own, young).eligible_followers(DEFAULT, "live") == (own,)
    assert Lister().eligible_followers(DEFAULT, "live") == ()


def test_the_oldest_permitted_model_tag_rules() -> None:
    lister = lister_of()
    stranger = tag("x", namespace="strangers", age=3, tag="live", modelServerRef={"namespace": "bots"})
    old, young = tag("a", age=2, tag="live"), tag("b", age=1, tag="live")
    for each in (young, old, stranger):
        lister.tags.put(each)

    assert lister.claims(DEFAULT, "live") == (stranger, old, young)
    assert lister.tag_owner(DEFAULT, "live") == old
    assert [lister.owns(each) for each in (stranger, old, young)] == [False, True, False]
    assert lister.tags_of(DEFAULT) == (stranger, old, young)


def test_when_the_ruler_is_gone_the_next_one_rules() -> None:
    lister = lister_of()
    old, young = tag("a", age=2, tag="live"), tag("b", age=1, tag="live")
    for each in (young, old):
        lister.tags.put(each)

    lister.tags.remove(old.metadata.key)

    assert lister.owns(young)


def test_without_its_server_nothing_rules() -> None:
    lister = Lister()
    live = tag("live")
    lister.tags.put(live)

    assert not lister.owns(live)


NAMES = st.sampled_from(["a", "b", "c", "d"])
TAGS = st.sampled_from(["live", "staging"])
ENVIRONMENTS = st.builds(
    lambda name, age, server_name, **spec: environment(name, age=age, modelServerRef={"name": server_name}, **spec),
    name=NAMES,
    age=st.integers(0, 3),
    server_name=st.sampled_from(["default", "second"]),
    environment=st.sampled_from(["production", "worker"]),
    tag=TAGS,
)


class DirectoryAgainstAList(RuleBasedStateMachine):
    """Whatever is added and removed, the indices answer like a search through everything."""

    def __init__(self) -> None:
        super().__init__()
        self.lister = lister_of()
        self.lister.servers.put(server("second"))
        self.environments: dict[ObjectKey, DeploymentEnvironment] = {}

    @rule(each=ENVIRONMENTS)
    def appears_or_changes(self, each: DeploymentEnvironment) -> None:
        assert self.lister.environments.put(each) == self.environments.get(each.metadata.key)
        self.environments[each.metadata.key] = each

    @rule(name=NAMES)
    def goes(self, name: str) -> None:
        key = ObjectKey("bots", name)
        assert self.lister.environments.remove(key) == self.environments.pop(key, None)

    @invariant()
    def the_indices_are_right(self) -> None:
        by_age = sorted(
            self.environments.values(), key=lambda each: (each.metadata.creation_timestamp, each.metadata.name)
        )
        for name in ("default", "second"):
            key = ObjectKey("bots", name)
            those = [each for each in by_age if server_of("bots", each.spec.model_server_ref) == key]
            assert list(self.lister.environments_of(key)) == those
            for wanted in ("live", "staging"):
                assert list(self.lister.followers(key, wanted)) == [each for each in those if each.tag == wanted]

    @invariant()
    def each_rival_is_older_and_alike(self) -> None:
        for each in self.environments.values():
            key = server_of("bots", each.spec.model_server_ref)
            alike = [
                other
                for other in self.lister.environments_of(key)
                if other.environment == each.environment or other.tag == each.tag
            ]
            assert (self.lister.conflict(each) is None) == (alike[0] == each)

    @invariant()
    def nothing_else_is_kept(self) -> None:
        assert sorted(each.metadata.key for each in self.lister.environments) == sorted(self.environments)
        assert len(self.lister.environments) == len(self.environments)


TestDirectoryAgainstAList = DirectoryAgainstAList.TestCase
TestDirectoryAgainstAList.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
