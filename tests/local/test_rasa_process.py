"""A Rasa server that stands for a pod, here with a stand-in for the `rasa` program that is quick to start."""

import json
import sys
from pathlib import Path

import httpx
import pytest

from local.rasa import Pod, RasaProcess

PROGRAM = f"""#!{sys.executable}
import http.server, json, os, pathlib, sys
address = (sys.argv[sys.argv.index("--interface") + 1], int(sys.argv[sys.argv.index("--port") + 1]))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        files = {{str(path): path.read_text() for path in pathlib.Path().glob("*.yml")}}
        facts = {{"arguments": sys.argv[1:], "files": files, "token": os.environ["RASA_TOKEN"]}}
        self.wfile.write(json.dumps({{**facts, "home": os.environ["HOME"]}}).encode())
print("listening", flush=True)
http.server.HTTPServer(address, Answer).serve_forever()
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
    (tmp_path / "rasa").write_text(PROGRAM)
    (tmp_path / "rasa").chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
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

        assert facts["arguments"] == ["run", "--port", "5005", "--auth-token", "0123", "--interface", "127.64.0.9"]
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
