"""Rules of each profile: which Rasa it runs, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_server import DEFAULT_REGISTRATIONS, Profile, Registration
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.profiles import PROFILES
from tests.desired.contexts import URL, children_by_kind, context
from tests.desired.pages import JWT, container, files, plain_variables
from tests.reconcile.objects import server as model_server

RUNS = {
    "RasaX-0.2": ("1.10.26",),
    "RasaX-0.32": ("1.10.26",),
    "RasaEnterprise-1.0": ("2.8.34", "3.6.21"),
    "OpenSource": ("2.8.34", "3.6.21"),
    "RasaPro": ("3.21.0", "3.13.25", "3.11.20"),
}
IMAGES = dict.fromkeys(RUNS, "rasa/rasa:{version}-full") | {"RasaPro": "rasa/rasa-pro:{version}"}
VERSIONS = ("0.15.1", "1.10.26", "2.8.34", "4.0.0")
REGISTRATIONS = {
    "RasaX-0.2": "File",
    "RasaX-0.32": "File",
    "RasaEnterprise-1.0": "API",
    "OpenSource": "None",
    "RasaPro": "None",
}
BY_PROFILE = pytest.mark.parametrize("profile", RUNS)


def children(profile: str, **spec: Any) -> dict[str, JsonObject]:
    """The children of an environment of that profile, by default of a version that it runs."""
    spec = {"rasa": {"version": RUNS[profile][0]}, **spec}
    return children_by_kind(context(spec, server={"profile": profile}, secret_values=JWT))


def test_every_profile_has_its_rules() -> None:
    assert set(PROFILES) == set(Profile) == set(RUNS) == set(DEFAULT_REGISTRATIONS)


@pytest.mark.parametrize(("profile", "version"), [(profile, version) for profile in RUNS for version in RUNS[profile]])
def test_a_profile_runs_the_versions_of_its_time_with_the_image_of_the_vendor(profile: str, version: str) -> None:
    made = children(profile, rasa={"version": version})

    assert container(made)["image"] == IMAGES[profile].format(version=version)


@pytest.mark.parametrize(
    ("profile", "version"),
    [(profile, version) for profile in RUNS for version in VERSIONS if version not in RUNS[profile]],
)
def test_a_version_of_another_time_is_refused(profile: str, version: str) -> None:
    known = " and ".join(f"{major}.x" for major in sorted({known[0] for known in RUNS[profile]}))
    with pytest.raises(
        SpecError, match=rf"version {version} is not supported by the profile {profile}, .* Rasa {known}: "
    ):
        children(profile, rasa={"version": version})


@BY_PROFILE
def test_an_image_does_not_hide_a_version_that_the_profile_does_not_run(profile: str) -> None:
    with pytest.raises(SpecError, match=r"spec\.rasa\.version 4\.0\.0 is not supported"):
        children(profile, rasa={"version": "4.0.0", "image": "registry.example.com/rasa:mine"})


@BY_PROFILE
def test_an_image_without_a_version_is_run_as_it_is(profile: str) -> None:
    made = children(profile, rasa={"image": "registry.example.com/rasa:mine"})

    assert container(made)["image"] == "registry.example.com/rasa:mine"


@BY_PROFILE
def test_the_version_that_a_message_names_is_one_that_the_profile_runs(profile: str) -> None:
    with pytest.raises(SpecError, match=rf"spec\.rasa\.version is missing: set it, for example to {PATTERN}") as caught:
        children(profile, rasa={})

    assert any(version in str(caught.value) for version in RUNS[profile])


PATTERN = r"\d+\.\d+\.\d+"


@BY_PROFILE
def test_environments_are_registered_as_the_page_of_the_profile_does(profile: str) -> None:
    assert model_server(profile=profile).registration.value == REGISTRATIONS[profile]


@BY_PROFILE
@pytest.mark.parametrize("registration", list(Registration))
def test_a_registration_that_the_spec_names_wins(profile: str, registration: Registration) -> None:
    assert model_server(profile=profile, registration=registration.value).registration is registration


@pytest.mark.parametrize("profile", [profile for profile in RUNS if profile != "RasaX-0.32"])
def test_a_moved_tag_may_roll_the_pods(profile: str) -> None:
    made = children(profile, model={"updateStrategy": "RollingUpdate"})

    assert files(made)["endpoints.yml"]["models"]["wait_time_between_pulls"] is None


@pytest.mark.parametrize("profile", [profile for profile in RUNS if profile != "RasaEnterprise-1.0"])
def test_an_environment_may_follow_a_tag_of_another_name(profile: str) -> None:
    made = children(profile, tag="live")

    assert files(made)["endpoints.yml"]["models"]["url"] == f"{URL}/api/projects/default/models/tags/live"


@BY_PROFILE
def test_where_rasa_x_chats_through_a_channel_every_environment_has_it(profile: str) -> None:
    channels = files(children(profile))["credentials.yml"]

    wanted = {} if profile in ("OpenSource", "RasaPro") else {"rasa": {"url": f"{URL}/api"}}
    assert channels == {**wanted, "rest": None}


@pytest.mark.parametrize("profile", ["RasaX-0.2", "RasaX-0.32"])
def test_the_method_of_a_jwt_is_that_of_the_page_unless_the_spec_says_another(profile: str) -> None:
    secret = {"key": {"secretKeyRef": {"name": "passwords", "key": "jwt"}}}

    for spec, method in (({}, "HS256"), ({"jwt": secret}, "HS256"), ({"jwt": {**secret, "method": "HS512"}}, "HS512")):
        given = container(children(profile, **spec))["args"]
        assert given[given.index("--jwt-method") + 1] == method
        assert given[given.index("--jwt-secret") + 1] == "$(JWT_SECRET)"


@pytest.mark.parametrize("profile", ["RasaEnterprise-1.0", "OpenSource"])
def test_an_open_source_server_checks_a_jwt_only_where_the_spec_asks_for_it(profile: str) -> None:
    secret = {"key": {"secretKeyRef": {"name": "passwords", "key": "jwt"}}}

    assert "--jwt-secret" not in container(children(profile))["args"]
    assert "--jwt-secret" in container(children(profile, jwt=secret))["args"]


@BY_PROFILE
def test_what_the_spec_adds_to_the_command_comes_last(profile: str) -> None:
    rasa = {
        "version": RUNS[profile][0],
        "corsOrigins": ["https://example.com", "https://a"],
        "port": 5006,
        "extraArgs": ["--debug", "-v"],
    }

    given = container(children(profile, rasa=rasa))["args"]

    assert given[-2:] == ["--debug", "-v"]
    assert given[given.index("--cors") + 1 :][:2] == ["https://example.com", "https://a"]
    assert given[given.index("--port") + 1] == "5006"


@pytest.mark.parametrize("profile", ["RasaEnterprise-1.0", "OpenSource", "RasaPro"])
def test_variables_of_compose_are_not_where_the_page_has_no_compose(profile: str) -> None:
    assert set(plain_variables(children(profile))) & {"RABBITMQ_HOST", "DB_HOST", "RASA_USER_APP"} == set()


@pytest.mark.parametrize(("name", "role"), [("production", "Production"), ("WORKER", "Worker"), ("workers", "Custom")])
def test_the_names_production_and_worker_imply_the_role_in_whatever_case(name: str, role: str) -> None:
    assert context({"environment": name}).role == role
