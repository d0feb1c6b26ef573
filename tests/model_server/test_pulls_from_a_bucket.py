"""A real S3 store, which checks signatures, and the pull function of each real release of Rasa."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.models import NAMES, models_of
from local.rasa import RELEASES
from local.services import S3
from tests.eventually import eventually
from tests.model_server.buckets import BucketOfTeam, bucket_of_team
from tests.model_server.conftest import MODELS
from tests.model_server.processes import OPEN, running_process

PULL = """
import asyncio, json, os, sys, tempfile
from rasa.core.agent import _pull_model_and_fingerprint as pull
from rasa.utils.endpoints import EndpointConfig

async def twice(url, first):
    endpoint = EndpointConfig(url, token="token-of-rasa")
    with tempfile.TemporaryDirectory() as directory:
        fingerprint = await pull(endpoint, first, directory)
        found = sorted(os.listdir(directory))
    with tempfile.TemporaryDirectory() as directory:
        again = await pull(endpoint, fingerprint, directory)
        print(json.dumps({"fingerprint": fingerprint, "found": found, "again": again, "more": os.listdir(directory)}))

for url in sys.argv[2:]:
    asyncio.run(twice(url, sys.argv[1]))
"""
"""What a Rasa server does when it starts, and at its next interval (rasa/core/agent.py), for each URL."""

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
class Pulls:
    """What one release pulled from a server that sends models, and from one that redirects to the bucket."""

    release: str
    etag: str
    """As the server that sends models tells it."""
    bucket: BucketOfTeam
    sent: Pulled
    redirected: Pulled


@contextmanager
def serving(bucket: BucketOfTeam, s3: S3, log: Path, *options: str) -> Iterator[str]:
    """Run a server that adopts the bucket, with model A tagged production, and give the URL of the tag."""
    with running_process(log, "--adopt", bucket.url, *options, OPEN, variables=s3.variables) as server:
        url = f"{server.url}{MODELS}"
        assert eventually(lambda: {model["model"] for model in listed(url)} == set(bucket.etags))
        httpx.put(f"{url}/{NAMES['a']}/tags/production").raise_for_status()
        yield f"{url}/tags/production"


def listed(url: str) -> list[dict[str, str]]:
    answer = httpx.get(url)
    return list(answer.json()) if answer.is_success else []


def pulled_by(rasa: Path, *urls: str) -> list[Pulled]:
    """What the pull function of this Rasa makes of each URL."""
    command = [str(rasa / "python"), "-I", "-c", PULL, uuid.uuid4().hex, *urls]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return [Pulled(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith('{"fingerprint"')]


@pytest.fixture(scope="module", params=RELEASES)
def pulls(request: pytest.FixtureRequest, s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Pulls:
    fixtures = {"1.10.26": "rasa_1_10", "2.8.34": "rasa_2_8", "3.6.21": "rasa_binaries"}
    rasa = Path(request.getfixturevalue(fixtures[request.param]))
    bucket, logs = bucket_of_team(s3, request.param), tmp_path_factory.mktemp("logs")
    with (
        serving(bucket, s3, logs / "sending") as sending,
        serving(bucket, s3, logs / "redirecting", "--redirect") as redirecting,
    ):
        sent, redirected = pulled_by(rasa, sending, redirecting)
        return Pulls(request.param, httpx.head(sending).headers["ETag"], bucket, sent, redirected)


def test_a_store_that_checks_signatures_takes_those_of_the_server(s3: S3, tmp_path: Path) -> None:
    bucket = bucket_of_team(s3, "3.6.21")

    with serving(bucket, s3, tmp_path / "sending") as url:
        sent = httpx.get(url)
    with serving(bucket, s3, tmp_path / "redirecting", "--redirect") as url:
        redirect = httpx.get(url)
    file = httpx.get(redirect.headers["Location"])
    forged = httpx.get(redirect.headers["Location"] + "0")

    content = (models_of(RELEASES["3.6.21"]) / f"{NAMES['a']}.tar.gz").read_bytes()
    assert (sent.status_code, sent.content) == (200, content)
    assert (redirect.status_code, file.status_code, file.content) == (307, 200, content)
    assert forged.status_code == 403


@pytest.mark.timeout(400)
def test_each_release_of_rasa_pulls_a_model_once_by_its_name_and_hash(pulls: Pulls) -> None:
    sent = pulls.sent

    assert set(FILES[pulls.release]) <= set(sent.found)
    assert (sent.fingerprint, sent.again, sent.more) == (pulls.etag, None, [])


@pytest.mark.timeout(400)
def test_each_release_of_rasa_follows_a_redirect_and_keeps_the_etag_of_the_bucket(pulls: Pulls) -> None:
    redirected = pulls.redirected

    # The header with the name does not come with a file from a bucket: Rasa 3 then has a name of its own.
    named = ["model.tar.gz"] if pulls.release == "3.6.21" else FILES[pulls.release]
    assert set(named) <= set(redirected.found)
    assert redirected.fingerprint == pulls.bucket.etags[NAMES["a"]]
    assert (redirected.again, redirected.more) == (None, [])
