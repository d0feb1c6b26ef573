"""`models` as JSON: what a program reads of each model."""

from __future__ import annotations

from rasa_environments.cli.models import as_json
from rasa_environments.rasa.listing import Model


def test_json_has_what_the_server_says_of_a_model_with_times_in_rfc_3339() -> None:
    model = Model(
        "main-2", "abc", frozenset({"staging", "production"}), 1767268800.25, "3.6.21", size=5, uploaded_at=1767272400.5
    )

    assert as_json(model) == {
        "name": "main-2",
        "hash": "abc",
        "version": "3.6.21",
        "trainedAt": "2026-01-01T12:00:00Z",
        "uploadedAt": "2026-01-01T13:00:00Z",
        "tags": ["production", "staging"],
        "size": 5,
    }


def test_what_the_server_does_not_say_is_null() -> None:
    shown = as_json(Model("main-2", "abc", frozenset()))

    assert [name for name, value in shown.items() if value is None] == ["version", "trainedAt", "uploadedAt", "size"]
