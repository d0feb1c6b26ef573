"""environments.yml, which Rasa X before 1.0 reads at its start: production, worker and any others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rasa_model_server.cli import main
from rasa_model_server.rasa_x.environments_file import EnvironmentsFileError, environments_of, read_environments
from rasa_model_server.rasa_x.profiles import PROFILES, ProfileName
from rasa_model_server.settings import Settings
from rasa_model_server.storage import EnvironmentRecord
from tests.model_server.conftest import running
from tests.model_server.environment_files import environments_file
from tests.model_server.processes import OPEN, environment

PAGE = """
rasa:
  production:
    url: http://rasa-production:5005
    token: ${RASA_TOKEN}
  worker:
    url: http://rasa-worker:5005
    token: ${RASA_TOKEN}
  experimental:
    url: http://rasa-experimental:5005
    token: ${RASA_TOKEN}
"""


def test_the_file_of_the_page_is_read_with_its_variables(tmp_path: Path) -> None:
    file = tmp_path / "environments.yml"
    file.write_text(PAGE)

    environments = read_environments(file, {"RASA_TOKEN": "shared"})

    assert environments == tuple(
        EnvironmentRecord(name=name, url=f"http://rasa-{name}:5005", token="shared")
        for name in ("production", "worker", "experimental")
    )


names = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
tokens = st.text("0123456789abcdef-_.~", max_size=40)


@given(st.dictionaries(names, st.tuples(names, tokens), max_size=5), st.tuples(names, tokens), st.tuples(names, tokens))
def test_what_is_in_the_file_is_what_is_read(
    others: dict[str, tuple[str, str]], production: tuple[str, str], worker: tuple[str, str]
) -> None:
    written = others | {"production": production, "worker": worker}
    content = {
        "rasa": {name: {"url": f"http://{host}:5005", "token": token} for name, (host, token) in written.items()}
    }

    read = environments_of(yaml.safe_load(yaml.safe_dump(content)), {})

    assert {found.name: (found.url, found.token) for found in read} == {
        name: (f"http://{host}:5005", token) for name, (host, token) in written.items()
    }


GOOD = {"url": "http://rasa:5005", "token": "secret-token"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "it has no key `rasa` with environments: write `rasa:`, and below it "),
        ({"environments": {}}, "it has no key `rasa` with environments: "),
        ({"rasa": []}, "it has no key `rasa` with environments: "),
        (
            {"rasa": {"production": GOOD}},
            "it has no environment called worker: Rasa X always wants both production and",
        ),
        ({"rasa": {"worker": GOOD}}, "it has no environment called production: "),
        ({"rasa": {"experimental": GOOD}}, "it has no environment called production and none called worker: "),
        ({"rasa": {"production": "(...)", "worker": GOOD}}, "its environment 'production' has no url: write `rasa:`"),
        ({"rasa": {"production": {"token": "x"}, "worker": GOOD}}, "its environment 'production' has no url: "),
        (
            {"rasa": {"production": GOOD | {"token": 12345}, "worker": GOOD}},
            "the token of its environment 'production' is not text: put it in quotes",
        ),
        (
            {"rasa": {"production": GOOD, "worker": GOOD | {"token": "${NOT_THERE}"}}},
            "its environment 'worker' names ${NOT_THERE}, and there is no such variable: set it",
        ),
        (
            {"rasa": {"production": GOOD, "worker": GOOD | {"url": "http://169.254.169.254"}}},
            "the url of the environment 'worker' is refused: 169.254.169.254 is a link-local address",
        ),
        (
            {"rasa": {"production": GOOD, "worker": GOOD, "my bot": GOOD}},
            "'my bot' is not the name of an environment: use letters, digits",
        ),
    ],
)
def test_a_file_that_rasa_x_would_not_take_is_refused_with_what_is_missing(content: object, message: str) -> None:
    with pytest.raises(EnvironmentsFileError) as refused:
        environments_of(content, {})

    assert str(refused.value).startswith(message)
    assert "secret-token" not in str(refused.value)


def test_yaml_that_is_none_is_refused_without_its_text(tmp_path: Path) -> None:
    file = tmp_path / "environments.yml"
    file.write_text("rasa:\n  production:\n    token: 'secret-token\n")

    with pytest.raises(EnvironmentsFileError) as refused:
        read_environments(file)

    assert str(refused.value) == "it is not YAML at line 4"


@pytest.mark.parametrize("name", ["RasaX-0.2", "RasaX-0.32"])
async def test_the_environments_are_answered_as_the_yaml_that_they_came_in(
    settings: Settings, tmp_path: Path, name: ProfileName
) -> None:
    file = environments_file(tmp_path, production=("http://p:5005", "one"), worker=("http://w:5005", "two"))

    async with running(replace(settings, profile=PROFILES[name], environments_file=file)) as server:
        answer = await server.client.get("/api/environments", headers=await server.log_in())

    assert yaml.safe_load(answer.json()["environments"]) == yaml.safe_load(file.read_text())


async def test_without_a_file_the_answer_says_that_there_are_none(settings: Settings) -> None:
    async with running(replace(settings, profile=PROFILES["RasaX-0.2"])) as server:
        answer = await server.client.get("/api/environments", headers=await server.log_in())

    assert (answer.status_code, answer.json()["reason"]) == (400, "EnvironmentSettingsNotFound")


@pytest.mark.parametrize(
    ("profile", "content", "message"),
    [
        (
            "RasaX-0.2",
            "rasa: {production: {url: 'http://p:5005'}}",
            (
                "--environments-file FILE: it has no environment called worker: "
                "Rasa X always wants both production and worker"
            ),
        ),
        (
            "ModelServer",
            PAGE,
            (
                "--environments-file is read by the profiles of Rasa X only, and this is --profile ModelServer: "
                "leave it out, or choose another profile"
            ),
        ),
    ],
)
def test_a_server_does_not_start_with_a_file_that_it_cannot_use(
    profile: str,
    content: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "environments.yml"
    file.write_text(content)
    arguments = ["--storage", "memory://", OPEN, "--profile", profile, "--environments-file", str(file)]
    monkeypatch.setattr("sys.argv", ["rasa-model-server", *arguments])
    monkeypatch.setattr("os.environ", environment({}))

    with pytest.raises(SystemExit) as ended:
        main()

    assert (ended.value.code, *capsys.readouterr()) == (
        2,
        "",
        f"rasa-model-server: {message.replace('FILE', str(file))}\n",
    )
