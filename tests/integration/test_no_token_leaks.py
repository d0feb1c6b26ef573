"""Secret values are only in Secrets: after the story of two teams, everything else is searched for each of them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.conftest import NUMBERS, Installation
from tests.integration.secrecy import all_objects, found_in, secret_values
from tests.integration.secret_story import MODELS, Story, told
from tests.integration.space import Space

SECRETS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=12, max_size=64)
AROUND = st.binary(max_size=20)
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
"""A JSON Web Token: two JSON objects and a signature, in base64 (RFC 7519)."""


@dataclass(frozen=True)
class Remains:
    """What the story left behind."""

    story: Story
    operator_log: str = field(repr=False)
    """The log of an operator at its most verbose level."""
    model_server_log: str = field(repr=False)
    audit_log: str = field(repr=False)
    objects: str = field(repr=False)
    """All objects of both namespaces but the Secrets."""


@pytest.fixture(scope="module")
def remains(breakable: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remains]:
    operator = breakable.operator("--log-level", "debug")
    first, second = (Space(breakable.api, f"space-{next(NUMBERS)}", operator) for _ in range(2))
    log: Path = tmp_path_factory.mktemp("model-server") / "log"
    start = breakable.audit.mark()
    operator.start()
    try:
        for space in (first, second):
            space.create_namespace()
        with told(first, second, log) as story:
            objects = "\n".join(all_objects(breakable.api, space.namespace) for space in (first, second))
            audited = breakable.audit.text(start)
            yield Remains(story, operator.log.read_text(), log.read_text(), audited, objects)
        for space in (first, second):
            space.remove()
    finally:
        operator.kill()


def test_the_operator_logs_none(remains: Remains) -> None:
    assert "its registry holds" in remains.operator_log
    assert found_in(remains.operator_log, remains.story.secrets) == set()
    assert JWT.findall(remains.operator_log) == []


def test_the_model_server_logs_none(remains: Remains) -> None:
    assert MODELS in remains.model_server_log
    assert found_in(remains.model_server_log, remains.story.secrets) == set()
    assert JWT.findall(remains.model_server_log) == []


def test_the_audit_log_has_none(remains: Remains) -> None:
    assert remains.story.enterprise.namespace in remains.audit_log
    assert found_in(remains.audit_log, remains.story.secrets) == set()


def test_no_object_but_secrets_has_one(remains: Remains) -> None:
    for kind in ("Pod", "ReplicaSet", "ConfigMap", "DeploymentEnvironment", "Event"):
        assert f'"kind": "{kind}' in remains.objects
    assert found_in(remains.objects, remains.story.secrets) == set()


def test_the_secrets_have_them(remains: Remains) -> None:
    for space in (remains.story.enterprise, remains.story.rasa_x):
        held = secret_values(space)
        assert len(held) > 8
        assert held <= remains.story.secrets
        assert found_in(all_objects(space.api, space.namespace, secrets=True), remains.story.secrets) >= held


@settings(deadline=None)
@given(secret=SECRETS, before=AROUND, behind=AROUND)
def test_a_value_is_found_in_base64_whatever_stands_around_it(secret: str, before: bytes, behind: bytes) -> None:
    whole = before + secret.encode() + behind

    for encoded in (base64.b64encode(whole), base64.urlsafe_b64encode(whole)):
        assert found_in(encoded.decode(), {secret}) == {secret}


@settings(deadline=None)
@given(secret=SECRETS)
def test_a_value_is_found_as_it_is_and_a_part_of_it_is_not_it(secret: str) -> None:
    assert found_in(f"token={secret}, refused", {secret}) == {secret}
    assert found_in(secret[:-4], {secret}) == set()
