"""environments.yml of a Rasa X before 1.0.

Its content, when it is written, and which Deployment is restarted to read it.
"""

from __future__ import annotations

import base64

import pytest
import yaml

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import furnish
from tests.integration.manifests import environment, secret
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space

RASA_1: JsonObject = {"rasa": {"version": "1.10.26"}}
SECRET = "default-environments"
ELSEWHERE = {
    "url": "https://rasa.example.com/worker",
    "authToken": {"secretKeyRef": {"name": "elsewhere", "key": "token"}},
}
LABELS = {"app": "rasa-x"}
RASA_X: JsonObject = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "rasa-x"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "rasa-x", "image": "rasa-x"}]}},
    },
}


def file_of(space: Space, name: str = SECRET) -> dict[str, dict[str, str]] | None:
    """Return the environments in the file, or None without a file."""
    found = space.find("Secret", name)
    if found is None:
        return None
    text = base64.b64decode(found["data"]["environments.yml"]).decode()
    environments: dict[str, dict[str, str]] = yaml.safe_load(text)["rasa"]
    return environments


def entry(space: Space, name: str) -> dict[str, str]:
    """Return what the file should contain about an environment."""
    return {"url": f"http://{name}-rasa.{space.namespace}.svc:5005", "token": space.token(name)}


def wait_until_registered(space: Space, *names: str) -> None:
    for name in names:
        space.wait_for_condition(ENVIRONMENT, name, "Registered", status="True", reason="Registered")


@pytest.fixture
def rasa_x(empty_space: Space, model_server: ModelServerProcess) -> Space:
    """A namespace with a Rasa X 0.2, which reads environments.yml."""
    furnish(empty_space, model_server, profile="RasaX-0.2")
    return empty_space


def test_the_file_holds_every_environment_with_its_address_and_its_token(rasa_x: Space) -> None:
    names = ("production", "worker", "experimental")

    rasa_x.apply(*(environment(name, **RASA_1) for name in names))

    wait_until_registered(rasa_x, *names)
    assert file_of(rasa_x) == {name: entry(rasa_x, name) for name in names}


@pytest.mark.parametrize(("there", "absent"), [("production", "worker"), ("worker", "production")])
def test_without_production_or_worker_nothing_is_written(rasa_x: Space, there: str, absent: str) -> None:
    rasa_x.apply(environment(there, **RASA_1))

    message = (
        f"environments.yml is not written: Rasa X does not start without {absent}, and no environment of ModelServer "
        f"{rasa_x.namespace}/default is called so; create it, with spec.external if it runs elsewhere"
    )
    rasa_x.wait_for_condition(
        ENVIRONMENT, there, "Registered", status="False", reason="RegistryIncomplete", message=message
    )
    rasa_x.wait_for_condition("ModelServer", "default", "Registered", status="False", message=message)
    assert file_of(rasa_x) is None


def test_a_worker_that_runs_elsewhere_is_in_the_file(rasa_x: Space) -> None:
    rasa_x.apply(secret("elsewhere", token="its-own"), environment("worker", external=ELSEWHERE))

    rasa_x.apply(environment(**RASA_1))

    wait_until_registered(rasa_x, "production", "worker")
    file = file_of(rasa_x)
    assert file is not None
    assert file["worker"] == {"url": "https://rasa.example.com/worker", "token": "its-own"}


def test_an_environment_leaves_the_file_when_it_goes(rasa_x: Space) -> None:
    rasa_x.apply(*(environment(name, **RASA_1) for name in ("production", "worker", "experimental")))
    wait_until_registered(rasa_x, "experimental")

    rasa_x.delete(ENVIRONMENT, "experimental")

    rasa_x.eventually(lambda: "experimental" not in (file_of(rasa_x) or {}), "experimental to leave the file")
    assert set(file_of(rasa_x) or ()) == {"production", "worker"}


def test_the_file_stays_when_one_that_rasa_x_needs_goes(rasa_x: Space) -> None:
    rasa_x.apply(*(environment(name, **RASA_1) for name in ("production", "worker")))
    wait_until_registered(rasa_x, "production", "worker")
    before = file_of(rasa_x)

    rasa_x.delete(ENVIRONMENT, "worker")

    rasa_x.wait_for_condition(ENVIRONMENT, "production", "Registered", status="False", reason="RegistryIncomplete")
    assert file_of(rasa_x) == before


def test_the_named_deployment_is_restarted_when_the_file_changes_and_not_otherwise(
    empty_space: Space, model_server: ModelServerProcess
) -> None:
    space = empty_space
    furnish(
        space,
        model_server,
        profile="RasaX-0.32",
        environmentsFile={"secretName": "rasa-x-environments", "deploymentName": "rasa-x"},
    )
    space.apply(RASA_X, environment(**RASA_1), environment("worker", **RASA_1))
    wait_until_registered(space, "production", "worker")
    first = space.get("Deployment", "rasa-x")["metadata"]["generation"]
    assert first > 1

    space.apply(environment("experimental", **RASA_1))

    wait_until_registered(space, "experimental")
    assert space.get("Deployment", "rasa-x")["metadata"]["generation"] == first + 1
    assert set(file_of(space, "rasa-x-environments") or ()) == {"production", "worker", "experimental"}


def test_a_missing_deployment_is_named(empty_space: Space, model_server: ModelServerProcess) -> None:
    furnish(empty_space, model_server, profile="RasaX-0.2", environmentsFile={"deploymentName": "rasa-y"})

    empty_space.apply(environment(**RASA_1), environment("worker", **RASA_1))

    namespace = empty_space.namespace
    empty_space.wait_for_condition(
        ENVIRONMENT,
        "production",
        "Registered",
        status="Unknown",
        reason="RegistrationPending",
        message=f"it is in environments.yml of Secret {namespace}/{SECRET}, but Deployment {namespace}/rasa-y of "
        'spec.environmentsFile cannot be restarted: deployments.apps "rasa-y" not found',
    )


def test_a_secret_of_somebody_else_is_not_overwritten(rasa_x: Space) -> None:
    rasa_x.apply(secret(SECRET, mine="1"))

    rasa_x.apply(environment(**RASA_1), environment("worker", **RASA_1))

    rasa_x.wait_for_condition(ENVIRONMENT, "production", "Registered", status="False", reason="NameConflict")
    assert set(rasa_x.get("Secret", SECRET)["data"]) == {"mine"}
