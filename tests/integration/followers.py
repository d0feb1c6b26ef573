"""What the pods of an environment pull, at every moment of a change."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from rasa_environments.api.base import JsonObject
from tests import loopback
from tests.integration.space import ENVIRONMENT, Space

PAUSE = 0.1


@dataclass(frozen=True)
class Pod:
    """A pod as it was started: where it pulls, and with what."""

    url: str
    token: str = field(repr=False)

    def pulled(self) -> str:
        """The hash that a pull answers with, or the status of another answer."""
        try:
            answer = loopback.head(self.url, params={"token": self.token})
        except httpx.HTTPError as error:
            return type(error).__name__
        return answer.headers["ETag"].strip('"') if answer.is_success else str(answer.status_code)


@dataclass
class Followers:
    """One pod for each version of the pod template, which pulls until `replaced` says that it is gone."""

    space: Space
    environment: str
    pods: dict[str, Pod] = field(default_factory=dict)
    answers: set[str] = field(default_factory=set)
    """All answers to all pulls."""
    desired: set[str] = field(default_factory=set)
    """All models that the environment's status named as the desired one; `none` where there was none."""
    rounds: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> None:
        """Start a pod if the template is new; pull with every pod; look at the status."""
        with self._lock:
            template = self.space.child("Deployment", self.environment)["spec"]["template"]
            digest = repr(template)
            if digest not in self.pods:
                self.pods[digest] = Pod(variable(template, "RASA_MODEL_SERVER"), self._token())
            self.answers |= {pod.pulled() for pod in self.pods.values()}
            status = self.space.status(ENVIRONMENT, self.environment)
            self.desired.add(str(status.get("desiredModel", {}).get("name", "none")))
            self.rounds += 1

    def replaced(self) -> None:
        """End the pods of earlier templates, as a Deployment does once those of the last one are ready."""
        with self._lock:
            last = list(self.pods)[-1:]
            self.pods = {digest: self.pods[digest] for digest in last}

    def _token(self) -> str:
        secret = self.space.child("Secret", self.environment)
        return base64.b64decode(secret["data"]["model-server-token"]).decode()


def variable(template: JsonObject, name: str) -> str:
    """The value of a variable of a pod template's first container."""
    variables = template["spec"]["containers"][0]["env"]
    return next(str(each["value"]) for each in variables if each["name"] == name)


@contextlib.contextmanager
def followers(space: Space, environment: str = "production") -> Iterator[Followers]:
    """Let pods of the environment pull, without a break, until the block ends."""
    found = Followers(space, environment)
    found.look()
    ended = threading.Event()
    failures: list[BaseException] = []

    def follow() -> None:
        try:
            while not ended.wait(PAUSE):
                found.look()
        except BaseException as error:  # noqa: BLE001 - raised again in the test
            failures.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]
