"""Registration by API: the registry of Rasa Enterprise contains this cluster's environments beside those of others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local.models import models_of
from local.rasa import RELEASES
from rasa_environments.api.base import JsonObject
from tests import loopback
from tests.integration.events import wait_for_event
from tests.integration.manifests import CREDENTIALS, environment, model_server, model_tag, secret
from tests.integration.model_server_front import Asked, Front, Said, front_of, login_page
from tests.integration.model_server_process import API_TOKEN, MODEL_A, TOKEN, ModelServerProcess
from tests.integration.rasa_at_pod import PORT, listening_rasa
from tests.integration.space import ENVIRONMENT, Space
from tests.model_server.processes import running_process

ENVIRONMENTS = "/api/environments"
USER, PASSWORD = "operator", "password-5e10c7"
FOREIGN = {"name": "elsewhere", "url": "http://elsewhere:5005", "token": "not-ours"}


@dataclass(frozen=True)
class Enterprise:
    """A namespace with a ModelServer of Rasa Enterprise, behind a front."""

    space: Space
    front: Front

    def registry(self) -> list[JsonObject]:
        """What is registered, as an administrator sees it."""
        answer = loopback.get(f"{self.front.behind.url}{ENVIRONMENTS}", headers=self.login())
        entries: list[JsonObject] = answer.raise_for_status().json()
        return entries

    def names(self) -> set[str]:
        """The names that are registered."""
        return {entry["name"] for entry in self.registry()}

    def register(self, *entries: JsonObject) -> None:
        """Registers these and no others, as somebody else would."""
        url = f"{self.front.behind.url}{ENVIRONMENTS}"
        loopback.put(url, json=list(entries), headers=self.login()).raise_for_status()

    def login(self) -> dict[str, str]:
        body = {"username": USER, "password": PASSWORD}
        answer = loopback.post(f"{self.front.behind.url}/api/auth", json=body)
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}

    def entry(self, name: str) -> JsonObject:
        """Return how the environment should be registered."""
        url = f"http://{name}-rasa.{self.space.namespace}.svc:5005"
        return {"name": name, "url": url, "token": self.space.token(name)}

    def wait_for(self, name: str, status: str, reason: str, message: str | None = None) -> None:
        """Wait for this condition Registered of the environment."""
        told = {"message": message} if message else {}
        self.space.wait_for_condition(ENVIRONMENT, name, "Registered", status=status, reason=reason, **told)


@pytest.fixture(scope="module")
def rasa_enterprise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """The model server of all tests, each of which meets it empty."""
    variables = {
        "RASA_MODEL_SERVER_TOKEN": TOKEN,
        "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN,
        "RASA_MODEL_SERVER_USERNAME": USER,
        "RASA_MODEL_SERVER_PASSWORD": PASSWORD,
    }
    arguments = ("--profile", "RasaEnterprise-1.0", "--storage", "memory://")
    log = tmp_path_factory.mktemp("rasa-enterprise") / "log"
    with running_process(log, *arguments, variables=variables) as process:
        yield ModelServerProcess(process.url)


@pytest.fixture
def enterprise(empty_space: Space, rasa_enterprise: ModelServerProcess) -> Iterator[Enterprise]:
    with front_of(rasa_enterprise) as front:
        empty_space.apply(
            secret(CREDENTIALS, token=TOKEN, username=USER, password=PASSWORD),
            model_server(front.url, profile="RasaEnterprise-1.0"),
        )
        enterprise = Enterprise(empty_space, front)
        yield enterprise
    enterprise.register()  # the front is closed: no operator changes it any more
    rasa_enterprise.delete_all_models()


def test_an_environment_is_registered_with_its_address_and_its_token(enterprise: Enterprise) -> None:
    enterprise.space.apply(environment("development"))

    enterprise.wait_for("development", "True", "Registered")
    assert enterprise.registry() == [enterprise.entry("development")]


def test_a_registration_is_told_by_an_event(enterprise: Enterprise) -> None:
    enterprise.space.apply(environment("development"))

    registered = wait_for_event(enterprise.space, ENVIRONMENT, "development", "Registered")

    assert (registered["type"], registered["related"]["kind"]) == ("Normal", "ModelServer")
    assert enterprise.space.token("development") not in str(registered)


def test_what_others_registered_stays(enterprise: Enterprise) -> None:
    enterprise.register(FOREIGN)

    enterprise.space.apply(environment("development"), environment("staging"))

    enterprise.wait_for("development", "True", "Registered")
    enterprise.wait_for("staging", "True", "Registered")
    assert FOREIGN in enterprise.registry()
    assert enterprise.names() == {"elsewhere", "development", "staging"}


def test_an_environment_leaves_the_registry_when_it_goes_and_the_others_stay(enterprise: Enterprise) -> None:
    enterprise.register(FOREIGN)
    enterprise.space.apply(environment("development"), environment("staging"))
    enterprise.wait_for("development", "True", "Registered")
    enterprise.wait_for("staging", "True", "Registered")

    enterprise.space.delete(ENVIRONMENT, "staging")

    enterprise.space.eventually(lambda: "staging" not in enterprise.names(), "staging to leave the registry")
    assert enterprise.names() == {"elsewhere", "development"}


def test_an_entry_of_somebody_else_is_left_alone_until_the_environment_may_adopt_it(enterprise: Enterprise) -> None:
    theirs = {**FOREIGN, "name": "development"}
    enterprise.register(theirs)

    enterprise.space.apply(environment("development"))

    enterprise.wait_for(
        "development",
        "False",
        "RegisteredByAnother",
        "development is registered already, for another server (http://elsewhere:5005), and not by this operator: "
        "delete that entry, rename this environment, or let it take the entry over with the annotation "
        "rasa-environments.io/adopt-registration=true",
    )
    assert enterprise.registry() == [theirs]
    adopting = {"rasa-environments.io/adopt-registration": "true"}
    enterprise.space.apply(environment("development", annotations=adopting))
    enterprise.wait_for("development", "True", "Registered")
    assert enterprise.registry() == [enterprise.entry("development")]


def test_a_server_that_runs_elsewhere_is_registered_with_its_own_token_and_nothing_is_deployed(
    enterprise: Enterprise,
) -> None:
    space = enterprise.space
    space.apply(secret("outside", token="outside-token-71"))

    space.apply(
        environment(
            "outside",
            external={
                "url": "https://127.0.0.1:1/outside",
                "authToken": {"secretKeyRef": {"name": "outside", "key": "token"}},
            },
        )
    )

    enterprise.wait_for("outside", "True", "Registered")
    assert enterprise.registry() == [
        {"name": "outside", "url": "https://127.0.0.1:1/outside", "token": "outside-token-71"}
    ]
    assert [kind for kind in ("Deployment", "Service", "Secret") if space.find_child(kind, "outside")] == []


def test_a_changed_token_of_a_server_that_runs_elsewhere_is_registered(enterprise: Enterprise) -> None:
    space = enterprise.space
    external = {"url": "https://127.0.0.1:1", "authToken": {"secretKeyRef": {"name": "outside", "key": "rasa"}}}
    space.apply(secret("outside", rasa="first-token"), environment("outside", external=external))
    enterprise.wait_for("outside", "True", "Registered")

    space.apply(secret("outside", rasa="second-token"))

    space.eventually(lambda: enterprise.registry()[0]["token"] == "second-token", "the new token to be registered")


def refuses(name: str, front: Front) -> None:
    """Let the registry refuse an environment of that name."""
    said = Said(
        400,
        json.dumps({"message": f"'{name}' is reserved", "reason": "NameReserved"}),
        {"Content-Type": "application/json"},
    )

    def fault(asked: Asked) -> Said | None:
        return said if asked.method == "PUT" and name.encode() in asked.body else None

    front.fault = fault


def test_a_name_that_the_registry_refuses_stops_no_other(enterprise: Enterprise) -> None:
    refuses("staging", enterprise.front)

    enterprise.space.apply(environment("staging"), environment("development"))

    enterprise.wait_for("development", "True", "Registered")
    url = f"{enterprise.front.url}{ENVIRONMENTS}"
    found = enterprise.space.wait_for_condition(
        ENVIRONMENT, "staging", "Registered", status="False", reason="RegistrationRefused"
    )
    assert found["message"].startswith(f"the model server at {url} refuses the registration of ")
    assert found["message"].endswith("(400 NameReserved); see its log, then correct the environment or rename it")
    assert enterprise.names() == {"development"}


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        (Said(402, "no licence"), "False", "Unauthorized"),
        (Said(403, "your licence has expired"), "False", "Unauthorized"),
        (Said(503, "maintenance"), "Unknown", "ModelServerUnreachable"),
        (login_page(Asked("GET", ENVIRONMENTS, {})), "Unknown", "UnexpectedAnswer"),
        (Said(404), "False", "RegistrationRefused"),
    ],
    ids=["402", "403", "503", "html", "404"],
)
def test_a_registry_that_does_not_answer_as_promised_is_told(
    enterprise: Enterprise, said: Said, status: str, reason: str
) -> None:
    enterprise.front.fault = lambda asked: said if asked.path == ENVIRONMENTS else None

    enterprise.space.apply(environment("development"))

    enterprise.wait_for("development", status, reason)
    assert enterprise.names() == set()


def test_a_registry_that_comes_back_gets_what_it_lacks(enterprise: Enterprise) -> None:
    enterprise.front.fault = lambda asked: Said(503) if asked.path == ENVIRONMENTS else None
    enterprise.space.apply(environment("development"))
    enterprise.wait_for("development", "Unknown", "ModelServerUnreachable")

    enterprise.front.fault = lambda _: None

    enterprise.wait_for("development", "True", "Registered")


def test_a_tag_waits_for_the_production_that_rasa_x_asks_first(enterprise: Enterprise) -> None:
    enterprise.front.behind.upload(models_of(RELEASES["3.6.21"]) / f"{MODEL_A}.tar.gz")
    production = {"name": "production", "url": f"http://127.0.0.80:{PORT}", "token": "token"}
    enterprise.register(production)

    enterprise.space.apply(model_tag("development", model=MODEL_A))

    found = enterprise.space.wait_for_condition("ModelTag", "development", "Ready", status="False", reason="TagRefused")
    assert "(ModelTagError): the environment production that is registered with it does not answer" in found["message"]
    with listening_rasa("127.0.0.80", "token"):
        enterprise.space.wait_for_condition("ModelTag", "development", "Tagged", status="True")


def test_a_model_that_production_cannot_load_gets_no_tag_and_the_reason_is_told(enterprise: Enterprise) -> None:
    old = models_of(RELEASES["1.10.26"]) / f"{MODEL_A}.tar.gz"
    enterprise.front.behind.upload(old)
    with listening_rasa("127.0.0.79", "token") as production:
        enterprise.register({"name": "production", "url": f"http://127.0.0.79:{PORT}", "token": production.token})

        enterprise.space.apply(model_tag("development", model=MODEL_A))

        enterprise.space.wait_for_condition(
            "ModelTag",
            "development",
            "Ready",
            status="False",
            reason="ModelIncompatible",
            message=f"model {MODEL_A} was trained with Rasa 1.10.26, and the model server says that production cannot "
            "load it: train it with production's version of Rasa, or upgrade production first",
        )


def test_without_a_login_registering_says_what_it_needs(enterprise: Enterprise) -> None:
    enterprise.space.apply(
        {**secret(CREDENTIALS, token=TOKEN), "stringData": {"token": TOKEN, "username": "", "password": ""}}
    )

    enterprise.space.apply(environment("development"))

    found = enterprise.space.wait_for_condition(
        ENVIRONMENT, "development", "Registered", status="False", reason="NoWriteCredentials"
    )
    assert "`username` and `password`" in found["message"]


def test_a_server_without_a_registry_has_no_such_condition(space: Space) -> None:
    space.apply(environment())

    space.wait_until_ready()

    assert space.condition(ENVIRONMENT, "production", "Registered") is None
