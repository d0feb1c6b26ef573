"""Redis for tests, in memory alone."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local.addresses import free_ports
from local.processes import Child
from local.progress import Progress, silent, ticking
from local.services.programs import REDIS, SYSTEM, find_programs
from local.services.state import temporary_state

READY_SECONDS = 30.0

CONFIGURATION = """bind 127.0.0.1
port {port}
requirepass {password}
save ""
appendonly no
dir {directory}
"""
"""https://redis.io/docs/latest/operate/oss_and_stack/management/config/"""


@dataclass(frozen=True)
class Redis:
    """A running server on 127.0.0.1, which knows the default user alone."""

    port: int
    password: str = field(repr=False)
    log: Path

    def connect(self) -> redis.Redis:
        """A client that is let in; close it, or use it as a context manager."""
        once = Retry(NoBackoff(), 0)
        return redis.Redis("127.0.0.1", self.port, password=self.password, retry=once, decode_responses=True)


@contextmanager
def running_redis(progress: Progress = silent, system: Path = SYSTEM) -> Iterator[Redis]:
    """Starts a server with a password of its own; it is gone after the block, or when this process is.

    `system` is where installed programs are looked for. Raises ServiceUnavailable, or ProcessFailed with the tail of
    the log.
    """
    programs = find_programs(REDIS, progress, system)
    with temporary_state("redis") as state:
        server = Redis(free_ports(1)[0], secrets.token_hex(16), state.log)
        text = CONFIGURATION.format(port=server.port, password=server.password, directory=state.directory)
        command = [programs.newest(REDIS.file), state.write("redis.conf", text)]
        child = Child("redis-server", command, state.log, state.leash, programs.environment())
        try:
            with ticking(progress, "starting redis-server", "started redis-server"):
                child.wait_until(lambda: _answers(server), READY_SECONDS, f"answering on port {server.port}")
            yield server
        finally:
            child.stop()


def _answers(server: Redis) -> bool:
    with server.connect() as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
