"""What is kept of objects with the operator's label: bounded, and never more than decisions need."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.projections import DESIRED_ANNOTATION, LARGEST_CHILD, child_cache, is_outline
from rasa_environments.desired.context import MODEL_HASH_ANNOTATION, ROTATED_AT_ANNOTATION
from rasa_environments.domain.facts import deployment_facts
from tests.cluster.objects import config_map, deployment, environment_child

MEGABYTE = "x" * 1_000_000
CHILD = ObjectKey("bots", "support-rasa")


@pytest.fixture
def cache() -> ObjectCache:
    """Of children of one kind, empty."""
    return child_cache()


def size_in(cache: ObjectCache) -> int:
    """Return how many bytes it keeps."""
    return sum(len(orjson.dumps(cache.get(key))) for key in cache.keys())  # noqa: SIM118


def versioned(obj: JsonObject, version: int = 1) -> JsonObject:
    """As it was read."""
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version), "uid": "uid-of-it"}}


def test_a_child_is_kept_whole(cache: ObjectCache) -> None:
    child = versioned(environment_child(config_map("support-rasa", {"a": "1"})))
    assert cache.put({**child, "metadata": {**child["metadata"], "managedFields": [{"manager": "x"}]}})
    assert cache.get(CHILD) == child


def test_a_child_of_an_action_server_is_kept_whole(cache: ObjectCache) -> None:
    child = versioned(environment_child(config_map("support-actions", {"a": "1"}), "support"))
    assert cache.put(child)
    assert cache.get(ObjectKey("bots", "support-actions")) == child


def test_the_count_of_rollouts_is_no_edit_of_a_deployment(cache: ObjectCache) -> None:
    child = versioned(environment_child(deployment("support-rasa", "bots")))
    cache.put(child)
    counted = {**child["metadata"].get("annotations", {}), "deployment.kubernetes.io/revision": "1"}
    later = {**child["metadata"], "resourceVersion": "2", "annotations": counted}

    assert not cache.put({**child, "metadata": later})
    assert cache.unchanged_since(CHILD) == 1


def test_what_merely_bears_the_label_is_not_kept(cache: ObjectCache) -> None:
    assert not cache.put(config_map("foreign", {"a": MEGABYTE}, version=1))
    assert len(cache) == 0


@pytest.mark.parametrize(
    "owner",
    [
        {"environment": "other"},
        {"kind": "ModelTag"},
        {"apiVersion": "example.com/v1alpha1"},
        {"apiVersion": "v1", "kind": "Pod"},
    ],
)
def test_an_owner_that_does_not_fit_the_name_makes_no_child(cache: ObjectCache, owner: dict[str, str]) -> None:
    named = owner.pop("environment", "support")
    assert not cache.put(environment_child(config_map("something", {"a": MEGABYTE}, version=1), named, **owner))
    assert len(cache) == 0


def test_of_what_stands_in_a_childs_place_only_the_owner_is_kept(cache: ObjectCache) -> None:
    large = environment_child(config_map("support-rasa", {"a": MEGABYTE}, version=1), kind="Pod", apiVersion="v1")
    large["metadata"] |= {"labels": {MEGABYTE: "x"}, "annotations": {"a": MEGABYTE}}
    assert cache.put(large)
    kept = cache.get(CHILD) or {}
    assert kept["metadata"]["ownerReferences"][0]["kind"] == "Pod"
    assert size_in(cache) < 1000


def test_of_a_child_that_is_longer_than_any_of_ours_an_outline_is_kept(cache: ObjectCache) -> None:
    child = versioned(environment_child(config_map("support-rasa", {"a": MEGABYTE})))
    child["metadata"]["annotations"] = {DESIRED_ANNOTATION: "digest", "foreign": MEGABYTE}
    assert cache.put(child)
    kept = cache.get(CHILD) or {}
    assert is_outline(kept)
    assert kept["metadata"]["annotations"] == {DESIRED_ANNOTATION: "digest"}
    assert kept["metadata"]["ownerReferences"] == child["metadata"]["ownerReferences"]
    assert size_in(cache) < 1000


def test_many_small_fields_make_a_child_long_too(cache: ObjectCache) -> None:
    child = versioned(environment_child(config_map("support-rasa", {f"key-{number}": "" for number in range(50_000)})))
    child["metadata"]["labels"] = child["metadata"]["annotations"] = {f"key-{number}": "" for number in range(50_000)}
    cache.put(child)
    assert size_in(cache) < LARGEST_CHILD


def test_an_outlined_deployment_tells_how_its_rollout_stands(cache: ObjectCache) -> None:
    live = versioned(environment_child(deployment("support-rasa", "bots")))
    live["metadata"] |= {"annotations": {"a": MEGABYTE}, "generation": 4}
    live["spec"]["template"]["metadata"]["annotations"] = {MODEL_HASH_ANNOTATION: "hash", "a": MEGABYTE}
    live["status"] = {
        "observedGeneration": 4,
        "replicas": 3,
        "updatedReplicas": 2,
        "availableReplicas": 1,
        "conditions": [{"type": "Progressing", "status": "False", "message": "too slow"}] * 50_000,
    }
    cache.put(live)
    kept = cache.get(CHILD) or {}
    assert deployment_facts(kept) == deployment_facts(live)
    assert kept["spec"]["template"]["metadata"]["annotations"] == {MODEL_HASH_ANNOTATION: "hash"}
    assert size_in(cache) < LARGEST_CHILD


counts = st.integers(0, 3)
conditions = st.fixed_dictionaries(
    {
        "type": st.sampled_from(("Progressing", "Available", "ReplicaFailure")),
        "status": st.sampled_from(("True", "False", "Unknown")),
        "message": st.text(max_size=5),
        "lastUpdateTime": st.text(max_size=5),
    }
)
statuses = st.fixed_dictionaries(
    {},
    optional={
        "observedGeneration": counts,
        "replicas": counts,
        "updatedReplicas": counts,
        "availableReplicas": counts,
        "conditions": st.lists(conditions, max_size=3, unique_by=lambda condition: condition["type"]),
    },
)


@given(statuses)
def test_of_a_status_everything_that_tells_how_a_rollout_stands_is_kept(status: JsonObject) -> None:
    cache = child_cache()
    live = versioned(environment_child(deployment("support-rasa", "bots")))
    live["metadata"]["generation"] = 2
    live["status"] = status
    cache.put(live)
    assert deployment_facts(cache.get(CHILD) or {}) == deployment_facts(live)


@pytest.mark.parametrize(
    "noise",
    [
        {"conditions": [{"type": "Available", "status": "False", "lastUpdateTime": "2026-01-01T00:00:00Z"}]},
        {"unavailableReplicas": 1},
        {"readyReplicas": 1},
    ],
)
def test_an_update_of_any_other_part_of_a_status_is_no_news(cache: ObjectCache, noise: JsonObject) -> None:
    live = versioned(environment_child(deployment("support-rasa", "bots")))
    cache.put({**live, "status": {"replicas": 1}})
    assert not cache.put({**versioned(live, 2), "status": {"replicas": 1, **noise}})
    assert cache.version(CHILD) == 2


def test_an_outlined_secret_keeps_the_values_that_were_generated(cache: ObjectCache) -> None:
    live = versioned(environment_child(config_map("support-rasa", {"token": "dG9rZW4=", "filler": MEGABYTE})))
    live["kind"] = "Secret"
    live["metadata"]["annotations"] = {ROTATED_AT_ANNOTATION: "2026"}
    cache.put(live)
    kept = cache.get(CHILD) or {}
    assert kept["data"] == {"token": "dG9rZW4="}
    assert kept["metadata"]["annotations"] == {ROTATED_AT_ANNOTATION: "2026"}


def test_a_secret_of_a_model_server_is_kept_under_any_name(cache: ObjectCache) -> None:
    secret = versioned(environment_child(config_map("environments", {"a": "1"}), "default", kind="ModelServer"))
    assert not cache.put(secret)
    assert cache.put({**secret, "kind": "Secret"})


def test_a_child_that_loses_its_owner_is_news(cache: ObjectCache) -> None:
    cache.put(versioned(environment_child(config_map("support-rasa", {"a": "1"}))))
    assert cache.put(versioned(config_map("support-rasa", {"a": "1"}), 2))
    assert "data" not in (cache.get(CHILD) or {})


def test_what_is_not_ours_any_more_is_reported_and_forgotten(cache: ObjectCache) -> None:
    key = ObjectKey("bots", "environments")
    secret = {**config_map("environments"), "kind": "Secret"}
    cache.put(versioned(environment_child(secret, "default", kind="ModelServer")))
    assert cache.put(versioned(secret, 2))
    assert key not in cache
    assert not cache.put(versioned(secret, 3))
