"""Environments, model servers and tags from values."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import API_VERSION
from tests.helm.rendering import NAMESPACE, RELEASE, STAMP, RefusedError, Rendered, render

RASA = {"rasa": {"version": "3.6.21"}}
RABBITMQ = {"eventBroker": {"rabbitmq": {"host": "rabbit"}}}
ENVIRONMENT = "DeploymentEnvironment"
DEFAULT = {"modelServerRef": {"name": "default"}}
EMPTY_CLUSTER = (STAMP,)
"""What it serves before the definitions are there."""
KINDS = {ENVIRONMENT, "ModelServer", "ModelTag"}
OURS: dict[str, Any] = {
    "productionAndWorker": True,
    "modelServers": {"default": {"url": "http://rasa-x:5002"}},
    "modelTags": {"production": "20260101-120000"},
}


def spec(release: Rendered, kind: str, name: str) -> Any:
    """The spec of one of our objects."""
    return release.one(kind, name)["spec"]


def test_production_and_worker_come_with_one_switch() -> None:
    release = render({"productionAndWorker": True})

    assert release.names(ENVIRONMENT) == {"production", "worker"}
    assert spec(release, ENVIRONMENT, "worker") == DEFAULT


def test_an_environment_that_is_named_has_its_spec_and_the_switch_adds_the_other() -> None:
    release = render({"productionAndWorker": True, "environments": {"production": RASA, "staging": {}}})

    assert release.names(ENVIRONMENT) == {"production", "staging", "worker"}
    assert spec(release, ENVIRONMENT, "production") == {**DEFAULT, **RASA}


def test_the_model_server_is_that_of_the_release_unless_another_is_named() -> None:
    elsewhere = {"modelServerRef": {"name": "other", "namespace": "models"}}

    release = render({**OURS, "modelServer": {"name": "own"}, "environments": {"staging": elsewhere}})

    assert spec(release, ENVIRONMENT, "production") == {"modelServerRef": {"name": "own"}}
    assert spec(release, "ModelTag", "production")["modelServerRef"] == {"name": "own"}
    assert spec(release, ENVIRONMENT, "staging") == elsewhere


def test_without_being_asked_the_chart_makes_no_environment() -> None:
    assert render().kinds() & KINDS == set()


def test_defaults_are_shared_through_every_model_server_and_give_way_to_its_own() -> None:
    servers = {
        "default": {"url": "http://a"},
        "other": {"url": "http://b", "defaults": {"rasa": {"version": "3.6.20"}}},
    }

    release = render({"defaults": {**RASA, **RABBITMQ}, "modelServers": servers})

    assert spec(release, "ModelServer", "default") == {"url": "http://a", "defaults": {**RASA, **RABBITMQ}}
    assert spec(release, "ModelServer", "other")["defaults"] == {"rasa": {"version": "3.6.20"}, **RABBITMQ}


def test_a_tag_is_a_model_or_a_whole_spec() -> None:
    retired = {"model": "20250101-120000", "deletionPolicy": "Delete"}

    release = render({"modelTags": {"production": "20260101-120000", "old": retired}})

    assert spec(release, "ModelTag", "production") == {**DEFAULT, "model": "20260101-120000"}
    assert spec(release, "ModelTag", "old") == {**DEFAULT, **retired}


@pytest.mark.parametrize(("keep", "annotations"), [(True, {"helm.sh/resource-policy": "keep"}), (False, None)])
def test_they_outlive_the_release_unless_told_otherwise(keep: bool, annotations: dict[str, str] | None) -> None:
    release = render({**OURS, "keepResources": keep})

    ours = [obj["metadata"] for obj in release.objects if obj["kind"] in KINDS]
    assert len(ours) == 4
    assert all(metadata.get("annotations") == annotations for metadata in ours)


def test_where_the_release_brings_their_definitions_they_follow_as_hooks_with_the_marks_of_the_release() -> None:
    first = render(OURS, served=EMPTY_CLUSTER)

    ours = [obj for obj in first.objects if obj["kind"] in KINDS]
    assert {obj["kind"] for obj in ours} == KINDS - {"ModelTag"}
    assert first.names("CustomResourceDefinition") != set()
    for obj in ours:
        assert obj["metadata"]["annotations"] == {
            "helm.sh/hook": "post-install",
            "helm.sh/resource-policy": "keep",
            "meta.helm.sh/release-name": RELEASE,
            "meta.helm.sh/release-namespace": NAMESPACE,
        }


def test_an_upgrade_has_them_whatever_the_cluster_says_for_a_moment() -> None:
    assert render(OURS, served=EMPTY_CLUSTER, upgrade=True).kinds() >= KINDS


def test_a_release_that_does_not_bring_the_definitions_relies_on_them() -> None:
    release = render({**OURS, "operator": {"enabled": False}}, served=())

    assert release.kinds() == KINDS


def test_an_environment_where_the_operator_does_not_look_is_refused() -> None:
    with pytest.raises(
        RefusedError, match=f'in the namespace of the release, "{NAMESPACE}", which the operator does not'
    ):
        render({**OURS, "namespaces": ["bots"]})

    assert render({**OURS, "namespaces": ["bots"]}, namespace="bots").names(ENVIRONMENT) == {"production", "worker"}


def test_the_group_is_the_one_that_the_operator_serves() -> None:
    release = render(OURS)

    assert {obj["apiVersion"] for obj in release.objects if obj["kind"] in KINDS} == {API_VERSION}
