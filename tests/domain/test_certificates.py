"""Certificates of connections: read from users' Secrets, and refused with place and remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from local.node.certificates import Authority
from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.errors import SecretElsewhereError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.domain.certificates import LONGEST_FILE, named_certificates
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.generated import Generated
from rasa_environments.domain.planning import plan
from rasa_environments.domain.resolving import Resolved
from rasa_environments.domain.secret_contents import SecretContents
from tests.reconcile.objects import environment, server

SECRET = ObjectKey("bots", "certificates")
PLACE = "spec.trackerStore.sql.tls.certSecretRef"
AUTHORITY = Authority("authority of a test")
PAIR = AUTHORITY.client("rasa", "clients")
CA = {"ca.crt": AUTHORITY.certificate.encode()}
CLIENT = {"tls.crt": PAIR.certificate.encode(), "tls.key": PAIR.key.encode()}


def by_tls(**more: Any) -> JsonObject:
    """A tracker store that wants certificates."""
    tls = {"mode": "Required", "certSecretRef": {"name": "certificates"}, **more}
    return {"trackerStore": {"sql": {"host": "db", "tls": tls}}}


def files_of(
    contents: Mapping[ObjectKey, Mapping[str, bytes]],
    spec: JsonObject | None = None,
    model_server: ModelServer | None = None,
) -> Mapping[str, str] | Problem:
    """What an environment gets where these Secrets are there."""
    found = model_server or server()
    of = environment("support", **(by_tls() if spec is None else spec))
    merged = merged_spec(of, found)
    resolved = Resolved(of, found, merged, (), named_certificates(of, found, merged))
    context = plan(resolved, SecretContents(contents), Generated("token", "secret", "salt"))
    return context if isinstance(context, Problem) else context.certificates


def problem_of(contents: Mapping[ObjectKey, Mapping[str, bytes]], spec: JsonObject | None = None) -> Problem:
    """Why it gets none."""
    found = files_of(contents, spec)
    assert isinstance(found, Problem)
    return found


def test_all_three_files_are_taken() -> None:
    found = files_of({SECRET: CA | CLIENT})

    assert found == {
        "tracker-store-ca.crt": AUTHORITY.certificate,
        "tracker-store-tls.crt": PAIR.certificate,
        "tracker-store-tls.key": PAIR.key,
    }


@pytest.mark.parametrize(("held", "keys"), [(CA, {"ca.crt"}), (CLIENT, {"tls.crt", "tls.key"})])
def test_the_authorities_alone_or_the_pair_alone_are_enough(held: Mapping[str, bytes], keys: set[str]) -> None:
    found = files_of({SECRET: held})

    assert not isinstance(found, Problem)
    assert set(found) == {f"tracker-store-{key}" for key in keys}


def test_an_empty_file_of_authorities_counts_as_none() -> None:
    """cert-manager writes one where the issuer does not tell its authority."""
    found = files_of({SECRET: {"ca.crt": b"", **CLIENT}})

    assert not isinstance(found, Problem)
    assert "tracker-store-ca.crt" not in found


def test_a_disabled_connection_wants_none() -> None:
    assert files_of({}, by_tls(mode="Disabled")) == {}


def test_a_missing_secret_is_reported_with_place_and_remedy() -> None:
    problem = problem_of({})

    assert problem.reason is Reason.SECRET_NOT_FOUND
    assert problem.message.startswith(f"{PLACE}: Secret bots/certificates not found: create it with ca.crt")


@pytest.mark.parametrize(
    ("held", "missing"),
    [({}, "ca.crt"), ({"tls.crt": CLIENT["tls.crt"]}, "tls.key"), ({"tls.key": CLIENT["tls.key"], **CA}, "tls.crt")],
)
def test_a_missing_key_is_reported_with_place_and_remedy(held: Mapping[str, bytes], missing: str) -> None:
    problem = problem_of({SECRET: held})

    assert problem.reason is Reason.SECRET_KEY_NOT_FOUND
    assert problem.message.startswith(f"{PLACE}: key {missing} of Secret bots/certificates is empty or missing")
    assert "add ca.crt" in problem.message


@pytest.mark.parametrize(
    ("held", "wrong"),
    [
        ({"ca.crt": b"no certificate"}, "key ca.crt .* holds no CA certificate in PEM"),
        ({"ca.crt": b"\xff\x00"}, "key ca.crt .* is not PEM"),
        ({"ca.crt": CA["ca.crt"] * 200}, f"key ca.crt .* is longer than {LONGEST_FILE} bytes"),
        ({**CLIENT, "tls.crt": b"-"}, "key tls.crt .* holds no certificate in PEM"),
        ({**CLIENT, "tls.key": b"-"}, "key tls.key .* holds no private key in PEM"),
        (
            {**CLIENT, "tls.key": b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"},
            "key tls.key .* is encrypted, but Rasa takes no passphrase",
        ),
    ],
)
def test_what_is_no_pem_is_refused_and_never_repeated(held: Mapping[str, bytes], wrong: str) -> None:
    problem = problem_of({SECRET: held})

    assert problem.reason is Reason.INVALID_SPEC
    assert not problem.stalled
    assert re.search(wrong, problem.message)
    assert "BEGIN" not in problem.message


def test_an_environment_elsewhere_gets_the_authorities_of_its_server_and_nothing_else() -> None:
    platform = server(
        namespace="platform",
        url="https://models",
        accessFrom={"namespaces": ["bots"]},
        tls={"mode": "Required", "certSecretRef": {"name": "certificates"}},
    )

    found = files_of({ObjectKey("platform", "certificates"): CA | CLIENT}, {}, platform)

    assert found == {"model-server-ca.crt": AUTHORITY.certificate}


def test_certificates_of_defaults_do_not_cross_into_another_namespace() -> None:
    platform = server(namespace="platform", accessFrom={"namespaces": ["bots"]}, defaults=by_tls())
    of = environment("support")

    with pytest.raises(
        SecretElsewhereError, match=r"spec\.defaults\.trackerStore\.sql\.tls\.certSecretRef .* platform"
    ):
        named_certificates(of, platform, merged_spec(of, platform))


def test_a_change_of_the_secret_concerns_the_environment() -> None:
    of, its_server = environment("support", **by_tls()), server()
    spec = merged_spec(of, its_server)

    resolved = Resolved(of, its_server, spec, (), named_certificates(of, its_server, spec))

    assert resolved.secrets == {SECRET}
