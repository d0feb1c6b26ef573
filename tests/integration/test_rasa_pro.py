"""Environments of Rasa Pro, with a server in the pod's place that answers as the source of its releases says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.integration.events import wait_for_event
from tests.integration.manifests import environment, model_tag, secret, secret_value
from tests.integration.model_server_process import MODEL_A
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_served import is_replaced, pod_name

LICENSE = "rasa-license"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
PRO = environment(profile="RasaPro", rasa={"version": "3.13.25", "license": secret_value(LICENSE, "license")})


def in_days(days: int) -> datetime:
    """The time in so many days, to the second."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


def wait_for_license(space: Space, **wanted: str) -> None:
    """Wait until LicenseValid is as wanted."""
    space.wait_for_condition(ENVIRONMENT, "production", "LicenseValid", **wanted)


def test_nothing_is_created_before_there_is_a_licence(tag_space: Space) -> None:
    tag_space.apply(PRO)

    wait_for_license(tag_space, status="False", reason="SecretNotFound")
    assert tag_space.find_child("Deployment") is None

    tag_space.apply(secret(LICENSE, other="x"))
    wait_for_license(tag_space, status="False", reason="SecretKeyNotFound")
    assert tag_space.find_child("Deployment") is None

    tag_space.apply(secret(LICENSE, license="a-licence-41d8"))
    wait_for_license(tag_space, status="Unknown")
    (container,) = tag_space.child("Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "rasa/rasa-pro:3.13.25"
    assert not any("TOKEN" in argument or "jwt" in argument for argument in container["args"])


def test_what_the_server_says_of_its_licence_is_told_until_a_new_one_is_there(tag_space: Space) -> None:
    tag_space.apply(secret(LICENSE, license="a-licence-41d8"), PRO, model_tag(model=MODEL_A))
    soon, late = in_days(10), in_days(400)

    with scripted_rasa(tag_space) as rasa:
        rasa.model, rasa.license_expires = MODEL_A, soon.isoformat()
        wait_for_license(tag_space, status="True", reason="LicenseExpiring")
        assert tag_space.status(ENVIRONMENT, "production")["licenseExpiryTime"] == soon.strftime(FORMAT)
        wait_for_event(tag_space, ENVIRONMENT, "production", "LicenseExpiring")
        tag_space.wait_until_ready()
        pod = pod_name(tag_space)

        tag_space.apply(secret(LICENSE, license="a-licence-e29b"))

        tag_space.eventually(lambda: is_replaced(tag_space, pod), "the pod to be replaced")
    with scripted_rasa(tag_space) as rasa:
        rasa.model, rasa.license_expires = MODEL_A, late.isoformat()
        wait_for_license(tag_space, status="True", reason="Licensed")
        assert tag_space.status(ENVIRONMENT, "production")["licenseExpiryTime"] == late.strftime(FORMAT)


def test_an_expired_licence_is_what_a_person_has_to_put_right(tag_space: Space) -> None:
    tag_space.apply(secret(LICENSE, license="a-licence-41d8"), PRO, model_tag(model=MODEL_A))

    with scripted_rasa(tag_space) as rasa:
        rasa.model, rasa.license_expires = MODEL_A, in_days(-1).isoformat()
        wait_for_license(tag_space, status="False", reason="LicenseExpired")

        for condition, status in (("Ready", "False"), ("Stalled", "True")):
            tag_space.wait_for_condition(ENVIRONMENT, "production", condition, status=status, reason="LicenseExpired")
        wait_for_event(tag_space, ENVIRONMENT, "production", "LicenseExpired")
