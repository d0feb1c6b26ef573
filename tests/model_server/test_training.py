"""What the documents in a model say about its training."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_model_server.archive.training import Training, training_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


def test_metadata_of_rasa_3_goes_before_a_fingerprint() -> None:
    documents = {
        "metadata.json": b'{"rasa_open_source_version": "3.6.21", "model_id": "m", "trained_at": "2026-01-01T00:00"}',
        "fingerprint.json": b'{"version": "2.8.34", "trained_at": 1.0}',
    }

    assert training_of(documents) == Training("3.6.21", "m", 1767225600.0)


def test_a_time_with_a_zone_is_taken_at_its_zone() -> None:
    assert training_of({"metadata.json": b'{"trained_at": "2026-01-01T01:00:00+01:00"}'}).trained_at == 1767225600.0


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_document_that_is_none_says_nothing(document: bytes) -> None:
    assert training_of({"metadata.json": document}) == Training()


@given(JSON, JSON, JSON)
def test_fields_of_another_kind_say_nothing(version: object, model_id: object, trained_at: object) -> None:
    document = {"rasa_open_source_version": version, "model_id": model_id, "trained_at": trained_at}

    training = training_of({"metadata.json": json.dumps(document).encode()})

    assert training.version is None or training.version == version
    assert training.model_id is None or training.model_id == model_id
    assert training.trained_at is None or isinstance(trained_at, int | float | str)


@pytest.mark.parametrize("text", ["x" * 129, "", "a\nb", "a\u202eb", "\ud800"])
def test_a_text_that_could_not_be_listed_says_nothing(text: str) -> None:
    document = json.dumps({"rasa_open_source_version": text, "model_id": text, "trained_at": text}).encode()

    assert training_of({"metadata.json": document}) == Training()


@pytest.mark.parametrize("trained_at", ["-1", "1e300", "1e10", "9" * 5000, "Infinity", '"9999-12-31"', '"0001-01-01"'])
def test_a_time_that_could_not_be_one_says_nothing(trained_at: str) -> None:
    assert training_of({"metadata.json": b'{"trained_at": %s}' % trained_at.encode()}) == Training()


def test_a_document_of_very_many_values_is_not_read() -> None:
    many = b'{"model_id": "m", "x": [' + b"[]," * 500_000 + b"0]}"

    assert training_of({"metadata.json": many}) == Training()
