"""The model server on one core: pull checks, downloads, uploads, and the list of many models."""

import gzip
import io
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx

from bench.measures import Measure
from bench.models import MODEL_A, SAMPLES, Models, running_models
from local.addresses import free_ports
from local.demonstration.programs import LOOPBACK
from local.processes import Child, Leash, ProcessFailedError
from local.progress import ELLIPSIS, Progress

GIGABYTE = 1_000_000_000
CONNECTIONS = 16
LOAD_SECONDS = 10.0
LISTED = 2000
TAG = "production"
NGINX = """\
user {user};
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{ access_log off; sendfile on; server {{ listen 127.0.0.1:{port}; root .; }} }}
"""


@dataclass(frozen=True)
class ModelServerFigures:
    """Rates of each round: pull checks per second, bytes per second, and the seconds that a list of models takes.

    Without nginx there are no figures of it.
    """

    checks: list[float]
    downloads: list[float]
    nginx_downloads: list[float]
    uploads: list[float]
    listings: list[float]


def model_server_figures(directory: Path, leash: Leash, rounds: int, progress: Progress) -> ModelServerFigures:
    """Measure a model server on one core, and nginx on the same core in turns. Raises ProcessFailedError."""
    with ExitStack() as stack:
        with on_one_core():
            models = stack.enter_context(running_models(directory / "models", leash))
        models.put_tag(MODEL_A, TAG)
        checks = []
        for number in range(rounds):
            checks.append(check_rate(models))
            progress(f"round {number + 1} of {rounds}: {checks[-1]:.0f} pull checks per second")
        large = large_model(directory / "20260103-120000.tar.gz")
        uploads, downloads, nginx_downloads = [], [], []
        for number in range(rounds):
            uploads.append(upload_rate(models, large, f"large-{number}"))
            progress(f"upload: {uploads[-1] / GIGABYTE:.2f} GB/s")
        for _ in range(rounds):
            downloads.append(download_rate(f"{models.url}/api/projects/default/models/large-0?token={models.token}"))
            progress(f"download: {downloads[-1] / GIGABYTE:.2f} GB/s")
            if shutil.which("nginx"):
                with nginx(directory, leash) as url:
                    nginx_downloads.append(download_rate(f"{url}/{large.name}"))
                progress(f"nginx: {nginx_downloads[-1] / GIGABYTE:.2f} GB/s")
        return ModelServerFigures(checks, downloads, nginx_downloads, uploads, listings(models, rounds, progress))


def check_rate(models: Models) -> float:
    """Answers per second to pulls of a server that has the model. Raises ProcessFailedError."""
    path = f"/api/projects/default/models/tags/{TAG}?token={models.token}"
    etag = httpx.head(f"{models.url}{path}", trust_env=False).headers["ETag"].strip('"')
    address = urlsplit(models.url)
    arguments = [LOOPBACK, str(address.port), path, etag, str(CONNECTIONS), str(LOAD_SECONDS)]
    ran = subprocess.run([sys.executable, "-m", "bench.load", *arguments], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise ProcessFailedError(f"the load ended early:\n{ran.stderr.strip()}")
    return float(ran.stdout)


def upload_rate(models: Models, file: Path, name: str) -> float:
    """Bytes per second of the upload of a file as a model of that name. Raises httpx.HTTPError."""
    named = file.with_name(f"{name}.tar.gz")
    os.link(file, named)
    began = time.monotonic()
    models.upload(named)
    return named.stat().st_size / (time.monotonic() - began)


def download_rate(url: str) -> float:
    """Bytes per second of a download by one plain socket. Raises ProcessFailedError where the answer is not 200."""
    address = urlsplit(url)
    buffer = bytearray(1 << 20)
    with socket.create_connection((address.hostname or "", address.port or 80)) as connection:
        began = time.monotonic()
        path = f"{address.path}?{address.query}"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
        received, start = 0, b""
        while size := connection.recv_into(buffer):
            start = start or bytes(buffer[: min(size, 60)])
            received += size
    if not start.startswith(b"HTTP/1.1 200"):
        raise ProcessFailedError(f"the download was answered with {start!r}")
    return received / (time.monotonic() - began)


def listings(models: Models, rounds: int, progress: Progress) -> list[float]:
    """Seconds that the list of LISTED small models takes."""
    progress(f"uploading {LISTED} small models {ELLIPSIS}")
    content = (SAMPLES / f"{MODEL_A}.tar.gz").read_bytes()
    url = f"{models.url}/api/projects/default/models"
    with httpx.Client(trust_env=False, timeout=60) as client:
        for number in range(LISTED):
            files = {"model": (f"small-{number:04}.tar.gz", content)}
            client.post(url, params={"api_token": models.api_token}, files=files).raise_for_status()
        took = []
        for _ in range(rounds):
            began = time.monotonic()
            listed = client.get(url, params={"token": models.token}).raise_for_status().json()
            took.append(time.monotonic() - began)
            progress(f"list of {len(listed)} models: {took[-1]:.2f} s")
    return took


def large_model(path: Path) -> Path:
    """Return a model file of one gigabyte: a sample with a large file that does not compress in it."""
    block = os.urandom(1_000_000)
    with gzip.open(path, "wb", compresslevel=0) as packed, tarfile.open(fileobj=packed, mode="w|") as archive:
        with tarfile.open(SAMPLES / f"{MODEL_A}.tar.gz") as sample:
            for member in sample:
                archive.addfile(member, sample.extractfile(member) if member.isfile() else None)
        added = tarfile.TarInfo("components/large")
        added.size = GIGABYTE
        archive.addfile(added, io.BufferedReader(_Repeated(block)))
    return path


class _Repeated(io.RawIOBase):
    """A file that goes on with the same block forever."""

    def __init__(self, block: bytes) -> None:
        self._block = block

    def readable(self) -> bool:
        """Return True: it is only read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill as much as the block has."""
        size = min(len(buffer), len(self._block))
        buffer[:size] = self._block[:size]
        return size


@contextmanager
def nginx(directory: Path, leash: Leash) -> Iterator[str]:
    """Serve the directory's files with sendfile, on the core of the model server; its address."""
    (port,) = free_ports(1)
    configuration = directory / "nginx.conf"
    configuration.write_text(NGINX.format(port=port, user=pwd.getpwuid(os.geteuid()).pw_name))
    with on_one_core():
        child = Child("nginx", ["nginx", "-p", directory, "-c", configuration], directory / "nginx.log", leash)
    try:
        child.wait_until(lambda: _listens(port), 10, "listening")
        yield f"http://{LOOPBACK}:{port}"
    finally:
        child.stop(patience=5)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Run what is started in the block on the first core alone."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def model_server_measures(figures: ModelServerFigures) -> list[Measure]:
    """Return the rows of the table. The ratio of the downloads is that of their rates: more is better."""
    download = median(figures.downloads) / GIGABYTE
    peer = median(figures.nginx_downloads) / GIGABYTE if figures.nginx_downloads else None
    return [
        Measure("pull checks (204) per second", "/s", median(figures.checks), must="3000 /s"),
        Measure("download of 1 GB", "GB/s", download, peer, "nginx" if peer else "", "0.4"),
        Measure("upload of 1 GB", "GB/s", median(figures.uploads) / GIGABYTE, must="0.26 GB/s"),
        Measure(f"list of {LISTED} models", "s", median(figures.listings), must="0.2 s"),
    ]
