"""The released packages of Rasa Pro: their arguments are ours, and they pull from our model server.

None of this asks for a licence. Whether a server of Rasa Pro answers as expected can only be seen with one:
tests/integration/test_licensed_rasa_pro.py.
"""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.rasa import RASA_PRO_RELEASES, Pod
from local.rasa.container import container_variables, expand
from rasa_environments.api.base import JsonObject
from tests.conftest import binaries_of
from tests.desired.contexts import TOKEN, children_by_kind, context
from tests.integration.model_server_process import MODEL_A, SAMPLES, ModelServerProcess, running_model_server
from tests.integration.model_server_process import TOKEN as PULL_TOKEN

SCRIPT = Path(__file__).parent / "rasa_pro_package.py"
KEY = {"secretKeyRef": {"name": "passwords", "key": "jwt"}}
SPECS: dict[str, tuple[JsonObject, dict[str, object]]] = {
    "the shortest": ({}, {"jwt_secret": None, "jwt_method": "HS256", "cors": ["*"], "port": 5005}),
    "origins": (
        {"rasa": {"corsOrigins": ["https://a.example.com", "https://b.example.com"]}},
        {"cors": ["https://a.example.com", "https://b.example.com"]},
    ),
    "a port": ({"rasa": {"port": 5006}}, {"port": 5006}),
    "more arguments": ({"rasa": {"extraArgs": ["--debug", "--response-timeout", "60"]}}, {"response_timeout": 60}),
    "a JWT": ({"jwt": {"key": KEY, "method": "RS256"}}, {"jwt_secret": "value of jwt", "jwt_method": "RS256"}),
    "everything": (
        {
            "rasa": {"corsOrigins": ["*"], "port": 80, "logLevel": "Debug", "workers": 2, "extraArgs": ["-v"]},
            "jwt": {"key": KEY},
            "lockStore": {"concurrentRedis": {"host": "redis"}},
            "model": {"updateStrategy": "RollingUpdate"},
        },
        {"jwt_secret": "value of jwt", "jwt_method": "HS256", "port": 80},
    ),
}

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """It has a model with the tag `production`."""
    with running_model_server(tmp_path_factory.mktemp("model-server"), tags=["production"]) as server:
        yield server


@pytest.fixture(params=list(RASA_PRO_RELEASES), scope="module")
def rasa_pro_answers(request: pytest.FixtureRequest, model_server: ModelServerProcess) -> JsonObject:
    """What a released package pulls, and what it understands of every command line."""
    version = str(request.param)
    parse = {case: command_line(version, spec) for case, (spec, _) in SPECS.items()}
    return ask(version, pull=pulls(model_server), parse=parse)


def ask(version: str, **asked: JsonObject) -> JsonObject:
    """Return the answers of a released package, all from one process, since it takes long to be imported."""
    python = binaries_of(RASA_PRO_RELEASES[version]) / "python"
    variables = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "RASA_TELEMETRY_ENABLED": "false"}
    ran = subprocess.run(
        [python, SCRIPT],
        input=json.dumps(asked),
        env=variables,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: JsonObject = json.loads(ran.stdout.splitlines()[-1])
    return found


def command_line(version: str, spec: JsonObject) -> JsonObject:
    """The arguments and variables of the Rasa server of an environment."""
    given = {**spec, "rasa": {"version": version, **spec.get("rasa", {})}}
    made = children_by_kind(context(given, server={"profile": "RasaPro"}))
    pod_spec = made["Deployment"]["spec"]["template"]["spec"]
    values = {key: b64decode(value).decode() for key, value in made["Secret"]["data"].items()}
    (container,) = pod_spec["containers"]
    variables = container_variables(Pod(pod_spec, {}, {made["Secret"]["metadata"]["name"]: values}), container)
    return {"arguments": [expand(argument, variables) for argument in container["args"]], "variables": variables}


def pulls(server: ModelServerProcess) -> dict[str, JsonObject]:
    """Pulls from the model server: for the first time, again, of a tag without a model, and with a wrong token."""
    tags = f"{server.url}/api/projects/default/models/tags"
    tagged = httpx.head(f"{tags}/production", params={"token": PULL_TOKEN}, trust_env=False)
    return {
        "first": {"url": f"{tags}/production", "token": PULL_TOKEN, "etag": "0123456789abcdef"},
        "again": {"url": f"{tags}/production", "token": PULL_TOKEN, "etag": tagged.headers["ETag"]},
        "no model": {"url": f"{tags}/nobody", "token": PULL_TOKEN, "etag": "0"},
        "wrong token": {"url": f"{tags}/production", "token": "wrong", "etag": "0"},
    }


@pytest.mark.parametrize("case", SPECS)
def test_rasa_pro_understands_every_argument_and_finds_its_tokens(rasa_pro_answers: JsonObject, case: str) -> None:
    always = {"enable_api": True, "auth_token": TOKEN, "endpoints": "endpoints.yml", "credentials": "credentials.yml"}
    wanted = {**always, **SPECS[case][1]}

    assert {name: rasa_pro_answers["parse"][case][name] for name in wanted} == wanted


def test_rasa_pro_pulls_the_model_of_a_tag(rasa_pro_answers: JsonObject, model_server: ModelServerProcess) -> None:
    first = rasa_pro_answers["pull"]["first"]

    assert first["etag"].strip('"') == model_server.hash_of(MODEL_A)
    assert first["files"] == {f"{MODEL_A}.tar.gz": (SAMPLES / f"{MODEL_A}.tar.gz").stat().st_size}


@pytest.mark.parametrize("case", ["again", "no model", "wrong token"])
def test_rasa_pro_pulls_nothing_where_there_is_nothing_new_for_it(rasa_pro_answers: JsonObject, case: str) -> None:
    assert rasa_pro_answers["pull"][case] == {"etag": None, "files": {}}
