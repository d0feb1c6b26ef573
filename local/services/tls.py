"""The certificates of a service that is reached by TLS alone, as files for its programs and for those who connect."""

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
        """What a Secret for `certSecretRef` holds: the authority, and where `client` is set the client's pair."""
        files = {"ca.crt": self.authority}
        if client:
            files |= {"tls.crt": self.client_certificate, "tls.key": self.client_key}
        return {key: path.read_text() for key, path in files.items()}

    def context(self, *, client: bool = True) -> ssl.SSLContext:
        """For a client that trusts this authority alone, and where `client` is set shows the client's certificate."""
        context = ssl.create_default_context(cafile=self.authority)
        if client:
            context.load_cert_chain(self.client_certificate, self.client_key)
        return context


@dataclass(frozen=True)
class Tls:
    """How a service is to be reached by TLS."""

    wants_client_certificate: bool = False
    server_names: tuple[str, ...] = field(default=("localhost",))
    """DNS names in the server's certificate, which holds the address 127.0.0.1 besides."""


def write_certificates(state: State, tls: Tls, owner: str | None = None) -> TlsFiles:
    """Makes an authority with both pairs in the directory of the service; `owner`: who runs the service."""
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
