"""The client of a ModelServer trusts only the CAs that the ModelServer refers to."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.node.certificates import Authority
from rasa_environments.api.base import ObjectKey, SecretData
from rasa_environments.api.conditions import Reason
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.secret_references import SecretReferences
from rasa_environments.domain.facts import Problem
from rasa_environments.rasa.connecting import Connector
from rasa_environments.rasa.errors import UnreachableError
from rasa_environments.rasa.transport import http_client
from rasa_environments.reconcile.clients import Clients
from rasa_environments.reconcile.ports import Connection
from rasa_environments.reconcile.secrets import ReferencedSecrets
from tests.outbound_http.raw_server import answer, listening, saying
from tests.reconcile.objects import server

SECRET = ObjectKey("bots", "authority")
TLS = {"mode": "Required", "certSecretRef": {"name": "authority"}}
Contents = dict[ObjectKey, Mapping[str, bytes]]


@asynccontextmanager
async def clients(contents: Contents, references: SecretReferences | None = None) -> AsyncIterator[Clients]:
    """Clients where these Secrets are there."""

    async def read(name: ObjectKey) -> SecretData | None:
        return contents.get(name)

    async with http_client(timeout=2.0) as http:
        connector = Connector(http, lambda trusted: http_client(timeout=2.0, authorities=trusted))
        found = Clients(ReferencedSecrets(read, references or SecretReferences()), connector.open)
        yield found
        await found.close()


@asynccontextmanager
async def model_server(authority: Authority, folder: Path) -> AsyncIterator[str]:
    """The URL of a model server that shows a certificate of the CA."""
    pair = authority.server("models", ["localhost"], ["127.0.0.1"])
    (folder / "crt").write_text(pair.certificate)
    (folder / "key").write_text(pair.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "crt", folder / "key")
    async with listening(saying(answer(b"[]")), context) as port:
        yield f"https://127.0.0.1:{port}"


async def client(found: Clients, url: str, **spec: Any) -> Connection:
    """The client of a ModelServer with that URL."""
    connected = await found.connect(server(url=url, **spec))
    assert not isinstance(connected, Problem)
    return connected


def secret(authority: Authority) -> Contents:
    """Return the Secret with a CA certificate."""
    return {SECRET: {"ca.crt": authority.certificate.encode()}}


async def test_a_server_is_trusted_by_the_authority_in_the_secret(tmp_path: Path) -> None:
    authority = Authority("ours")

    async with model_server(authority, tmp_path) as url, clients(secret(authority)) as found:
        assert await (await client(found, url, tls=TLS)).models() == ()


@pytest.mark.parametrize("tls", [None, TLS])
async def test_a_server_of_another_authority_is_not_trusted(tmp_path: Path, tls: dict[str, Any] | None) -> None:
    async with model_server(Authority("theirs"), tmp_path) as url, clients(secret(Authority("ours"))) as found:
        asked = await client(found, url, **({} if tls is None else {"tls": tls}))

        with pytest.raises(UnreachableError) as caught:
            await asked.models()

    assert "its certificate is not trusted" in (caught.value.detail or "")


async def test_a_changed_authority_makes_a_new_client(tmp_path: Path) -> None:
    before, after = Authority("before"), Authority("after")
    contents = secret(before)

    async with model_server(after, tmp_path) as url, clients(contents) as found:
        of = server(url=url, tls=TLS)
        await found.connect(of)
        assert found.changed(of.metadata.key)
        contents |= secret(after)

        assert await (await client(found, url, tls=TLS)).models() == ()
        assert found.changed(of.metadata.key)


async def test_a_client_is_kept_as_long_as_nothing_changes() -> None:
    async with clients(secret(Authority("ours"))) as found:
        assert await client(found, "https://models", tls=TLS) is await client(found, "https://models", tls=TLS)


async def test_a_change_of_the_secret_queues_the_server() -> None:
    references = SecretReferences()

    async with clients(secret(Authority("ours")), references) as found:
        await client(found, "https://models", tls=TLS)

    assert references.users(SECRET) == (Request(Kind.MODEL_SERVER, ObjectKey("bots", "default")),)


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ({}, Reason.SECRET_NOT_FOUND),
        ({SECRET: {"tls.crt": b"-"}}, Reason.SECRET_KEY_NOT_FOUND),
        ({SECRET: {"ca.crt": b"no certificate"}}, Reason.INVALID_SPEC),
    ],
)
async def test_without_usable_authorities_there_is_no_client(contents: Contents, reason: Reason) -> None:
    async with clients(contents) as found:
        problem = await found.connect(server(url="https://models", tls=TLS))

    assert isinstance(problem, Problem)
    assert problem.reason is reason
    assert problem.message.startswith("ModelServer bots/default: spec.tls.certSecretRef: ")


@pytest.mark.parametrize(("url", "mode"), [("http://models", "Required"), ("https://models", "Disabled")])
async def test_tls_that_contradicts_the_address_is_refused(url: str, mode: str) -> None:
    async with clients({}) as found:
        problem = await found.connect(server(url=url, tls={"mode": mode}))

    assert isinstance(problem, Problem)
    assert problem.reason is Reason.INVALID_SPEC
    assert f"spec.tls.mode {mode} contradicts spec.url {url}" in problem.message
