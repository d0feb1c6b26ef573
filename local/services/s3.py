"""An S3 store for tests: Versity's gateway over a directory, which checks every signature."""

import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local.addresses import free_ports
from local.binaries import VERSITYGW, find_or_build_program
from local.processes import Child
from local.progress import Progress, silent
from local.services.state import temporary_state

READY_SECONDS = 30.0
_KEY = "key-of-tests"


@dataclass(frozen=True)
class S3:
    """A running store on 127.0.0.1. Each folder of `directory` is a bucket."""

    port: int
    secret: str = field(repr=False)
    directory: Path

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables that clients take the address and the credentials from."""
        return {
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
        }


@contextmanager
def running_s3(progress: Progress = silent) -> Iterator[S3]:
    """Start a store with a secret of its own, which ends with the block, or with this process.

    Raises BinariesUnavailableError, or ProcessFailedError with the tail of the log.
    """
    program = find_or_build_program(VERSITYGW, progress)
    with temporary_state("s3") as state:
        store = S3(free_ports(1)[0], secrets.token_hex(16), state.directory / "buckets")
        metadata = state.directory / "metadata"
        for directory in (store.directory, metadata):
            directory.mkdir()
        # ETags go to files of their own: not every file system has attributes for them.
        command: list[str | Path] = [program, "--port", f"127.0.0.1:{store.port}"]
        command += ["posix", "--sidecar", metadata, store.directory]
        credentials = {"ROOT_ACCESS_KEY_ID": _KEY, "ROOT_SECRET_ACCESS_KEY": store.secret}
        child = Child("versitygw", command, state.log, state.leash, credentials)
        try:
            child.wait_until(lambda: _listens(store), READY_SECONDS, f"listening on port {store.port}")
            yield store
        finally:
            child.stop()


def _listens(store: S3) -> bool:
    try:
        socket.create_connection(("127.0.0.1", store.port), timeout=5).close()
    except OSError:
        return False
    return True
