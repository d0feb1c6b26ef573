"""What a Rasa server answers to a message, and what it keeps of the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

MAXIMUM_REPLIES: Final = 100
"""Replies to one message that are kept."""
LONGEST_REPLY: Final = 4096
"""Characters of a reply that are kept."""
LONGEST_REACTION: Final = 16 * 1024
"""Characters of all replies to one message that are kept: each may be compared with each expectation."""


@dataclass(frozen=True)
class Slot:
    """A slot that was set, and its value."""

    name: str
    value: JsonValue


@dataclass(frozen=True)
class Reaction:
    """How a bot reacted to one message."""

    replies: tuple[str, ...] = ()
    """Texts in order; of an image or attachment its URL, of anything else `[no text]`."""
    utterances: tuple[str, ...] = ()
    """Names of the responses, by the events of the conversation."""
    slots: tuple[Slot, ...] = field(default=())
    """Slots that were set, by the events of the conversation."""
    actions: tuple[str, ...] = ()
    """Names of the actions that ran, by the events of the conversation, except for responses and `action_listen`."""
