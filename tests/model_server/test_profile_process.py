"""A Rasa X that is started from the command line: with variables, beside a real server, and with a log to look at."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from rasa_model_server.cli import main
from tests.model_server.archives import model_file
from tests.model_server.conftest import MODELS
from tests.model_server.processes import OPEN, ServerProcess, environment, running_process
from tests.model_server.small_rasa import SmallRasa, running_rasa

SECRETS = {
    "RASA_MODEL_SERVER_TOKEN": "secret-service-token",
    "RASA_MODEL_SERVER_API_TOKEN": "secret-api-token",
    "RASA_MODEL_SERVER_USERNAME": "me",
    "RASA_MODEL_SERVER_PASSWORD": "secret-password",
}


async def test_no_token_reaches_the_log_whatever_happens(tmp_path: Path) -> None:
    variables = SECRETS | {"RASA_MODEL_SERVER_PROFILE": "RasaEnterprise-1.0", "RASA_MODEL_SERVER_LOG_FORMAT": "json"}
    async with running_rasa(SmallRasa(token="secret-of-production")) as rasa:
        with running_process(tmp_path / "log", "--storage", "memory://", variables=variables) as server:
            assert server.announcement.endswith(" as RasaEnterprise-1.0")
            statuses = await _register_promote_and_talk(server, rasa)
            server.process.terminate()
            server.process.wait(timeout=30)
            log = server.log.read_text()

    assert statuses == [200, 201, 200, 201, 204, 200, 502, 502, 400]
    assert sum('"rasa_model_server.access"' in line for line in log.splitlines()) == len(statuses)
    assert log.count("the server of the environment down: connection refused, nothing listens there") == 1
    assert "secret" not in log


async def _register_promote_and_talk(server: ServerProcess, rasa: SmallRasa) -> list[int]:
    """Return the status of each answer: first all is well, then a token is wrong, a server down, a list refused."""
    writes, chat = {"api_token": SECRETS["RASA_MODEL_SERVER_API_TOKEN"]}, "/api/conversations/ann/messages"
    environments = [
        {"name": "production", "url": rasa.url, "token": rasa.token},
        {"name": "wrong", "url": rasa.url, "token": "secret-that-is-wrong"},
        {"name": "down", "url": "http://127.0.0.1:9", "token": "secret-of-one-that-is-down"},
    ]
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        login = await client.post("/api/auth", json={"username": "me", "password": "secret-password"})
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        return [
            login.status_code,
            (await client.put("/api/environments", json=environments, headers=headers)).status_code,
            (await client.get("/api/health")).status_code,
            (await client.post(MODELS, params=writes, files={"model": ("a.tar.gz", model_file())})).status_code,
            (await client.put(f"{MODELS}/a/tags/production", params=writes)).status_code,
            *[
                (await client.post(chat, params=writes | {"environment": name}, json={"message": "hi"})).status_code
                for name in ("production", "wrong", "down")
            ],
            (await client.put("/api/environments", json=environments * 2, headers=headers)).status_code,
        ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--profile", "RasaX-9"],
            (
                "Invalid value for '--profile' (env var: 'RASA_MODEL_SERVER_PROFILE'): Value error, 'RasaX-9' is not "
                "one of 'ModelServer', 'RasaX-0.2', 'RasaX-0.32', 'RasaEnterprise-1.0': see rasa-model-server --help"
            ),
        ),
        (["--users-file", "no/such/file"], "--users-file no/such/file: there is no such file"),
        (
            ["--profile", "RasaX-0.2", "--environments-file", "no/such/file"],
            "--environments-file no/such/file: there is no such file",
        ),
    ],
)
def test_a_mistake_is_said_in_one_line(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_users = "--users-file" in arguments
    monkeypatch.setattr(
        "sys.argv", ["rasa-model-server", "--storage", "memory://", *arguments, *([] if with_users else [OPEN])]
    )
    monkeypatch.setattr("os.environ", environment({}))

    with pytest.raises(SystemExit) as ended:
        main()

    assert (ended.value.code, *capsys.readouterr()) == (2, "", f"rasa-model-server: {message}\n")
