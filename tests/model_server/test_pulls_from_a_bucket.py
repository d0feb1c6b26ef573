"""A real S3 store, which checks signatures, and the pull function of each real release of Rasa."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import obstore
import pytest
from obstore.store import S3Store

from local.models import NAMES, models_of
from local.rasa import RELEASES
from local.services import S3
from tests.eventually import eventually
from tests.model_server.conftest import MODELS
from tests.model_server.processes import OPEN, running_process

PULL = """
import asyncio, json, os, sys, tempfile
from rasa.core.agent import _pull_model_and_fingerprint as pull
from rasa.utils.endpoints import EndpointConfig

async def main(url, first):
    endpoint = EndpointConfig(url, token="token-of-rasa")
    with tempfile.TemporaryDirectory() as directory:
        fingerprint = await pull(endpoint, first, directory)
        found = sorted(os.listdir(directory))
    with tempfile.TemporaryDirectory() as directory:
        again = await pull(endpoint, fingerprint, directory)
        print(json.dumps({"fingerprint": fingerprint, "found": found, "again": again, "more": os.listdir(directory)}))

asyncio.get_event_loop().run_until_complete(main(*sys.argv[1:]))
"""
"""What a Rasa server does when it starts, and at its next interval (rasa/core/agent.py)."""

FILES = {
    "1.10.26": ["core", "fingerprint.json", "nlu"],
    "2.8.34": ["core", "fingerprint.json", "nlu"],
    "3.6.21": [f"{NAMES['a']}.tar.gz"],
}
"""What each release makes of model A: it unpacks it, or keeps it under the name that it is told."""


@dataclass(frozen=True)
class Pulled:
    """The ETag that Rasa remembers, what it has then, and the same of its next pull."""

    fingerprint: str | None
    found: list[str]
    again: str | None
    more: list[str]


@dataclass(frozen=True)
class BucketOfTeam:
    """A bucket with models of one release."""

    store: S3Store
    url: str
    etags: dict[str, str]
    """Of each model, as the store tells them."""


Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def rasa(request: pytest.FixtureRequest, release: str) -> Path:
    """The directory of the release's Python."""
    fixtures = {"1.10.26": "rasa_1_10", "2.8.34": "rasa_2_8", "3.6.21": "rasa_binaries"}
    return Path(request.getfixturevalue(fixtures[release]))


@pytest.fixture
def bucket(s3: S3, release: str) -> BucketOfTeam:
    name = f"team-{uuid.uuid4().hex}"
    (s3.directory / name).mkdir()
    store = S3Store(
        name,
        prefix="bots",
        endpoint=s3.variables["AWS_ENDPOINT"],
        access_key_id=s3.variables["AWS_ACCESS_KEY_ID"],
        secret_access_key=s3.variables["AWS_SECRET_ACCESS_KEY"],
        region=s3.variables["AWS_REGION"],
        client_options={"allow_http": True},
    )
    etags = {
        file.name.removesuffix(".tar.gz"): str(obstore.put(store, file.name, file)["e_tag"])
        for file in models_of(RELEASES[release]).glob("*.tar.gz")
    }
    return BucketOfTeam(store, f"s3://{name}/bots", etags)


@pytest.fixture
def serve(bucket: BucketOfTeam, s3: S3, tmp_path: Path) -> Serve:
    """Run a server that adopts the bucket, with model A tagged production, and give the URL of the tag."""

    @contextmanager
    def served(*options: str) -> Iterator[str]:
        with running_process(tmp_path / "log", "--adopt", bucket.url, *options, OPEN, variables=s3.variables) as server:
            url = f"{server.url}{MODELS}"
            assert eventually(lambda: {model["model"] for model in listed(url)} == set(bucket.etags))
            httpx.put(f"{url}/{NAMES['a']}/tags/production").raise_for_status()
            yield f"{url}/tags/production"

    return served


def listed(url: str) -> list[dict[str, str]]:
    answer = httpx.get(url)
    return list(answer.json()) if answer.is_success else []


def pulled_by(rasa: Path, url: str) -> Pulled:
    """What the pull function of this Rasa makes of the URL."""
    command = [str(rasa / "python"), "-c", PULL, url, uuid.uuid4().hex]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=True)
    return Pulled(**json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("release", ["3.6.21"], indirect=True)
def test_models_are_listed_tagged_and_pulled_from_a_store_that_checks_signatures(
    bucket: BucketOfTeam, serve: Serve, release: str
) -> None:
    with serve() as url:
        streamed = httpx.get(url)
    with serve("--redirect") as url:
        sent = httpx.get(url)
        file = httpx.get(sent.headers["Location"])
        changed = httpx.get(sent.headers["Location"] + "0")

    content = (models_of(RELEASES[release]) / f"{NAMES['a']}.tar.gz").read_bytes()
    assert (streamed.status_code, streamed.content) == (200, content)
    assert (sent.status_code, file.status_code, file.content) == (307, 200, content)
    assert changed.status_code == 403


def test_each_release_of_rasa_pulls_a_model_once_by_its_name_and_hash(release: str, rasa: Path, serve: Serve) -> None:
    with serve() as url:
        etag = httpx.head(url).headers["ETag"]
        pulled = pulled_by(rasa, url)

    assert set(FILES[release]) <= set(pulled.found)
    assert (pulled.fingerprint, pulled.again, pulled.more) == (etag, None, [])


def test_each_release_of_rasa_follows_a_redirect_and_keeps_the_etag_of_the_bucket(
    release: str, rasa: Path, serve: Serve, bucket: BucketOfTeam
) -> None:
    with serve("--redirect") as url:
        pulled = pulled_by(rasa, url)

    # The header with the name does not come with a file from a bucket: Rasa 3 then has a name of its own.
    named = ["model.tar.gz"] if release == "3.6.21" else FILES[release]
    assert set(named) <= set(pulled.found)
    assert (pulled.fingerprint, pulled.again, pulled.more) == (bucket.etags[NAMES["a"]], None, [])
