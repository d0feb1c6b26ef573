"""The models that Rasa 3.6 trained for this project's samples."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

import pytest

from tests.model_server.conftest import ModelServer

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "models").glob("*.tar.gz"))


def test_there_are_two_models_to_promote() -> None:
    assert len(SAMPLES) >= 2


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_a_model_of_rasa_is_taken_described_and_given_back(server: ModelServer, sample: Path) -> None:
    content = await asyncio.to_thread(sample.read_bytes)
    name = sample.name.removesuffix(".tar.gz")

    described = (await server.upload(name, content)).json()
    await server.put_tag(name, "production")
    pulled = await server.pull("production")

    assert described["version"].startswith("3.6.")
    assert re.fullmatch("[0-9a-f]{32}", described["model_id"])
    assert described["trained_at"] > 1_577_836_800  # 2020
    assert described["hash"] == hashlib.sha256(content).hexdigest()
    assert (pulled.content, pulled.headers["filename"]) == (content, sample.name)
