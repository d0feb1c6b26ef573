"""Certificates of connections: copied into the environment's own Secret, updated, and reported if missing."""

from __future__ import annotations

import base64

from local.node.certificates import Authority
from rasa_environments.api.base import JsonObject
from tests.integration.manifests import environment, secret
from tests.integration.space import Space

CERTIFICATES = "certificates"
TLS: JsonObject = {"mode": "Required", "certSecretRef": {"name": CERTIFICATES}}
DATABASE: JsonObject = {"trackerStore": {"sql": {"host": "db", "tls": TLS}}}
DIGEST = "rasa-environments.io/config-digest"


def certificates(authority: Authority) -> JsonObject:
    """The Secret that a person makes."""
    pair = authority.client("rasa", "clients")
    return secret(CERTIFICATES, **{"ca.crt": authority.certificate, "tls.crt": pair.certificate, "tls.key": pair.key})


def own_files(space: Space) -> dict[str, str]:
    """The files in the environment's own Secret."""
    data = space.child("Secret")["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items() if "." in key}


def digest(space: Space) -> str:
    """Return the digest that rolls the pods when it changes."""
    return str(space.child("Deployment")["spec"]["template"]["metadata"]["annotations"][DIGEST])


def test_pods_get_the_files_from_the_environments_own_secret_and_from_no_other(space: Space) -> None:
    wanted = certificates(Authority("ours"))
    space.apply(wanted, environment(**DATABASE))

    space.wait_until_ready()

    assert own_files(space) == {f"tracker-store-{key}": text for key, text in wanted["stringData"].items()}
    volumes = space.child("Deployment")["spec"]["template"]["spec"]["volumes"]
    assert {volume["secret"]["secretName"] for volume in volumes if "secret" in volume} == {"production-rasa"}


def test_a_changed_certificate_rolls_the_pods(space: Space) -> None:
    space.apply(certificates(Authority("before")), environment(**DATABASE))
    space.wait_until_ready()
    before = digest(space)
    after = certificates(Authority("after"))

    space.apply(after)

    space.eventually(lambda: digest(space) != before, "other pods")
    assert own_files(space) == {f"tracker-store-{key}": text for key, text in after["stringData"].items()}


def test_what_is_missing_or_no_pem_is_reported_and_recovers_once_it_exists(space: Space) -> None:
    place = "spec.trackerStore.sql.tls.certSecretRef"
    space.apply(environment(**DATABASE))
    space.wait_until_not_ready(
        "SecretNotFound",
        f"{place}: Secret {space.namespace}/{CERTIFICATES} not found: create it with ca.crt, or tls.crt and "
        "tls.key, or all three",
    )

    space.apply(secret(CERTIFICATES, authority="-"))
    space.wait_until_not_ready(
        "SecretKeyNotFound",
        f"{place}: key ca.crt of Secret {space.namespace}/{CERTIFICATES} is empty or missing (it holds authority): "
        "add ca.crt, or tls.crt and tls.key, or all three",
    )

    space.apply(secret(CERTIFICATES, **{"ca.crt": "not a certificate"}))
    space.wait_until_not_ready(
        "InvalidSpec",
        f"{place}: key ca.crt of Secret {space.namespace}/{CERTIFICATES} holds no CA certificate in PEM: add one",
    )

    space.apply(certificates(Authority("ours")))
    space.wait_until_ready()


def test_a_connection_that_is_no_longer_by_tls_leaves_no_file_behind(space: Space) -> None:
    space.apply(certificates(Authority("ours")), environment(**DATABASE))
    space.wait_until_ready()

    space.apply(environment(trackerStore={"sql": {"host": "db"}}))

    def volumes() -> list[str]:
        return [volume["name"] for volume in space.child("Deployment")["spec"]["template"]["spec"]["volumes"]]

    space.eventually(lambda: "tls" not in volumes(), "pods without the files")
    assert not own_files(space)
