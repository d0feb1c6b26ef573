"""The sample repository, delivered to a real API server: nothing that the operator writes differs from Git."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from local.binaries import find_kubectl
from local.gitops import Question, ask, find_or_build_gitops
from local.installation import MANIFESTS
from local.kustomize import kustomized
from local.progress import silent
from rasa_environments.api.base import JsonObject
from release.argo_cd import CONFIG_MAP
from tests.gitops.checking import run_check
from tests.gitops.sandbox import HEALTH, change, health, run, script
from tests.integration import manifests
from tests.integration.conftest import Installation
from tests.integration.delivery import ENVIRONMENTS, MARKS, MODEL_SERVER, PARTS, Delivery, own_copy
from tests.integration.model_server_front import front_of
from tests.integration.model_server_process import (
    API_TOKEN,
    MODEL_A,
    MODEL_B,
    TOKEN,
    ModelServerProcess,
)
from tests.integration.space import ALWAYS_THERE, ENVIRONMENT, OUR_KINDS, Space
from tests.manifests.kubectl import Kubectl


@pytest.fixture(scope="module")
def kubectl(shared: Installation, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl as an administrator."""
    program = shared.facts.kubectl or find_kubectl(silent)
    return Kubectl(program, shared.facts.kubeconfig, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def new_delivery(
    new_space: Callable[[], Space],
    kubectl: Kubectl,
    tagged_model_server: ModelServerProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], Delivery]]:
    """Makes repositories for new namespaces, of which nothing is applied yet."""
    with front_of(tagged_model_server) as front:

        def make() -> Delivery:
            spaces = {part: new_space() for part in PARTS}
            spaces[MODEL_SERVER].apply(manifests.secret(manifests.CREDENTIALS, token=TOKEN, apiToken=API_TOKEN))
            folder = tmp_path_factory.mktemp("delivery")
            own_copy(folder, spaces, front.url)
            return Delivery(spaces, kubectl, folder)

        yield make
    tagged_model_server.delete_all_tags()


@pytest.fixture(scope="module", params=["--server-side", "--server-side=false"], ids=["server-side", "client-side"])
def delivered(request: pytest.FixtureRequest, new_delivery: Callable[[], Delivery]) -> tuple[Delivery, str]:
    """A repository that was applied in one way or the other, and the result."""
    delivery, way = new_delivery(), request.param
    delivery.kubectl("apply", way, "-k", delivery.whole)
    delivery.wait_until_ready()
    for tag in ENVIRONMENTS:
        delivery.spaces[tag].wait_for_condition("ModelTag", tag, "Tagged", status="True")
    delivery.spaces[MODEL_SERVER].wait_for_condition("ModelServer", "default", "Ready", status="True")
    return delivery, way


def test_what_the_operator_has_written_is_no_difference_to_git(delivered: tuple[Delivery, str]) -> None:
    delivery, way = delivered

    difference = delivery.difference(way)

    assert (difference.code, difference.out) == (0, ""), difference.err


def test_applied_again_nothing_changes(delivered: tuple[Delivery, str]) -> None:
    delivery, way = delivered
    before = delivery.objects()

    said = delivery.kubectl("apply", way, "-k", delivery.whole).splitlines()

    assert len(said) == len(before) == len(ENVIRONMENTS) * 2 + 1
    if way == "--server-side=false":
        assert {line.split()[-1] for line in said} == {"unchanged"}
    assert delivery.objects() == before


def test_the_operator_writes_the_status_of_our_objects_and_nothing_else(delivered: tuple[Delivery, str]) -> None:
    delivery, _ = delivered
    for obj in (obj for space in delivery.spaces.values() for kind in OUR_KINDS for obj in space.list(kind)):
        metadata = obj["metadata"]
        written = [entry for entry in metadata["managedFields"] if entry["manager"] == "rasa-environments"]
        assert {(entry.get("subresource"), *entry["fieldsV1"]) for entry in written} == {("status", "f:status")}
        assert metadata["labels"] == MARKS["labels"]
        assert metadata.keys().isdisjoint({"finalizers", "ownerReferences"})


def test_children_belong_to_their_environment_and_bear_no_mark_of_who_applied_it(
    delivered: tuple[Delivery, str],
) -> None:
    delivery, _ = delivered
    marks = {*MARKS["labels"], *MARKS["annotations"]} - {"app.kubernetes.io/instance"}
    for environment in ENVIRONMENTS:
        space = delivery.spaces[environment]
        uid = space.get(ENVIRONMENT, environment)["metadata"]["uid"]
        for kind in ALWAYS_THERE:
            metadata = space.child(kind, environment)["metadata"]
            assert [owner["uid"] for owner in metadata["ownerReferences"]] == [uid]
            assert metadata["labels"]["app.kubernetes.io/instance"] == environment
            assert marks.isdisjoint({**metadata["labels"], **metadata.get("annotations", {})})
        for pod in space.list("Pod"):
            assert pod["metadata"]["labels"]["app.kubernetes.io/instance"] == environment
            assert marks.isdisjoint({**pod["metadata"]["labels"], **pod["metadata"].get("annotations", {})})


def is_as_in_git(delivery: Delivery, way: str) -> bool:
    """Return whether `kubectl diff` sees no difference."""
    difference = delivery.difference(way)
    return (difference.code, difference.out) == (0, "")


def act(space: Space, kind: str, name: str, action: str) -> None:
    """Run an action as Argo CD does: with a merge patch of the script's changes."""
    obj = space.get(kind, name)
    space.patch(kind, name, change(run(script(kind, action), obj), obj))


def test_actions_of_argo_cd_are_carried_out_and_are_no_difference_to_git(delivered: tuple[Delivery, str]) -> None:
    delivery, way = delivered
    worker, staging = delivery.spaces["worker"], delivery.spaces["staging"]
    token = staging.token("staging")

    act(worker, ENVIRONMENT, "worker", "suspend")
    act(staging, ENVIRONMENT, "staging", "rotate-token")

    worker.wait_for_condition(ENVIRONMENT, "worker", "Ready", reason="Suspended")
    staging.eventually(lambda: staging.token("staging") != token, "another token")
    assert health(worker.get(ENVIRONMENT, "worker"))["status"] == "Suspended"
    # `kubectl diff` reads an object twice: while pods follow the new token, a status may be written in between.
    staging.eventually(lambda: is_as_in_git(delivery, way), "no difference to git")
    act(worker, ENVIRONMENT, "worker", "resume")
    worker.wait_until_ready("worker")


@pytest.fixture(scope="module")
def by_accounts(new_delivery: Callable[[], Delivery], kubectl: Kubectl) -> Delivery:
    """A repository that was delivered by an account for each part, with the rights of the sample."""
    delivery = new_delivery()
    rights = yaml.safe_dump_all(kustomized(MANIFESTS / "gitops" / "rights", kubectl.program))
    kubectl("apply", "--server-side", "-f", "-", given=delivery.renamed(rights))
    for environment in ENVIRONMENTS:
        delivery.promote(environment, MODEL_A)
    for part in PARTS:
        delivered = delivery.deliver(part, part)
        assert delivered.code == 0, delivered.err
    delivery.wait_until_ready()
    return delivery


def test_each_account_delivers_its_part_and_promotes_under_its_name(by_accounts: Delivery) -> None:
    space = by_accounts.spaces["production"]
    space.wait_for_condition("ModelTag", "production", "Tagged", status="True")

    by_accounts.promote("production", MODEL_B)
    assert by_accounts.deliver("production", "production").code == 0

    space.eventually(
        lambda: space.status("ModelTag", "production").get("taggedModel", {}).get("name") == MODEL_B, "the promotion"
    )
    history = space.status("ModelTag", "production")["history"]
    promoter = by_accounts.user("production")
    assert [(entry["model"], entry["promotedBy"]) for entry in history] == [(MODEL_B, promoter), (MODEL_A, promoter)]

    act(space, "ModelTag", "production", "rollback")
    space.eventually(
        lambda: space.status("ModelTag", "production").get("taggedModel", {}).get("name") == MODEL_A, "the rollback"
    )


def test_the_repositorys_check_asks_the_api_server_what_a_merge_would_change(
    by_accounts: Delivery, tmp_path: Path
) -> None:
    by_accounts.promote("worker", MODEL_B)

    checked = run_check(by_accounts.repository, tmp_path, "server", KUBECONFIG=str(by_accounts.kubectl.kubeconfig))

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "modeltag.rasa-environments.io/worker serverside-applied (server dry run)\n" in checked.stdout
    assert f"+  model: {MODEL_B}\n" in checked.stdout


@pytest.mark.parametrize(("environment", "account"), [("production", "staging"), ("staging", "production")])
def test_an_account_cannot_deliver_anothers_part(environment: str, account: str, by_accounts: Delivery) -> None:
    by_accounts.promote(environment, MODEL_B)

    refused = by_accounts.deliver(environment, account)

    assert refused.code != 0
    assert "orbidden" in refused.err


def test_the_scripts_are_added_to_what_argo_cds_config_map_holds(
    new_space: Callable[[], Space], kubectl: Kubectl
) -> None:
    own = kubectl.within(new_space().namespace)
    own("create", "configmap", "argocd-cm", "--from-literal=url=https://argocd.example.com")

    own("patch", "configmap", "argocd-cm", "--patch-file", str(CONFIG_MAP))

    data = yaml.safe_load(own("get", "configmap", "argocd-cm", "-o", "yaml"))["data"]
    assert data == {**yaml.safe_load(CONFIG_MAP.read_text())["data"], "url": "https://argocd.example.com"}


@pytest.fixture(scope="module")
def states(new_delivery: Callable[[], Delivery]) -> dict[str, JsonObject]:
    """Real objects in each state that users meet, by the name of the state."""
    delivery = new_delivery()
    space = delivery.spaces[MODEL_SERVER]
    delivery.kubectl("apply", "--server-side", "-k", delivery.part(MODEL_SERVER))
    fresh = manifests.model_tag("fresh", model=MODEL_A)
    unseen = space.api.request("POST", space.path("ModelTag"), fresh, params={"dryRun": "All"}).body
    space.apply(
        manifests.model_tag("production", model=MODEL_A),
        manifests.environment("production"),
        manifests.environment("paused", suspend=True),
        manifests.environment("lonely"),
        manifests.environment("old", rasa={"version": "9.9.9"}, tag="production-of-old"),
        manifests.environment("stuck", podTemplate={"spec": {"nodeSelector": {"nowhere": "true"}}}),
        manifests.model_tag("stuck", model=MODEL_A),
        manifests.model_tag("missing", model="20990101-120000"),
    )
    space.wait_until_ready()
    space.wait_for_condition("ModelTag", "production", "Tagged", status="True")
    space.apply(manifests.model_tag("usurper", model=MODEL_B, tag="production"))
    wanted = {
        "serves": (ENVIRONMENT, "production", "ServedUnchecked"),
        "suspended": (ENVIRONMENT, "paused", "Suspended"),
        "no model": (ENVIRONMENT, "lonely", "TagNotFound"),
        "refused spec": (ENVIRONMENT, "old", "InvalidSpec"),
        "rolling out": (ENVIRONMENT, "stuck", "WaitingForPods"),
        "tagged": ("ModelTag", "production", "ServedUnchecked"),
        "model missing": ("ModelTag", "missing", "ModelNotFound"),
        "tag conflict": ("ModelTag", "usurper", "TagConflict"),
        "reached": ("ModelServer", "default", "Ready"),
    }
    for kind, name, reason in wanted.values():
        space.wait_for_condition(kind, name, "Ready", reason=reason)
    return {"unseen": unseen, **{state: space.get(kind, name) for state, (kind, name, _) in wanted.items()}}


def test_real_objects_have_the_health_that_a_person_would_give_them(states: dict[str, JsonObject]) -> None:
    common = yaml.safe_load((MANIFESTS / "gitops" / "flux" / "common.yaml").read_text())
    questions = [Question(obj, HEALTH, common["spec"]["healthCheckExprs"]) for obj in states.values()]

    answers = dict(zip(states, ask(find_or_build_gitops(silent), questions), strict=True))

    assert {state: (answer.lua["status"], answer.flux, answer.kstatus) for state, answer in answers.items()} == {
        "unseen": ("Progressing", "InProgress", "InProgress"),
        "serves": ("Healthy", "Current", "Current"),
        "suspended": ("Suspended", "InProgress", "InProgress"),
        "no model": ("Progressing", "InProgress", "InProgress"),
        "refused spec": ("Degraded", "Failed", "Failed"),
        "rolling out": ("Progressing", "InProgress", "InProgress"),
        "tagged": ("Healthy", "Current", "Current"),
        "model missing": ("Progressing", "InProgress", "InProgress"),
        "tag conflict": ("Degraded", "Failed", "Failed"),
        "reached": ("Healthy", "Current", "Current"),
    }
    for state, obj in states.items():
        assert health(obj) == answers[state].lua
