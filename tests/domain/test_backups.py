"""What a backup keeps of an object, and how the history of a tag is put back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_tag import HistoryEntry
from rasa_environments.domain.backups import Needed, needed, restored_history, saved, without_approvals


def entry(model: str, time: int = 0) -> HistoryEntry:
    return HistoryEntry(model=model, hash=f"hash-of-{model}", tagged_time=f"2026-01-01T00:00:{time:02}Z")


def model_tag(**status: object) -> JsonObject:
    annotations = {
        "rasa-environments.io/promoted-by": "alice",
        "rasa-environments.io/retry-requested-at": "now",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "team": "bots",
    }
    metadata = {"name": "production", "namespace": "bots", "uid": "1", "labels": {"a": "b"}, "annotations": annotations}
    return {"kind": "ModelTag", "metadata": metadata, "spec": {"model": "b"}, "status": status}


def test_of_an_object_everything_is_kept_that_another_cluster_can_take() -> None:
    assert saved(model_tag()) == {
        "apiVersion": "rasa-environments.io/v1alpha1",
        "kind": "ModelTag",
        "metadata": {"name": "production", "labels": {"a": "b"}, "annotations": {"team": "bots"}},
        "spec": {"model": "b"},
    }


def test_of_a_status_nothing_is_kept_that_lets_a_model_through() -> None:
    history, rejected = [{"model": "b"}], [{"name": "c"}]
    fields = ("desiredModel", "servedModel", "candidateModel", "verifications", "conditions")
    let_through = {field: ["x"] for field in fields}

    document = saved(model_tag(history=history, rejected=rejected, **let_through))

    assert document["status"] == {"history": history, "rejected": rejected}


def test_nobody_approves_for_another() -> None:
    approval = {"model": "b", "hash": "1", "approvedBy": "alice"}

    document, approved = without_approvals({"kind": "ModelTag", "spec": {"model": "b", "approvals": [approval]}})

    assert document == {"kind": "ModelTag", "spec": {"model": "b"}}
    assert approved == ("b",)


def test_what_the_specs_refer_to_is_named() -> None:
    spec = {
        "credentialsSecretRef": {"name": "credentials"},
        "environmentsFile": {"secretName": "written-by-the-operator"},
        "authToken": {"secretKeyRef": {"name": "token", "key": "a"}},
        "rasa": {"imagePullSecrets": [{"name": "registry"}]},
        "ingress": {"tls": [{"secretName": "certificate", "hosts": []}]},
        "verification": {"candidate": {"conversations": [{"configMapKeyRef": {"name": "talks", "key": "a"}}]}},
        "podTemplate": {"spec": {"containers": [{"envFrom": [{"secretRef": {"name": "extra", "optional": True}}]}]}},
        "modelServerRef": {"name": "default"},
    }

    assert sorted(needed([{"spec": spec}])) == [
        Needed("ConfigMap", "talks"),
        *(Needed("Secret", name) for name in ("certificate", "credentials", "registry", "token")),
    ]


def test_a_new_object_takes_over_the_history_of_the_old_one() -> None:
    kept = [entry("b", 2), entry("a", 1)]

    assert restored_history([entry("b", 9)], kept, 10) == (entry("b", 2), entry("a", 1))
    assert restored_history([], kept, 10) == (entry("b", 2), entry("a", 1))


def test_what_was_promoted_since_stays_the_latest() -> None:
    kept = [entry("b", 2), entry("a", 1)]

    assert restored_history([entry("c", 9), entry("b", 8)], kept, 10) == (entry("c", 9), entry("b", 2), entry("a", 1))


ENTRIES = st.lists(st.builds(entry, st.sampled_from("abc"), st.integers(0, 59)), max_size=6)


@given(ENTRIES, ENTRIES, st.integers(0, 8))
def test_restoring_twice_is_restoring_once_and_keeps_to_the_limit(
    live: list[HistoryEntry], kept: list[HistoryEntry], limit: int
) -> None:
    live = live[:limit]
    once = restored_history(live, kept, limit)

    assert restored_history(once, kept, limit) == once
    assert len(once) <= limit


@given(ENTRIES, ENTRIES)
def test_the_model_that_the_tag_has_now_stays_the_latest(live: list[HistoryEntry], kept: list[HistoryEntry]) -> None:
    history = restored_history(live, kept, 100)

    if live and kept and kept[0] not in live and live[0] not in kept:
        assert history[0].model == live[0].model
