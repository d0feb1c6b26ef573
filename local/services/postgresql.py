"""PostgreSQL for tests, over TCP only. It refuses to run as root, so root runs it as `nobody`."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from local.addresses import free_ports
from local.processes import Child, ProcessFailedError
from local.progress import Progress, silent, ticking
from local.services.programs import POSTGRESQL, SYSTEM, Programs, find_programs
from local.services.state import State, temporary_state
from local.services.tls import Tls, TlsFiles, write_certificates

READY_SECONDS = 30.0

STOP_SECONDS = 10.0

USERNAME = "rasa"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # in the data directory, so that nothing stays in /dev/shm after a kill
    "fsync": "off",
    "jit": "off",
    "shared_buffers": "16MB",
    "autovacuum": "off",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
}
"""https://www.postgresql.org/docs/15/runtime-config.html"""


BY_TLS_ALONE = """local all all reject
hostssl all all 127.0.0.1/32 scram-sha-256{client_certificate}
"""
"""https://www.postgresql.org/docs/15/auth-pg-hba-conf.html: what it does not list is rejected, such as plain text."""

CLIENT_CERTIFICATE = " clientcert=verify-ca"


NOBODY = "nobody"

RUN_AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@dataclass(frozen=True)
class PostgreSql:
    """A running server on 127.0.0.1, and its superuser."""

    port: int
    username: str
    password: str = field(repr=False)
    log: Path
    tls: TlsFiles | None = None
    """Set if the server accepts TLS only."""

    def connect(self, database: str = "postgres", **parameters: str) -> psycopg.Connection[TupleRow]:
        """Return an authenticated connection, in autocommit mode; close it, or use it as a context manager.

        `parameters` override those that TLS requires, for example sslmode.
        """
        if self.tls is not None:
            parameters = {
                "sslmode": "verify-full",
                "sslrootcert": str(self.tls.authority),
                "sslcert": str(self.tls.client_certificate),
                "sslkey": str(self.tls.client_key),
                **parameters,
            }
        known = {"host": "127.0.0.1", "user": self.username, "password": self.password, "dbname": database}
        return psycopg.connect(make_conninfo("", port=self.port, **known, **parameters), autocommit=True)

    def databases(self) -> set[str]:
        """Return the names of its databases, except for the initial ones."""
        with self.connect() as connection:
            names = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        return names - {"postgres", "template0", "template1"}


@contextmanager
def running_postgresql(
    progress: Progress = silent, system: Path = SYSTEM, tls: Tls | None = None
) -> Iterator[PostgreSql]:
    """Start a server with a password of its own, which ends with the block, or with this process.

    With `tls` it rejects plain text. `system` is where installed programs are looked for. Raises
    ServiceUnavailableError, or ProcessFailedError with the tail of the log.
    """
    programs = find_programs(POSTGRESQL, progress, system)
    with temporary_state("postgresql") as state:
        run_as: list[str] = []
        if os.geteuid() == 0:
            programs, run_as = _open_to_nobody(state, programs), RUN_AS_NOBODY
        files = None if tls is None else write_certificates(state, tls, NOBODY if run_as else None)
        server = PostgreSql(free_ports(1)[0], USERNAME, secrets.token_hex(16), state.log, files)
        with ticking(progress, "starting PostgreSQL", "started PostgreSQL"):
            data = _make_data(state, programs, run_as, server)
            if tls is not None:
                certificate = CLIENT_CERTIFICATE if tls.wants_client_certificate else ""
                (data / "pg_hba.conf").write_text(BY_TLS_ALONE.format(client_certificate=certificate))
            settings = {**SETTINGS, **_tls_settings(files), "port": server.port}
            flags = [f"--{name}={value}" for name, value in settings.items()]
            program: list[str | Path] = [*run_as, programs.newest(POSTGRESQL.file)]
            child = Child(
                "postgres",
                [*program, "-D", data, *flags],
                state.log,
                state.leash,
                programs.environment(),
                state.directory,
            )
            try:
                child.wait_until(lambda: _answers(server), READY_SECONDS, f"answering on port {server.port}")
            except BaseException:
                child.stop()
                raise
        try:
            yield server
        finally:
            _stop(child)


def _tls_settings(files: TlsFiles | None) -> dict[str, str]:
    """Return the settings for TLS (https://www.postgresql.org/docs/15/ssl-tcp.html)."""
    if files is None:
        return {}
    return {
        "ssl": "on",
        "ssl_ca_file": str(files.authority),
        "ssl_cert_file": str(files.certificate),
        "ssl_key_file": str(files.key),
    }


def _stop(child: Child) -> None:
    """Request PostgreSQL's "fast shutdown", which does not wait for clients as the one by SIGTERM does."""
    if child.running:
        os.kill(child.pid, signal.SIGINT)
    child.stop(STOP_SECONDS)


def _open_to_nobody(state: State, programs: Programs) -> Programs:
    """Give the directory to `nobody`, and a copy of the programs, unless they are the machine's own.

    The cache is usually in root's home, which is closed to others.
    """
    nobody = pwd.getpwnam(NOBODY)
    os.chown(state.directory, nobody.pw_uid, nobody.pw_gid)
    if programs.root == SYSTEM:
        return programs
    unused = shutil.ignore_patterns("erlang", "rabbitmq", "doc", "man", "locale", "bitcode")
    return Programs(shutil.copytree(programs.root, state.directory / "programs", symlinks=True, ignore=unused))


def _make_data(state: State, programs: Programs, run_as: list[str], server: PostgreSql) -> Path:
    """Create the data directory, with the superuser in it."""
    data = state.directory / "data"
    password = state.write("password", server.password)
    if run_as:
        shutil.chown(password, NOBODY)
    initdb = programs.newest(POSTGRESQL.file).with_name("initdb")
    command: list[str | Path] = [*run_as, initdb, "-D", data, "--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8"]
    command += ["--username", server.username, "--pwfile", password, "--auth", "scram-sha-256"]
    result = subprocess.run(
        command, env=programs.environment(), cwd=state.directory, capture_output=True, text=True, check=False
    )
    password.unlink()
    if result.returncode != 0:
        raise ProcessFailedError(f"initdb failed:\n{(result.stdout + result.stderr).strip()}")
    return data


def _answers(server: PostgreSql) -> bool:
    try:
        with server.connect() as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
