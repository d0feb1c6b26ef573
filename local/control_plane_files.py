"""The files that a control plane reads: pure functions from facts to text."""

import base64
import secrets

import yaml

ADMINISTRATOR = "admin"

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages:
- RequestReceived
rules:
- level: Metadata
"""
"""Block YAML on purpose: the API server takes a file that starts with a brace for JSON."""


def tokens(token: str) -> str:
    """Return the static token file, with one administrator (kubernetes.io, Authenticating, "Static token file")."""
    return f'{token},{ADMINISTRATOR},{ADMINISTRATOR},"system:masters"\n'


def kubeconfig(server: str, certificate_authority: bytes, token: str) -> str:
    """Return an administrator's kubeconfig that needs no other file."""
    authority = base64.b64encode(certificate_authority).decode()
    name = "rasa-environments"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": ADMINISTRATOR, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": ADMINISTRATOR}}],
            "current-context": name,
        },
        sort_keys=False,
    )


def new_signing_key() -> str:
    """Return a new P-256 private key in PEM, for signing the tokens of service accounts.

    An ECPrivateKey of RFC 5915 without its optional public key is a fixed frame around the secret number of 32 bytes,
    which must be below the order of the curve: 255 random bits always are.
    """
    number = (secrets.randbits(255) | 1).to_bytes(32, "big")
    frame = bytes.fromhex("30310201010420") + number + bytes.fromhex("a00a06082a8648ce3d030107")
    return f"-----BEGIN EC PRIVATE KEY-----\n{base64.b64encode(frame).decode()}\n-----END EC PRIVATE KEY-----\n"


def node(name: str) -> dict[str, object]:
    """Return a node for kwok to simulate."""
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
