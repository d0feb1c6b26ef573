"""Real Rasa Pro, for whoever has a licence: `RASA_LICENSE=... make test-rasa-pro`.

It trains two models and serves them as the pod of an environment. rasa-pro is installed once, in the version
RASA_PRO_VERSION; RASA_PRO_BIN names the `bin` directory of another installation.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.models import MODELS, NAMES, train
from local.progress import ConsoleProgress
from local.rasa import rasa_pro_to_run
from tests.conftest import binaries_of
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment, secret, secret_value
from tests.integration.model_server_process import API_TOKEN, MODEL_A, MODEL_B, TOKEN, ModelServerProcess
from tests.integration.real_environments import ANSWERS, RealRasa, promote, real_rasas
from tests.integration.space import ENVIRONMENT, Space
from tests.model_server.processes import running_process
from tests.preparation import RASA_PRO_BIN, license_of, rasa_pro_version

pytestmark = pytest.mark.timeout(1200)

VERSION = rasa_pro_version(os.environ)


@pytest.fixture(scope="module")
def license_text() -> str:
    """The licence."""
    return license_of(os.environ) or pytest.fail("Rasa Pro does not run without a licence: set RASA_LICENSE to it")


@pytest.fixture(scope="module")
def binaries(license_text: str) -> Path:
    """Where Rasa Pro is installed with all of its requirements."""
    named = os.environ.get(RASA_PRO_BIN)
    return Path(named) if named else binaries_of(rasa_pro_to_run(VERSION))


@pytest.fixture(scope="module")
def models(license_text: str, binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """A model server with both sample models, trained by Rasa Pro."""
    directory = tmp_path_factory.mktemp("models")
    license_variables = {"RASA_LICENSE": license_text, "RASA_PRO_LICENSE": license_text}
    tokens = {"RASA_MODEL_SERVER_TOKEN": TOKEN, "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN}
    (directory / "storage").mkdir()
    with (
        ConsoleProgress() as progress,
        running_process(directory / "log", "--storage", str(directory / "storage"), variables=tokens) as process,
    ):
        server = ModelServerProcess(process.url)
        for folder, name in NAMES.items():
            trained = directory / f"{name}.tar.gz"
            what = f"{name} with Rasa Pro {VERSION}"
            server.upload(train(binaries, MODELS / "src" / folder, trained, what, progress, license_variables))
        yield server


@pytest.fixture
def rasa(
    empty_space: Space, shared: Installation, models: ModelServerProcess, license_text: str, binaries: Path
) -> Iterator[RealRasa]:
    """Rasa Pro in the place of the pod of production, which has no model yet."""
    furnish(empty_space, models)
    rasa = {"version": VERSION, "license": secret_value("rasa-license", "license")}
    empty_space.apply(
        secret("rasa-license", license=license_text),
        environment(profile="RasaPro", rasa=rasa, model={"pullPeriodSeconds": 1}),
    )
    with real_rasas(empty_space, shared.facts.kubeconfig, binaries, "production") as rasas:
        yield rasas["production"]
    models.delete_all_tags()


def test_rasa_pro_serves_what_is_promoted_and_tells_of_its_licence(rasa: RealRasa, empty_space: Space) -> None:
    assert not rasa.is_ready
    assert (rasa.status("wrong"), rasa.status(empty_space.token())) == (401, 409)

    for model in (MODEL_A, MODEL_B, MODEL_A):
        promote(empty_space, "production", model)
        assert rasa.is_ready
        assert rasa.says() == ANSWERS[model]

    empty_space.wait_for_condition(ENVIRONMENT, "production", "LicenseValid", status="True")
    assert empty_space.status(ENVIRONMENT, "production")["licenseExpiryTime"].endswith("Z")
