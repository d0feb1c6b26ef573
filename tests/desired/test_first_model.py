"""Which pods are ready before the first model: a Service routes only to ready pods."""

from __future__ import annotations

import pytest

from tests.desired.contexts import children_by_kind, context
from tests.desired.pages import JWT, container


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("RasaX-0.2", {"production", "worker"}),
        ("RasaX-0.32", {"production", "worker"}),
        ("RasaEnterprise-1.0", {"production", "worker"}),
        ("OpenSource", set()),
        ("RasaPro", set()),
    ],
)
def test_production_which_rasa_x_asks_for_its_version_and_worker_which_trains_may_be_ready_without_a_model(
    profile: str, expected: set[str]
) -> None:
    version = {"RasaX-0.2": "1.10.26", "RasaX-0.32": "1.10.26", "RasaPro": "3.13.25"}.get(profile, "3.6.21")
    scripts = {}

    for name in ("production", "worker", "experimental"):
        of = context({"rasa": {"version": version}}, name=name, server={"profile": profile}, secret_values=JWT)
        scripts[name] = container(children_by_kind(of))["readinessProbe"]["exec"]["command"][-1]

    assert {name for name, script in scripts.items() if "without_model()" in script} == expected
