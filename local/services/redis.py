"""Redis for tests, in memory only."""

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
from local.services.tls import Tls, TlsFiles, write_certificates

READY_SECONDS = 30.0

CONFIGURATION = """bind 127.0.0.1
{listeners}
{users}
save ""
appendonly no
dir {directory}
slowlog-log-slower-than 0
slowlog-max-len 10000
"""
"""https://redis.io/docs/latest/operate/oss_and_stack/management/config/"""

BY_TLS_ALONE = """port 0
tls-port {port}
tls-ca-cert-file {authority}
tls-cert-file {certificate}
tls-key-file {key}
tls-auth-clients {wants_client_certificate}"""
"""https://redis.io/docs/latest/operate/oss_and_stack/management/security/encryption/"""

ONE_USER_ALONE = """user default off
user {username} on >{password} ~* &* +@all"""
"""https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/"""


@dataclass(frozen=True)
class Command:
    """A command of a client: the client's address with its port, and the words."""

    client: str
    words: list[str]


class RedisRefusedError(RuntimeError):
    """The server rejected a command; the message has the output of redis-cli."""


@dataclass(frozen=True)
class Redis:
    """A running server on 127.0.0.1 with a single user: the default one, or `username`."""

    port: int
    password: str = field(repr=False)
    log: Path
    programs: Programs
    username: str | None = None
    tls: TlsFiles | None = None
    """Set if the server accepts TLS only."""

    def run(self, *command: str) -> list[str]:
        """Return the server's answer, for example to ("KEYS", "*"): a line for each element.

        Raises RedisRefusedError.
        """
        client = self.programs.newest(REDIS.file).with_name("redis-cli")
        arguments: list[str | Path] = [client, "-e", "-h", "127.0.0.1", "-p", str(self.port)]
        if self.username is not None:
            arguments += ["--user", self.username]
        if self.tls is not None:
            arguments += ["--tls", "--cacert", self.tls.authority]
            arguments += ["--cert", self.tls.client_certificate, "--key", self.tls.client_key]
        arguments += command
        variables = {**self.programs.environment(), "REDISCLI_AUTH": self.password}
        result: subprocess.CompletedProcess[str] = subprocess.run(
            arguments, env=variables, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise RedisRefusedError(f"redis-cli {command[0]}: {(result.stderr + result.stdout).strip()}")
        return result.stdout.splitlines()

    def commands(self) -> list[Command]:
        """Return the last 10000 commands of all clients, the oldest first.

        They come from the slow log, which counts each command as slow here (https://redis.io/commands/slowlog-get):
        words beyond 128 bytes are truncated, and the password is omitted.
        """
        entries = json.loads("".join(self.run("--json", "SLOWLOG", "GET", "-1")))
        return [Command(client, words) for _, _, _, words, client, *_ in reversed(entries)]


@contextmanager
def running_redis(
    progress: Progress = silent, system: Path = SYSTEM, tls: Tls | None = None, username: str | None = None
) -> Iterator[Redis]:
    """Start a server with a password of its own, which ends with the block, or with this process.

    With `tls` it rejects plain text, with `username` its default user. `system` is where installed programs are looked
    for. Raises ServiceUnavailableError, or ProcessFailedError with the tail of the log.
    """
    programs = find_programs(REDIS, progress, system)
    with temporary_state("redis") as state:
        files = None if tls is None else write_certificates(state, tls)
        server = Redis(free_ports(1)[0], secrets.token_hex(16), state.log, programs, username, files)
        text = CONFIGURATION.format(listeners=_listeners(server, tls), users=_users(server), directory=state.directory)
        command = [programs.newest(REDIS.file), state.write("redis.conf", text)]
        child = Child("redis-server", command, state.log, state.leash, programs.environment())
        try:
            with ticking(progress, "starting redis-server", "started redis-server"):
                child.wait_until(lambda: _answers(server), READY_SECONDS, f"answering on port {server.port}")
            yield server
        finally:
            child.stop()


def _listeners(server: Redis, tls: Tls | None) -> str:
    if tls is None or server.tls is None:
        return f"port {server.port}"
    return BY_TLS_ALONE.format(
        port=server.port,
        authority=server.tls.authority,
        certificate=server.tls.certificate,
        key=server.tls.key,
        wants_client_certificate="yes" if tls.wants_client_certificate else "optional",
    )


def _users(server: Redis) -> str:
    if server.username is None:
        return f"requirepass {server.password}"
    return ONE_USER_ALONE.format(username=server.username, password=server.password)


def _answers(server: Redis) -> bool:
    try:
        return server.run("PING") == ["PONG"]
    except RedisRefusedError:
        return False
