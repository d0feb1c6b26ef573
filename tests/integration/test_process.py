"""The operator as a process: health, metrics, logs, namespaces, leader election, and how it ends."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator

import pytest

from local import installation
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import API_TOKEN, MODEL_A, TOKEN, ModelServerProcess
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, OUR_KINDS, Space
from tests.integration.test_deletion import COLLECTION_SECONDS

NewOperator = Callable[..., OperatorProcess]


@pytest.fixture
def new_operator(breakable: Installation) -> Iterator[NewOperator]:
    """Makes operators with flags on the second cluster; those that still run are killed in the end."""
    made: list[OperatorProcess] = []

    def make(*flags: str) -> OperatorProcess:
        made.append(breakable.operator(*flags))
        return made[-1]

    yield make
    for process in made:
        process.kill()


def space_of(breakable: Installation, operator: OperatorProcess, name: str) -> Space:
    """A namespace of the second cluster."""
    space = Space(breakable.api, name, operator)
    space.create_namespace()
    return space


def test_health_readiness_and_metrics_are_served(operator: OperatorProcess, space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()

    for path in ("/healthz", "/readyz"):
        answer = operator.answer(path)
        assert (answer.status_code, answer.text) == (200, "ok\n")
    metrics = operator.answer("/metrics").text
    of_the_environment = f'kind="{ENVIRONMENT}",name="production",namespace="{space.namespace}"'
    assert f'rasa_environments_condition{{condition="Ready",{of_the_environment}}} 1.0' in metrics
    assert f'rasa_environments_condition{{condition="ModelServed",{of_the_environment}}} 1.0' in metrics
    assert f'rasa_environments_reconcile_total{{kind="{ENVIRONMENT}",result="done"}}' in metrics
    assert "rasa_environments_queue_length 0.0" in metrics
    for name in ("rasa_environments_tasks", "process_resident_memory_bytes", "process_open_fds"):
        assert re.search(rf"^{name} [1-9]", metrics, re.MULTILINE), name


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_process_in_good_order(mortal: OperatorProcess, number: signal.Signals) -> None:
    mortal.start()

    assert mortal.stop(number) == 0

    assert mortal.logged().rstrip().endswith("stopped")


def test_a_signal_in_the_middle_of_a_burst_ends_the_passes_under_way(
    mortal: OperatorProcess, mortal_space: Space
) -> None:
    space = mortal_space
    mortal.start()
    names = [f"burst-{number}" for number in range(20)]
    for name in names:
        space.apply(environment(name, replicas=0))

    assert mortal.stop() == 0

    begun = {item["metadata"]["name"] for item in space.list("Secret")} - {"model-server-credentials"}
    assert begun <= {item["metadata"]["name"] for item in space.list("Deployment")}
    assert "because of a bug in the operator" not in mortal.logged()


def test_logs_can_be_json_and_never_hold_a_token(
    breakable: Installation, new_operator: NewOperator, model_server: ModelServerProcess
) -> None:
    operator = new_operator("--log-format", "json", "--log-level", "debug")
    space = space_of(breakable, operator, "json-logs")
    operator.start()
    furnish(space, model_server)
    space.apply(environment(), model_tag(model=MODEL_A))
    space.wait_until_ready()
    space.apply(environment(replicas=2))
    space.wait_until_ready()
    token = space.token()
    operator.stop()

    lines = [json.loads(line) for line in operator.logged().splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    created = [line for line in lines if "is created" in line["message"]]
    assert {(line["kind"], line["namespace"], line["name"]) for line in created} == {
        (ENVIRONMENT, space.namespace, "production")
    }
    assert len({line["reconcileID"] for line in created}) == 1
    for value in (TOKEN, API_TOKEN, token):
        assert value not in operator.logged()
    space.remove()


def test_an_operator_of_some_namespaces_leaves_others_alone(
    breakable: Installation, new_operator: NewOperator, model_server: ModelServerProcess
) -> None:
    operator = new_operator("--namespace", "team-a", "--namespace", "team-b")
    spaces = [space_of(breakable, operator, f"team-{letter}") for letter in "abc"]
    for space in spaces:
        furnish(space, model_server)
        space.apply(environment())
    start = breakable.audit.mark()

    operator.start()

    own, second, other = spaces
    own.wait_until_ready()
    second.wait_until_ready()
    operator.wait_for_passes("ModelServer", 4)
    assert other.status(ENVIRONMENT, "production") == {"observedGeneration": -1}
    assert other.find_child("Secret") is None
    touched = {entry.namespace for entry in breakable.audit.requests(start)}
    assert touched == {"team-a", "team-b"}
    for space in spaces:
        space.remove()


def test_uninstalling_the_operator_first_leaves_nothing_stuck(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    space = mortal_space
    mortal.start()
    space.apply(environment(), environment("worker"), model_tag(model=MODEL_A, deletionPolicy="Delete"))
    space.wait_until_ready("production", "worker")
    mortal.stop()

    for name in ("production", "worker"):
        space.confirm_deletion(name)
    for kind in OUR_KINDS:
        space.api.request("DELETE", space.path(kind))
    for kind in OUR_KINDS:
        assert space.list(kind) == []
    space.eventually(lambda: space.list("Deployment") == [], "all children to be gone", COLLECTION_SECONDS)

    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    names = [item["metadata"]["name"] for item in space.api.request("GET", definitions).body["items"]]
    assert len(names) == len(OUR_KINDS)
    for name in names:
        space.api.request("DELETE", f"{definitions}/{name}")
    space.eventually(lambda: space.api.request("GET", definitions).body["items"] == [], "the definitions to be gone")
    installation.install(breakable.facts.kubeconfig)
