"""The life of a release from installation to removal, with environments that serve users all the time."""

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
from tests.helm.conftest import Start, pods, remove_definitions, wait_until_served
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
    """A snapshot: objects of the release, pods and resources of the bots, and who wrote what."""

    objects: dict[str, JsonObject]
    pods: dict[str, str]
    resources: dict[str, str]

    @property
    def kinds(self) -> set[str]:
        """The kinds of the release's objects."""
        return {name.partition("/")[0] for name in self.objects}


@dataclass(frozen=True)
class Life:
    """A release that was installed as 0.1.0, upgraded, upgraded unchanged, rolled back, upgraded and uninstalled."""

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


@dataclass(frozen=True)
class Place:
    """Where the release is, and where the bots are that it must not affect."""

    api: ApiServer
    any_kind: AnyKind
    own: Space
    bots: Space

    def look(self, objects: list[JsonObject]) -> Day:
        """What there is now: of these objects, of the pods of the bots, and of our kinds in both namespaces."""
        wait_until_served(self.api)
        resources = {
            f"{space.namespace}/{kind}/{item['metadata']['name']}": item["metadata"]["uid"]
            for space in (self.own, self.bots)
            for kind in OUR_KINDS
            for item in space.list(kind)
        }
        return Day(living(self.any_kind, objects), pods(self.api, self.bots.namespace), resources)

    def wait_until_ready(self, space: Space, *environments: str) -> None:
        """Wait until the environments are ready, even while their CRDs are being replaced."""
        wait_until_served(self.api)
        space.wait_until_ready(*environments)


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"helm{version}")
def life(
    request: pytest.FixtureRequest,
    cluster: ClusterFacts,
    api: ApiServer,
    any_kind: AnyKind,
    models: ModelServerProcess,
    start_operator: Start,
) -> Iterator[Life]:
    """The life of a release on a cluster where nothing else is installed."""
    remove_definitions(api)
    release = Release(request.param, cluster.kubeconfig)
    try:
        yield lived(release, api, any_kind, models, start_operator)
    finally:
        release.uninstall()


def lived(
    release: Release, api: ApiServer, any_kind: AnyKind, models: ModelServerProcess, start_operator: Start
) -> Life:
    """Goes through it day by day; an operator with the release's ServiceAccount works until the day before the last."""
    release.install(PREVIOUS, None, "--create-namespace")
    wait_until_served(api)
    operator = start_operator()
    place = Place(api, any_kind, Space(api, NAMESPACE, operator), Space(api, f"bots-{release.version}", operator))
    own = f"own-{release.version}"  # of the other version's, the garbage collector may still be at work on the children
    make_bots(place.bots, models)
    place.own.apply(secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN))
    values = {
        "modelServers": {"default": {"url": models.url, "credentialsSecretRef": {"name": CREDENTIALS}}},
        "environments": {own: environment(tag="production")["spec"]},
    }
    objects = release.objects()
    installed = place.look(objects)
    release.upgrade(values=values)
    place.wait_until_ready(place.own, own)
    objects += release.objects()
    upgraded = place.look(objects)
    release.upgrade(values=values)
    upgraded_again = place.look(objects)
    release.rollback(1)
    place.wait_until_ready(place.bots, "production", "staging")
    rolled_back = place.look(objects)
    release.upgrade(values=values)
    place.wait_until_ready(place.bots, "production", "staging")
    restored = place.look(objects)
    operator.stop()
    farewell = release.uninstall()
    secrets = [item["metadata"]["name"] for item in place.own.list("Secret")]
    days = (installed, upgraded, upgraded_again, rolled_back, restored, place.look(objects))
    return Life(*days, farewell, operator.logged(), secrets)


def make_bots(space: Space, models: ModelServerProcess) -> None:
    """Makes the namespace with two environments that are ready, and a tag."""
    space.create_namespace()
    furnish(space, models)
    space.apply(environment(replicas=2), environment("staging"), model_tag("staging", model=MODEL_A))
    space.wait_until_ready("production", "staging")


def test_no_pod_of_an_environment_restarts(life: Life) -> None:
    assert len(life.installed.pods) == 3
    assert all(day.pods == life.installed.pods for day in life.days)


def test_no_resource_of_anybody_is_lost(life: Life) -> None:
    assert len(life.installed.resources) == 4
    assert all(day.resources.items() >= life.installed.resources.items() for day in life.days)


def test_what_came_with_the_values_stays_through_rollback_and_uninstall(life: Life) -> None:
    came = life.upgraded.resources.keys() - life.installed.resources.keys()

    assert {name.rpartition("/")[0] for name in came} == {f"{NAMESPACE}/ModelServer", f"{NAMESPACE}/{ENVIRONMENT}"}
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
    """Return what changes in each object when it is written; its status may change at any time."""
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
