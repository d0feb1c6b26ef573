"""A release from its first day to its last, beside environments that serve users all the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.api_server import ApiServer as AnyKind
from local.cluster import ClusterFacts
from local.helm import VERSIONS
from rasa_environments.api.base import JsonObject
from tests.api.api_server import ApiServer
from tests.helm.conftest import Start, pods, remove_definitions
from tests.helm.release import Release, living
from tests.helm.rendering import NAMESPACE, RELEASE
from tests.integration.conftest import furnish
from tests.integration.manifests import CREDENTIALS, environment, model_tag, secret
from tests.integration.model_server_process import API_TOKEN, MODEL_A, TOKEN, ModelServerProcess
from tests.integration.space import ENVIRONMENT, OUR_KINDS, Space

PREVIOUS = Path(__file__).parent / "previous" / "rasa-environments-0.1.0.tgz"
KEPT = {"CustomResourceDefinition", *OUR_KINDS}


@dataclass(frozen=True)
class Day:
    """What there was at one time: objects of the release, pods and resources of the bots, and who had written what."""

    objects: dict[str, JsonObject]
    pods: dict[str, str]
    resources: dict[str, str]

    @property
    def kinds(self) -> set[str]:
        """The kinds of the release's objects."""
        return {name.partition("/")[0] for name in self.objects}


@dataclass(frozen=True)
class Life:
    """A release that was installed as 0.1.0, upgraded, upgraded to the same, rolled back, upgraded and uninstalled."""

    installed: Day
    upgraded: Day
    upgraded_again: Day
    rolled_back: Day
    restored: Day
    uninstalled: Day
    farewell: str
    operator_log: str
    secrets: list[str]

    @property
    def days(self) -> list[Day]:
        """All of them."""
        return [
            self.installed,
            self.upgraded,
            self.upgraded_again,
            self.rolled_back,
            self.restored,
            self.uninstalled,
        ]


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"helm{version}")
def life(
    request: pytest.FixtureRequest,
    cluster: ClusterFacts,
    api: ApiServer,
    any_kind: AnyKind,
    models: ModelServerProcess,
    start_operator: Start,
) -> Iterator[Life]:
    """The life of a release; an operator with its ServiceAccount works until the day before the last."""
    release = Release(request.param, cluster.kubeconfig)
    release.install(PREVIOUS, None, "--create-namespace")
    operator = start_operator()
    bots = Space(api, f"bots-{request.param}", operator)
    bots.create_namespace()
    furnish(bots, models)
    bots.apply(environment(replicas=2), environment("staging"), model_tag("staging", model=MODEL_A))
    bots.wait_until_ready("production", "staging")
    own = Space(api, NAMESPACE, operator)
    own.apply(secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN))
    values = {
        "modelServers": {"default": {"url": models.url, "credentialsSecretRef": {"name": CREDENTIALS}}},
        "environments": {"production": environment()["spec"]},
    }
    known: list[JsonObject] = release.objects()

    def look() -> Day:
        known.extend(obj for obj in release_objects() if obj not in known)
        resources = {
            f"{namespace}/{kind}/{item['metadata']['name']}": item["metadata"]["uid"]
            for namespace in (bots.namespace, NAMESPACE)
            for kind in OUR_KINDS
            for item in Space(api, namespace, operator).list(kind)
        }
        return Day(living(any_kind, known), pods(api, bots.namespace), resources)

    def release_objects() -> list[JsonObject]:
        return release.objects() if "release" in alive else []

    alive = {"release"}
    installed = look()
    release.upgrade(values=values)
    own.wait_until_ready("production")
    upgraded = look()
    release.upgrade(values=values)
    upgraded_again = look()
    release.rollback(1)
    bots.wait_until_ready("production", "staging")
    rolled_back = look()
    release.upgrade(values=values)
    bots.wait_until_ready("production", "staging")
    restored = look()
    operator.stop()
    farewell = release.uninstall()
    alive.clear()
    secrets = [item["metadata"]["name"] for item in own.list("Secret")]
    yield Life(
        installed,
        upgraded,
        upgraded_again,
        rolled_back,
        restored,
        look(),
        farewell,
        operator.logged(),
        secrets,
    )
    bots.remove()
    own.remove()
    remove_definitions(api)


def test_no_pod_of_an_environment_restarts(life: Life) -> None:
    assert len(life.installed.pods) == 3
    assert all(day.pods == life.installed.pods for day in life.days)


def test_no_resource_of_anybody_is_lost(life: Life) -> None:
    assert len(life.installed.resources) == 4
    assert all(day.resources.items() >= life.installed.resources.items() for day in life.days)


def test_what_came_with_the_values_stays_through_rollback_and_uninstall(life: Life) -> None:
    ours = {f"{NAMESPACE}/ModelServer/default", f"{NAMESPACE}/{ENVIRONMENT}/production"}

    assert life.upgraded.resources.keys() - life.installed.resources.keys() == ours
    for day in (life.rolled_back, life.restored, life.uninstalled):
        assert day.resources == life.upgraded.resources


def test_an_upgrade_brings_what_the_previous_version_had_not(life: Life) -> None:
    brought = life.upgraded.kinds - life.installed.kinds

    assert {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "Service", *OUR_KINDS[:2]} <= brought
    name = f"Deployment/{RELEASE}"
    (container,) = life.upgraded.objects[name]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "rasa-environments:0.2.0"


def test_the_definitions_are_upgraded_with_the_chart(life: Life) -> None:
    name = "CustomResourceDefinition/deploymentenvironments.rasa-environments.io"

    before, after, back = (day.objects[name]["spec"] for day in (life.installed, life.upgraded, life.rolled_back))
    assert before != after
    assert before == back


def test_an_upgrade_to_the_same_writes_nothing(life: Life) -> None:
    assert written(life.upgraded_again) == written(life.upgraded)


def written(day: Day) -> dict[str, object]:
    """What changes of each object when somebody writes it; its status is written by others, who may do so any time."""
    return {
        name: [obj["metadata"].get(part) for part in ("generation", "labels", "annotations")]
        if "status" in obj
        else obj["metadata"]["resourceVersion"]
        for name, obj in day.objects.items()
    }


def test_a_rollback_takes_away_what_the_upgrade_brought(life: Life) -> None:
    assert life.rolled_back.kinds == life.installed.kinds | set(OUR_KINDS[:2])


def test_uninstalling_leaves_definitions_and_resources_and_nothing_else(life: Life) -> None:
    assert life.uninstalled.kinds == KEPT - {"ModelTag"}
    assert life.uninstalled.objects.keys() == {name for name in life.restored.objects if name.partition("/")[0] in KEPT}
    assert not [name for name in life.secrets if name.startswith("sh.helm.release")]
    assert "were kept due to the resource policy" in life.farewell


def test_the_operator_is_denied_nothing(life: Life) -> None:
    assert "forbidden" not in life.operator_log.lower()
