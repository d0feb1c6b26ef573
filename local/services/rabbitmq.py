"""RabbitMQ for tests: a single isolated node, without the usual daemon beside it."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pika

from local.addresses import free_ports
from local.processes import Child
from local.progress import Progress, silent, ticking
from local.services.programs import RABBITMQ, SYSTEM, Programs, find_programs
from local.services.state import State, temporary_state
from local.services.tls import Tls, TlsFiles, write_certificates

READY_SECONDS = 90.0

USERNAME = "rasa"

NODE = "rabbit@localhost"

CONFIGURATION = """{listeners}
default_user = {username}
default_pass = {password}
log.console = true
log.file = false
"""
"""https://www.rabbitmq.com/docs/configure#config-items"""

PLAIN = "listeners.tcp.1 = 127.0.0.1:{port}"

BY_TLS_ALONE = """listeners.tcp = none
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {authority}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = {wants_client_certificate}"""
"""https://www.rabbitmq.com/docs/ssl"""


@dataclass(frozen=True)
class RabbitMq:
    """A running broker on 127.0.0.1, and the administrator of its virtual host "/"."""

    port: int
    username: str
    password: str = field(repr=False)
    log: Path
    tls: TlsFiles | None = None
    """Set if the broker accepts TLS only."""

    def connect(self, *, client: bool = True) -> pika.BlockingConnection:
        """Return an authenticated connection, to be closed by the caller; `client`.

        Whether to present a certificate.
        """
        credentials = pika.PlainCredentials(self.username, self.password)
        options = None if self.tls is None else pika.SSLOptions(self.tls.context(client=client), "localhost")
        return pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", self.port, credentials=credentials, ssl_options=options)
        )


@contextmanager
def running_rabbitmq(
    progress: Progress = silent, system: Path = SYSTEM, tls: Tls | None = None, password: str | None = None
) -> Iterator[RabbitMq]:
    """Start a broker with this password or a random one, which ends with the block, or with this process.

    With `tls` it rejects plain text. `system` is where installed programs are looked for. Raises
    ServiceUnavailableError, or ProcessFailedError with the tail of the log.
    """
    programs = find_programs(RABBITMQ, progress, system)
    port, distribution_port = free_ports(2)
    with temporary_state("rabbitmq") as state:
        files = None if tls is None else write_certificates(state, tls)
        broker = RabbitMq(port, USERNAME, password or secrets.token_hex(16), state.log, files)
        child = Child(
            "rabbitmq-server",
            [_erlang(programs) / "erlexec", *_flags(programs, distribution_port)],
            state.log,
            state.leash,
            environment=programs.environment() | _variables(programs, state, broker, tls),
            directory=state.directory,
        )
        try:
            with ticking(progress, "starting rabbitmq-server", "started rabbitmq-server"):
                child.wait_until(lambda: _speaks_amqp(broker), READY_SECONDS, f"speaking AMQP on port {port}")
            yield broker
        finally:
            child.stop()


def _erlang(programs: Programs) -> Path:
    return programs.newest("usr/lib/erlang/erts-*/bin")


def _flags(programs: Programs, distribution_port: int) -> list[str]:
    """Return the flags that RabbitMQ's script `rabbitmq-server` passes to Erlang, with few threads and without epmd.

    With -erl_epmd_port, a node is not registered (https://www.erlang.org/doc/apps/kernel/kernel_app.html).
    """
    return [
        *("-noinput", "-s", "rabbit", "boot", "-boot", str(programs.newest("usr/lib/erlang/bin/start_sasl.boot"))[:-5]),
        *("-sname", NODE, "-start_epmd", "false", "-erl_epmd_port", str(distribution_port)),
        *("-kernel", "inet_dist_use_interface", "{127,0,0,1}", "-kernel", "prevent_overlapping_partitions", "false"),
        *("-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false"),
        *("+W", "w", "+S", "1:1", "+SDio", "2", "+sbwt", "none"),
    ]


def _listeners(broker: RabbitMq, tls: Tls | None) -> str:
    if tls is None or broker.tls is None:
        return PLAIN.format(port=broker.port)
    return BY_TLS_ALONE.format(
        port=broker.port,
        authority=broker.tls.authority,
        certificate=broker.tls.certificate,
        key=broker.tls.key,
        wants_client_certificate=str(tls.wants_client_certificate).lower(),
    )


def _variables(programs: Programs, state: State, broker: RabbitMq, tls: Tls | None) -> dict[str, str]:
    """Return the variables set by the scripts `erl` and `rabbitmq-env`, without files of the machine's RabbitMQ."""
    home = programs.newest(RABBITMQ.file).parent.parent
    text = CONFIGURATION.format(listeners=_listeners(broker, tls), username=broker.username, password=broker.password)
    return {
        "ROOTDIR": str(programs.root / "usr/lib/erlang"),
        "BINDIR": str(_erlang(programs)),
        "EMU": "beam",
        "PROGNAME": "erl",
        "HOME": str(state.directory),
        "ERL_LIBS": str(home / "plugins"),
        "SYS_PREFIX": str(state.directory),
        "RABBITMQ_HOME": str(home),
        "RABBITMQ_PLUGINS_DIR": str(home / "plugins"),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_MNESIA_BASE": str(state.directory / "data"),
        "RABBITMQ_LOG_BASE": str(state.directory),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONF_ENV_FILE": str(state.directory / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(state.write("rabbitmq.conf", text)),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(state.write("advanced.config", "[].")),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(state.write("enabled_plugins", "[].")),
    }


def _speaks_amqp(broker: RabbitMq) -> bool:
    """Return whether the broker answers the protocol header with Connection.Start, frame type 1 (AMQP 0-9-1, 4.2)."""
    try:
        with ExitStack() as opened:
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", broker.port), timeout=5))
            if broker.tls is not None:
                wrapped = broker.tls.context().wrap_socket(connection, server_hostname="localhost")
                connection = opened.enter_context(wrapped)
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"
    except OSError:
        return False
