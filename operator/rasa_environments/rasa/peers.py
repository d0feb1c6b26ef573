"""The kinds of servers that are asked."""

from __future__ import annotations

from enum import StrEnum


class Peer(StrEnum):
    """A kind of server, by its name in messages."""

    MODEL_SERVER = "model server"
    RASA_SERVER = "Rasa server"
    """A Rasa server in a pod."""
    EXTERNAL_RASA_SERVER = "external Rasa server"
    """A Rasa server that runs elsewhere."""
