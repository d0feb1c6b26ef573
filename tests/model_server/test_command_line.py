"""`python -m rasa_model_server`: what it prints when it starts, what it refuses, and how it stops."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from rasa_model_server.cli import main
from tests.model_server.archives import model_file, tar_gz
from tests.model_server.conftest import MODELS
from tests.model_server.processes import OPEN, environment, failed_start, running_process

NO_TOKEN = (
    "rasa-model-server: no token is configured, so anybody could read and write the models: set "
    "RASA_MODEL_SERVER_TOKEN and RASA_MODEL_SERVER_API_TOKEN (for example to the output of `openssl rand -hex 32`), "
    "or --token-file and --api-token-file, or say --insecure-no-authentication\n"
)


def test_one_line_says_where_it_serves_and_from_where(tmp_path: Path) -> None:
    storage = tmp_path / "new" / "directory"

    with running_process(tmp_path / "log", "--storage", str(storage), OPEN) as server:
        assert server.announcement == f"Serving models from {storage} on {server.url}, without authentication"
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert storage.is_dir()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with running_process(tmp_path / "log", "--storage", "memory://", OPEN) as server:
        server.process.send_signal(number)

        assert server.process.wait(timeout=30) == 0
        assert server.log.read_text() == ""


def test_a_download_under_way_is_finished_before_it_stops(tmp_path: Path) -> None:
    content = tar_gz([("weights", os.urandom(30_000_000))])

    with running_process(tmp_path / "log", "--storage", str(tmp_path / "storage"), OPEN) as server:
        httpx.post(f"{server.url}{MODELS}", files={"model": ("a.tar.gz", content)})
        with httpx.stream("GET", f"{server.url}{MODELS}/a") as answer:
            server.process.send_signal(signal.SIGTERM)
            received = answer.read()

        assert received == content
        assert server.process.wait(timeout=30) == 0


def test_the_variables_of_a_kubernetes_service_of_that_name_do_no_harm(tmp_path: Path) -> None:
    variables = {
        "RASA_MODEL_SERVER_PORT": "tcp://127.0.0.9:5002",
        "RASA_MODEL_SERVER_PORT_5002_TCP": "tcp://127.0.0.9:5002",
        "RASA_MODEL_SERVER_SERVICE_HOST": "127.0.0.9",
        "RASA_MODEL_SERVER_SERVICE_PORT": "5002",
        "RASA_MODEL_SERVER_STORAGE": "memory://",
    }

    with running_process(tmp_path / "log", OPEN, variables=variables) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_models_and_tags_outlive_the_process(tmp_path: Path) -> None:
    arguments = ("--storage", str(tmp_path / "storage"), OPEN)
    with running_process(tmp_path / "first", *arguments) as server:
        httpx.post(f"{server.url}{MODELS}", files={"model": ("a.tar.gz", model_file("a"))})
        httpx.put(f"{server.url}{MODELS}/a/tags/production")

    with running_process(tmp_path / "second", *arguments) as server:
        assert httpx.get(f"{server.url}{MODELS}/tags/production").content == model_file("a")


def test_tokens_come_from_the_environment_and_from_files_and_reach_no_log(tmp_path: Path) -> None:
    file = tmp_path / "api-token"
    file.write_text("secret-from-a-file\n")
    variables = {"RASA_MODEL_SERVER_TOKEN": "secret-from-a-variable", "RASA_MODEL_SERVER_LOG_FORMAT": "json"}
    arguments = ("--storage", "memory://", "--api-token-file", str(file))

    with running_process(tmp_path / "log", *arguments, variables=variables) as server:
        read = httpx.get(f"{server.url}{MODELS}", params={"token": "secret-from-a-variable"})
        written = httpx.delete(f"{server.url}{MODELS}/a", params={"api_token": "secret-from-a-file"})
        refused = httpx.get(f"{server.url}{MODELS}", params={"token": "a-wrong-secret"})
        server.process.terminate()
        server.process.wait(timeout=30)
        log = server.log.read_text()

    assert (read.status_code, written.status_code, refused.status_code) == (200, 404, 401)
    assert [json.loads(line)["status"] for line in log.splitlines()] == [200, 404, 401]
    assert "secret" not in log
    assert "secret" not in server.announcement


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["--storage", "memory://"], {}, NO_TOKEN),
        (
            ["--storage", "memory://", OPEN],
            {"RASA_MODEL_SERVER_TOKEN": "x"},
            (
                "rasa-model-server: --insecure-no-authentication is given together with tokens, which it would ignore: "
                "leave one of them out\n"
            ),
        ),
        (
            ["--storage", "memory://"],
            {"RASA_MODEL_SERVER_USERNAME": "me"},
            (
                "rasa-model-server: a login takes a username and a password: "
                "set RASA_MODEL_SERVER_PASSWORD (or its file option) too\n"
            ),
        ),
        (
            ["--storage", "memory://"],
            {"RASA_MODEL_SERVER_TOKEN": "x", "RASA_MODEL_SERVER_JWT_SECRET": "short"},
            (
                "rasa-model-server: RASA_MODEL_SERVER_JWT_SECRET is shorter than 32 bytes: "
                "take the output of `openssl rand -hex 32`\n"
            ),
        ),
        (
            ["--storage", "memory://", "--token-file", "no/such/file"],
            {},
            "rasa-model-server: --token-file no/such/file: there is no such file\n",
        ),
        (
            ["--storage", "memory://", "--token-file", "/dev/null"],
            {"RASA_MODEL_SERVER_TOKEN": "x"},
            "rasa-model-server: RASA_MODEL_SERVER_TOKEN and --token-file are both given: leave one of them out\n",
        ),
        (
            ["--storage", "/dev/null/models", OPEN],
            {},
            (
                "rasa-model-server: --storage /dev/null/models: not a directory: "
                "give a directory that this user may write\n"
            ),
        ),
        (
            ["--storage", "ftp://host/models", OPEN],
            {},
            (
                "rasa-model-server: --storage ftp:// is not a kind of store this server knows: give a directory, "
                "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or memory://\n"
            ),
        ),
        (
            ["--storage", "s3:///models", OPEN],
            {},
            "rasa-model-server: --storage s3:///models names no bucket: write s3://bucket/prefix\n",
        ),
        (
            ["--adopt", "no/such/directory", OPEN],
            {},
            (
                f"rasa-model-server: --adopt {Path.cwd()}/no/such/directory: there is no such directory: "
                "give the one that the model files are in\n"
            ),
        ),
        (
            ["--adopt", "memory://", OPEN],
            {},
            (
                "rasa-model-server: --adopt memory:// is not a kind of store that has model files: give a directory, "
                "s3://bucket/prefix, gs://bucket/prefix or az://container/prefix\n"
            ),
        ),
        (
            ["--adopt", "s3://key:hunter2@bucket/prefix?signature=hunter2", OPEN],
            {},
            (
                "rasa-model-server: --adopt s3://bucket/prefix: leave out what is before @ and after ?: "
                "credentials belong in the variables of the store (AWS_*, GOOGLE_*, AZURE_*)\n"
            ),
        ),
        (
            ["--storage", "s3://bucket", "--adopt", "s3://bucket/models", OPEN],
            {},
            (
                "rasa-model-server: --storage is above where the files of --adopt are, which this server must not "
                "write to: leave --storage out for .rasa-model-server beside the files, or give another place\n"
            ),
        ),
        (
            ["--storage", "memory://", OPEN, "--redirect"],
            {},
            "rasa-model-server: --redirect is for the models of a bucket: give --adopt s3://, gs:// or az:// with it\n",
        ),
        (
            ["--storage", "memory://", OPEN, "--endpoints-file", "no/such/file"],
            {},
            "rasa-model-server: --endpoints-file no/such/file: there is no such file\n",
        ),
        (
            ["--storage", "memory://", OPEN, "--project", "a/b"],
            {},
            "rasa-model-server: --project 'a/b': use letters, digits, '.', '_' and '-'\n",
        ),
        (
            [OPEN],
            {},
            (
                "rasa-model-server: --storage is missing: give a directory or s3://bucket/prefix, "
                "or give --adopt to serve what is there\n"
            ),
        ),
    ],
)
def test_a_mistake_is_said_in_one_line(
    arguments: list[str],
    variables: dict[str, str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["rasa-model-server", *arguments])
    monkeypatch.setattr("os.environ", environment(variables))

    with pytest.raises(SystemExit) as ended:
        main()

    assert (ended.value.code, *capsys.readouterr()) == (2, "", message)


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refusal = failed_start("--storage", "memory://", OPEN, "--port", str(port))

    assert refusal == (
        2,
        "",
        (
            f"rasa-model-server: --host 127.0.0.1 --port {port}: another process listens there: "
            "choose another port, or 0 for any\n"
        ),
    )
