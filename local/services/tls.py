"""The certificates of a service that accepts TLS only, as files for its programs and its clients."""

import shutil
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.node.certificates import Authority
from local.services.state import State

CLIENT = "rasa"
"""Name of the client in its certificate."""


@dataclass(frozen=True)
class TlsFiles:
    """Paths of PEM files: the authority that signs for both sides, and the pair of each."""

    authority: Path
    certificate: Path
    key: Path
    client_certificate: Path
    client_key: Path

    def secret(self, *, client: bool = True) -> Mapping[str, str]:
        """Return the content of a Secret for `certSecretRef`: the authority and, with `client`, the client's pair."""
        files = {"ca.crt": self.authority}
        if client:
            files |= {"tls.crt": self.client_certificate, "tls.key": self.client_key}
        return {key: path.read_text() for key, path in files.items()}

    def context(self, *, client: bool = True) -> ssl.SSLContext:
        """Return a client's context that trusts only this authority and, with `client`, presents its certificate."""
        context = ssl.create_default_context(cafile=self.authority)
        if client:
            context.load_cert_chain(self.client_certificate, self.client_key)
        return context


@dataclass(frozen=True)
class Tls:
    """How a service accepts TLS."""

    wants_client_certificate: bool = False
    server_names: tuple[str, ...] = field(default=("localhost",))
    """DNS names in the server's certificate, in addition to the address 127.0.0.1."""


def write_certificates(state: State, tls: Tls, owner: str | None = None) -> TlsFiles:
    """Write an authority with both pairs to the directory of the service; `owner` runs the service."""
    authority = Authority("authority of a test")
    server = authority.server("server of a test", list(tls.server_names), ["127.0.0.1"])
    client = authority.client(CLIENT, "clients of a test")
    files = TlsFiles(
        state.write("ca.crt", authority.certificate),
        state.write("server.crt", server.certificate),
        state.write("server.key", server.key),
        state.write("client.crt", client.certificate),
        state.write("client.key", client.key),
    )
    if owner is not None:
        for path in (files.authority, files.certificate, files.key):
            shutil.chown(path, owner)
    return files
