"""Typical environments: `<case>.given.yaml` is the user's input, `<case>.children.yaml` the resulting children."""

from __future__ import annotations

from pathlib import Path

import yaml

from rasa_environments.desired.context import Context
from tests.desired.contexts import context

GOLDEN = Path(__file__).parent / "golden"
CASES = (
    "shortest",
    "everything",
    "shared_defaults",
    "rolling_update",
    "rasa_x_0_2",
    "rasa_x_0_32",
    "rasa_enterprise_1_0",
    "rasa_pro",
    "action_server",
)


def given_context(case: str) -> Context:
    """The context of a case."""
    return context(**yaml.safe_load((GOLDEN / f"{case}.given.yaml").read_text()))


def golden_file(case: str) -> Path:
    """The file with the children of a case."""
    return GOLDEN / f"{case}.children.yaml"
