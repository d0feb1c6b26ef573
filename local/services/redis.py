"""Redis for tests, in memory alone."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local.addresses import free_ports
from local.processes import Child
from local.progress import Progress, silent, ticking
from local.services.programs import REDIS, SYSTEM, Programs, find_programs
from local.services.state import temporary_state

READY_SECONDS = 30.0

CONFIGURATION = """bind 127.0.0.1
port {port}
requirepass {password}
save ""
appendonly no
dir {directory}
slowlog-log-slower-than 0
slowlog-max-len 10000
"""
"""https://redis.io/docs/latest/operate/oss_and_stack/management/config/"""


@dataclass(frozen=True)
class Command:
    """What a client sent: the client's address with its port, and the words."""

    client: str
    words: list[str]


class RedisRefused(RuntimeError):
    """The server did not do what it was asked; the message has the words of redis-cli."""


@dataclass(frozen=True)
class Redis:
    """A running server on 127.0.0.1, which knows the default user alone."""

    port: int
    password: str = field(repr=False)
    log: Path
    programs: Programs

    def run(self, *command: str) -> list[str]:
        """What the server answers, for example to ("KEYS", "*"): a line for each element. Raises RedisRefused."""
        client = self.programs.newest(REDIS.file).with_name("redis-cli")
        arguments: list[str | Path] = [client, "-e", "-h", "127.0.0.1", "-p", str(self.port), *command]
        variables = {**self.programs.environment(), "REDISCLI_AUTH": self.password}
        result: subprocess.CompletedProcess[str] = subprocess.run(
            arguments, env=variables, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise RedisRefused(f"redis-cli {command[0]}: {(result.stderr + result.stdout).strip()}")
        return result.stdout.splitlines()

    def commands(self) -> list[Command]:
        """The last 10000 commands of all clients, the oldest first.

        They come from the slow log, which counts each command as slow here (https://redis.io/commands/slowlog-get):
        words beyond 128 bytes are cut, and the password is left out.
        """
        entries = json.loads("".join(self.run("--json", "SLOWLOG", "GET", "-1")))
        return [Command(client, words) for _, _, _, words, client, *_ in reversed(entries)]


@contextmanager
def running_redis(progress: Progress = silent, system: Path = SYSTEM) -> Iterator[Redis]:
    """Starts a server with a password of its own; it is gone after the block, or when this process is.

    `system` is where installed programs are looked for. Raises ServiceUnavailable, or ProcessFailed with the tail of
    the log.
    """
    programs = find_programs(REDIS, progress, system)
    with temporary_state("redis") as state:
        server = Redis(free_ports(1)[0], secrets.token_hex(16), state.log, programs)
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
    try:
        return server.run("PING") == ["PONG"]
    except RedisRefused:
        return False
