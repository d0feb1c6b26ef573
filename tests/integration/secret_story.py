"""The story of two teams in which every secret value is used, changed, refused, and echoed by careless servers.

One team has a Rasa Enterprise, which registers by its API; the other a Rasa X 0.32, which reads environments.yml.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from rasa_environments.api.base import JsonObject
from tests import loopback
from tests.integration.manifests import CREDENTIALS, environment, model_server, model_tag, secret, secret_value
from tests.integration.model_server_front import Asked, Fault, Front, Said, front_of
from tests.integration.model_server_process import MODEL_A, SAMPLES, ModelServerProcess
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.secrecy import secret_values
from tests.integration.space import ENVIRONMENT, Space
from tests.model_server.processes import running_process

ROTATE = "rasa-environments.io/rotate-token-at"
ENVIRONMENTS, MODELS = "/api/environments", "/api/projects/default/models"
USER = "the-operator"
CONNECTIONS = {
    "eventBroker": {"rabbitmq": {"host": "rabbit", "password": secret_value("connections", "rabbitmq")}},
    "trackerStore": {"sql": {"host": "db", "username": "rasa", "password": secret_value("connections", "sql")}},
    "lockStore": {"redis": {"host": "redis", "password": secret_value("connections", "redis")}},
    "actionEndpoint": {"url": "http://actions:5055/webhook", "token": secret_value("connections", "actions")},
    "channels": [{"name": "slack", "config": {"slack_token": secret_value("connections", "slack")}}],
    "jwt": {"key": secret_value("connections", "jwt")},
}


def made_up(name: str) -> str:
    """Return a secret value that can be recognized anywhere."""
    return f"{name}-{secrets.token_hex(16)}"


@dataclass
class Story:
    """The two teams, and every secret value that ever existed."""

    enterprise: Space
    rasa_x: Space
    front: Front
    secrets: set[str] = field(default_factory=set)

    def made_up(self, name: str) -> str:
        """A new secret value."""
        value = made_up(name)
        self.secrets.add(value)
        return value

    def note(self) -> None:
        """Remember everything that is in Secrets now."""
        for space in (self.enterprise, self.rasa_x):
            self.secrets |= secret_values(space)


@contextlib.contextmanager
def told(enterprise: Space, rasa_x: Space, log: Path) -> Iterator[Story]:
    """Play the whole story to its end; `log` is the model server's."""
    keys = {name: made_up(name.lower()) for name in ("TOKEN", "API_TOKEN", "PASSWORD", "JWT_SECRET")}
    variables = {f"RASA_MODEL_SERVER_{name}": value for name, value in keys.items()}
    options = ("--profile", "RasaEnterprise-1.0", "--storage", "memory://")
    with (
        running_process(log, *options, variables={**variables, "RASA_MODEL_SERVER_USERNAME": USER}) as process,
        front_of(ModelServerProcess(process.url)) as front,
        echoing_rasa() as outside,
    ):
        story = Story(enterprise, rasa_x, front, set(keys.values()))
        upload(process.url, keys["API_TOKEN"])
        everything_is_created(story, keys, outside)
        servers_are_asked(story)
        tokens_are_rotated(story)
        registration_is_refused(story)
        credentials_are_refused(story, keys)
        strangers_come(story, keys)
        yield story


def upload(url: str, api_token: str) -> None:
    """There is a model, and a tag that moves."""
    with (SAMPLES / f"{MODEL_A}.tar.gz").open("rb") as content, administrator(url, api_token) as http:
        http.post(MODELS, files={"model": (f"{MODEL_A}.tar.gz", content)}).raise_for_status()
        http.put(f"{MODELS}/{MODEL_A}/tags/development").raise_for_status()


def administrator(url: str, api_token: str) -> httpx.Client:
    """Somebody with the API token."""
    return loopback.client(base_url=url, params={"api_token": api_token})


def everything_is_created(story: Story, keys: dict[str, str], outside: str) -> None:
    """Set up both registrations, every connection with a password, an external server, and a refused tag."""
    passwords = {name: story.made_up(name) for name in ("rabbitmq", "sql", "redis", "actions", "slack", "jwt")}
    story.enterprise.apply(
        secret("connections", **passwords),
        secret("outside", token=story.made_up("outside")),
        credentials(keys["TOKEN"], keys["PASSWORD"]),
        model_server(story.front.url, profile="RasaEnterprise-1.0", defaults=CONNECTIONS),
        environment("production"),
        environment("development"),
        environment(
            "outside", external={"url": outside, "authToken": {"secretKeyRef": {"name": "outside", "key": "token"}}}
        ),
    )
    story.rasa_x.apply(
        secret("connections", **passwords),
        secret(CREDENTIALS, token=keys["TOKEN"], apiToken=keys["API_TOKEN"], jwtSecret=story.made_up("jwt-of-rasa-x")),
        model_server(story.front.url, profile="RasaX-0.32", defaults=CONNECTIONS),
        environment("production", rasa={"version": "1.10.26"}),
        environment("worker", rasa={"version": "1.10.26"}),
    )
    for name in ("production", "development", "outside"):
        story.enterprise.wait_for_condition(ENVIRONMENT, name, "Registered", status="True")
    for name in ("production", "worker"):
        story.rasa_x.wait_for_condition(ENVIRONMENT, name, "Registered", status="True")
    story.enterprise.apply(model_tag("production", model=MODEL_A))
    story.enterprise.wait_for_condition("ModelTag", "production", "Tagged", status="False")
    story.note()


def credentials(token: str, password: str) -> JsonObject:
    """Return the credentials of Rasa Enterprise."""
    return secret(CREDENTIALS, token=token, username=USER, password=password)


def servers_are_asked(story: Story) -> None:
    """Let a pod accept its token, then refuse it; the external server always refuses it, and echoes it."""
    with scripted_rasa(story.enterprise, "development") as rasa:
        story.enterprise.wait_for_condition(ENVIRONMENT, "development", "ModelServed", reason="NoModelServed")
        rasa.token = story.made_up("another-token-of-the-pod")
        story.enterprise.wait_for_condition(ENVIRONMENT, "development", "ModelServed", reason="Unauthorized")
    story.enterprise.wait_for_condition(ENVIRONMENT, "outside", "ModelServed", reason="Unauthorized")


def tokens_are_rotated(story: Story) -> None:
    """A new token for an environment of each team, registered."""
    for space in (story.enterprise, story.rasa_x):
        rotate(space, "production")
        space.wait_for_condition(ENVIRONMENT, "production", "Registered", status="True")
    story.note()


def rotate(space: Space, name: str) -> None:
    """Another token for the environment, in its Secret."""
    before = space.token(name)
    space.patch(ENVIRONMENT, name, {"metadata": {"annotations": {ROTATE: "1"}}})
    space.eventually(lambda: space.token(name) != before, f"another token of {name}")


def registration_is_refused(story: Story) -> None:
    """Let the registry echo what it was sent, including tokens."""
    story.front.fault = refused_registration
    rotate(story.enterprise, "development")
    story.enterprise.wait_for_condition(ENVIRONMENT, "development", "Registered", reason="RegistrationRefused")
    story.note()
    story.front.fault = lambda _: None
    story.enterprise.wait_for_condition(ENVIRONMENT, "development", "Registered", status="True")


def refused_registration(asked: Asked) -> Said | None:
    """Echo the body, as a sentence and unchanged."""
    if (asked.method, asked.path) != ("PUT", ENVIRONMENTS):
        return None
    return Said(
        400, json.dumps({"message": f"cannot take {asked.body.decode()}"}), {"Content-Type": "application/json"}
    )


def credentials_are_refused(story: Story, keys: dict[str, str]) -> None:
    """Fail the listing of models in ways that echo the token; then use a wrong token, then a wrong password."""
    for status, reason in ((401, "Unauthorized"), (503, "ModelServerUnreachable"), (200, "UnexpectedAnswer")):
        story.front.fault = echoing(status)
        for space in (story.enterprise, story.rasa_x):
            space.wait_for_condition("ModelServer", "default", "Ready", status="False", reason=reason)
    story.front.fault = lambda _: None
    story.enterprise.apply(credentials(story.made_up("wrong-token"), keys["PASSWORD"]))
    story.enterprise.wait_for_condition("ModelServer", "default", "Ready", status="False", reason="Unauthorized")
    story.enterprise.apply(credentials(keys["TOKEN"], story.made_up("wrong-password")))
    story.enterprise.wait_for_condition(ENVIRONMENT, "production", "Registered", status="False", reason="Unauthorized")
    story.enterprise.apply(credentials(keys["TOKEN"], keys["PASSWORD"]))
    for space in (story.enterprise, story.rasa_x):
        space.wait_for_condition(ENVIRONMENT, "production", "Registered", status="True")


def echoing(status: int) -> Fault:
    """Answer the listing of models with the token of the request."""
    return lambda asked: Said(status, f"{asked.path}?{asked.query}") if asked.path == MODELS else None


def strangers_come(story: Story, keys: dict[str, str]) -> None:
    """Send the model server right and wrong credentials, and requests for servers that do not answer."""
    url, wrong = story.front.behind.url, story.made_up("of-a-stranger")
    chat, pull = "/api/conversations/me/messages", f"{MODELS}/tags/development"
    with (
        loopback.client(base_url=url) as http,
        administrator(url, keys["API_TOKEN"]) as administrator_,
    ):
        answers = [
            http.get(pull, params={"token": keys["TOKEN"]}),
            http.get(pull, params={"token": wrong}),
            http.get(MODELS, params={"api_token": wrong}),
            http.get(ENVIRONMENTS, headers={"Authorization": f"Bearer {wrong}"}),
            http.post("/api/auth", json={"username": USER, "password": wrong}),
            http.get("/api/health"),
            administrator_.post(chat, params={"environment": "outside"}, json={"message": "hello"}),
            administrator_.post(chat, params={"environment": "development"}, json={"message": "hello"}),
            administrator_.put(f"{MODELS}/{MODEL_A}/tags/production"),
            http.put(ENVIRONMENTS, headers=login(http, keys), json=[registration(f"http://me:{wrong}@rasa", wrong)]),
            http.put(ENVIRONMENTS, headers=login(http, keys), content=f'[{{"token": "{wrong}"'),
        ]
    assert [answer.status_code for answer in answers] == [200, 401, 401, 401, 401, 200, 502, 502, 404, 400, 400]


def login(http: httpx.Client, keys: dict[str, str]) -> dict[str, str]:
    """The header of somebody who has logged in."""
    answer = http.post("/api/auth", json={"username": USER, "password": keys["PASSWORD"]}).raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def registration(url: str, token: str) -> JsonObject:
    """An environment as somebody registers it."""
    return {"name": "production", "url": url, "token": token}


@contextlib.contextmanager
def echoing_rasa() -> Iterator[str]:
    """Run a server that refuses every token, and echoes it; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def refuse(self) -> None:
            self.send_response(401)
            self.end_headers()
            self.wfile.write(json.dumps({"message": f"{self.path} is refused"}).encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

        do_GET = do_POST = refuse  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
