"""A Rasa server in place of a pod, with quickly starting substitutes for `rasa` and Sanic."""

import json
import sys
from pathlib import Path

import httpx
import pytest

from local.rasa import Pod, RasaProcess

PYTHON = f"""#!/bin/sh
PYTHONPATH="${{0%/*}}/site-packages" exec {sys.executable} "$@"
"""

SANIC = """
import http.server
class Sanic:
    def run(self, host, port):
        http.server.HTTPServer((host, port), self.answer).serve_forever()
"""

PROGRAM = """#!/not/run/by/itself
import http.server, json, os, pathlib, sys, sanic
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        files = {str(path): path.read_text() for path in pathlib.Path().glob("*.yml")}
        facts = {"arguments": sys.argv[1:], "files": files, "token": os.environ["RASA_TOKEN"]}
        self.wfile.write(json.dumps({**facts, "home": os.environ["HOME"]}).encode())
print("listening", flush=True)
app = sanic.Sanic()
app.answer = Answer
app.run(host="0.0.0.0", port=int(sys.argv[sys.argv.index("--port") + 1]))
"""

PROBE = "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:5005/'); assert os.environ['RASA_TOKEN']"

POD = Pod(
    spec={
        "containers": [
            {
                "name": "rasa",
                "args": ["run", "--port", "5005", "--auth-token", "$(RASA_TOKEN)"],
                "env": [
                    {"name": "HOME", "value": "/tmp"},
                    {"name": "RASA_TOKEN", "valueFrom": {"secretKeyRef": {"name": "bot", "key": "token"}}},
                ],
                "ports": [{"containerPort": 5005}],
                "volumeMounts": [
                    {"name": "config", "mountPath": "/app/endpoints.yml", "subPath": "endpoints.yml"},
                    {"name": "tmp", "mountPath": "/tmp"},
                ],
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": "bot"}}, {"name": "tmp", "emptyDir": {}}],
    },
    config_maps={"bot": {"endpoints.yml": "models: http://models.example"}},
    secrets={"bot": {"token": "0123"}},
)


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "sanic.py").write_text(SANIC)
    (tmp_path / "rasa").write_text(PROGRAM)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def answers(server: RasaProcess) -> bool:
    try:
        return httpx.get(server.url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_the_server_gets_what_the_pod_would_and_its_probe_reaches_it(binaries: Path) -> None:
    with RasaProcess(binaries, POD, interface="127.64.0.9", replace={"models.example": "127.0.0.1:9"}) as server:
        server.wait_until(lambda: answers(server))
        facts = json.loads(httpx.get(server.url, trust_env=False).text)

        assert facts["arguments"] == ["run", "--port", "5005", "--auth-token", "0123"]
        assert facts["token"] == "0123"
        assert facts["files"] == {"endpoints.yml": "models: http://127.0.0.1:9"}
        assert server.run_probe(["python", "-c", PROBE]) == 0
        assert server.run_probe(["python", "-c", "raise SystemExit(3)"]) == 3
        assert "listening" in server.log()


def test_a_stopped_server_leaves_nothing_behind(binaries: Path) -> None:
    server = RasaProcess(binaries, POD, interface="127.64.0.10")
    server.start()
    server.wait_until(lambda: answers(server))
    home = Path(json.loads(httpx.get(server.url, trust_env=False).text)["home"])
    assert home.is_dir()

    server.stop()

    assert not server.running
    assert not answers(server)
    assert not home.parent.exists()
