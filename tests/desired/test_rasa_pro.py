"""Environments of Rasa Pro: their images, and the profile that an environment chooses."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from tests.desired.contexts import children_by_kind, context
from tests.desired.pages import container, plain_variables

PRO = {"profile": "RasaPro"}
MIRROR = {"registry": "registry.example.com:5000", "repository": "mirror/rasa-pro", "tagSuffix": "-latest"}


def children(
    rasa: JsonObject | None = None,
    *,
    server: JsonObject | None = None,
    defaults: JsonObject | None = None,
    licensed: bool = True,
    **spec: Any,
) -> dict[str, JsonObject]:
    """The children of an environment, by default of the version 3.13.25 and a server of Rasa Pro."""
    given = {"rasa": {"version": "3.13.25", **(rasa or {})}, **spec}
    of = context(given, server=PRO if server is None else server, defaults=defaults, licensed=licensed)
    return children_by_kind(of)


def image(*arguments: Any, **more: Any) -> object:
    """The image of the Rasa server."""
    return container(children(*arguments, **more))["image"]


class TestImage:
    def test_a_version_selects_the_image_of_rasa_pro(self) -> None:
        assert image() == "rasa/rasa-pro:3.13.25"

    def test_the_defaults_say_once_where_the_images_are(self) -> None:
        defaults = {"rasa": {"proImage": MIRROR}}

        assert image(defaults=defaults) == "registry.example.com:5000/mirror/rasa-pro:3.13.25-latest"

    @pytest.mark.parametrize(
        ("field", "value", "expected"),
        [
            ("registry", "registry.example.com", "registry.example.com/rasa/rasa-pro:3.13.25"),
            ("repository", "mine", "mine:3.13.25"),
            ("tagSuffix", "-latest", "rasa/rasa-pro:3.13.25-latest"),
        ],
    )
    def test_each_part_of_the_source_has_a_default(self, field: str, value: str, expected: str) -> None:
        assert image({"proImage": {field: value}}) == expected

    def test_an_environment_replaces_a_part_of_the_source(self) -> None:
        made = image({"proImage": {"tagSuffix": ""}}, defaults={"rasa": {"proImage": MIRROR}})

        assert made == "registry.example.com:5000/mirror/rasa-pro:3.13.25"

    def test_an_image_wins_over_the_source(self) -> None:
        assert image({"image": "mine:1", "proImage": MIRROR}) == "mine:1"

    def test_an_open_source_environment_does_not_use_the_source(self) -> None:
        made = image({"version": "3.6.21"}, server={}, defaults={"rasa": {"proImage": MIRROR}})

        assert made == "rasa/rasa:3.6.21-full"

    @pytest.mark.parametrize("profile", ["OpenSource", "RasaEnterprise-1.0"])
    @pytest.mark.parametrize("version", ["3.7.0", "3.13.25"])
    def test_a_version_of_rasa_pro_never_gets_an_open_source_image(self, profile: str, version: str) -> None:
        with pytest.raises(
            SpecError, match=rf"version {version} is a release of Rasa Pro, .* set spec\.profile to Rasa"
        ):
            image({"version": version}, server={"profile": profile})

    def test_an_image_of_ones_own_runs_a_version_of_rasa_pro_as_before(self) -> None:
        assert image({"image": "mine:1"}, server={}) == "mine:1"

    @pytest.mark.parametrize("image", [None, "mine:1"])
    def test_an_open_source_version_is_refused_with_the_remedy(self, image: str | None) -> None:
        with pytest.raises(
            SpecError, match=r"3\.6\.21 is not supported .* Rasa 3\.8 or later: .* spec\.profile to OpenSource"
        ):
            children({"version": "3.6.21", "image": image})


class TestProfile:
    def test_an_environment_of_an_open_source_server_chooses_rasa_pro(self) -> None:
        assert image(server={}, profile="RasaPro") == "rasa/rasa-pro:3.13.25"

    def test_an_environment_of_a_server_of_rasa_pro_stays_open_source(self) -> None:
        assert image({"version": "3.6.21"}, profile="OpenSource") == "rasa/rasa:3.6.21-full"

    def test_the_fields_of_rasa_pro_go_with_the_profile_of_the_environment(self) -> None:
        locks: JsonObject = {"lockStore": {"concurrentRedis": {"host": "redis"}}}

        children(server={}, profile="RasaPro", **locks)
        with pytest.raises(SpecError, match=r"requires Rasa Pro, but the profile is OpenSource"):
            children({"version": "3.6.21"}, profile="OpenSource", **locks)


class TestTokens:
    def test_no_token_is_an_argument(self) -> None:
        made = container(children(jwt={"key": KEY, "method": "RS256"}))

        assert made["args"] == [
            *("run", "--enable-api", "--port", "5005"),
            *("--endpoints", "endpoints.yml", "--credentials", "credentials.yml", "--cors", "*"),
        ]

    def test_the_token_of_the_server_is_in_the_variable_that_rasa_pro_reads(self) -> None:
        made = children()

        assert secret_key(made, "AUTH_TOKEN") == secret_key(made, "RASA_TOKEN") == "token"

    def test_a_jwt_is_checked_with_the_method_and_key_of_the_spec(self) -> None:
        made = children(jwt={"key": KEY, "method": "RS256"})

        assert plain_variables(made)["JWT_METHOD"] == "RS256"
        assert secret_key(made, "JWT_SECRET") == "jwt-secret"

    def test_without_a_jwt_in_the_spec_there_is_none(self) -> None:
        names = {entry["name"] for entry in container(children())["env"]}

        assert not names & {"JWT_METHOD", "JWT_SECRET"}


class TestLicense:
    def test_both_variables_have_the_licence(self) -> None:
        made = children()

        assert secret_key(made, "RASA_LICENSE") == secret_key(made, "RASA_PRO_LICENSE") == "rasa-license"
        assert b64decode(made["Secret"]["data"]["rasa-license"]) == b"value of license"

    def test_without_a_licence_no_pod_is_made(self) -> None:
        with pytest.raises(SpecError, match=r"spec\.rasa\.license is missing, .* ModelServer bots/default") as caught:
            children(licensed=False)

        assert caught.value.path == "spec.rasa.license"

    @pytest.mark.parametrize(
        "source",
        [
            {"env": [{"name": "RASA_PRO_LICENSE", "valueFrom": {"secretKeyRef": {"name": "own", "key": "license"}}}]},
            {"envFrom": [{"secretRef": {"name": "own"}}]},
        ],
        ids=["env", "envFrom"],
    )
    def test_a_pod_template_may_bring_the_licence(self, source: JsonObject) -> None:
        made = children(licensed=False, podTemplate={"spec": {"containers": [{"name": "rasa", **source}]}})

        assert "rasa-license" not in made["Secret"]["data"]


KEY = {"secretKeyRef": {"name": "passwords", "key": "jwt"}}


def secret_key(children: dict[str, JsonObject], variable: str) -> object:
    """The key of the environment's Secret that a variable of the Rasa server comes from."""
    entries = {entry["name"]: entry for entry in container(children)["env"]}
    reference = entries[variable]["valueFrom"]["secretKeyRef"]
    assert reference["name"] == children["Secret"]["metadata"]["name"]
    return reference["key"]
