"""The conversations that a ModelTag names, from their ConfigMaps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.shapes import mapping, text
from rasa_environments.api.verification import Check, Stage
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import CONFIG_MAPS
from rasa_environments.domain.conversations import (
    Conversation,
    ConversationError,
    digest_of,
    parse_all,
)
from rasa_environments.domain.facts import Problem
from rasa_environments.reconcile.ports import ApiServer

DENIED: Final = frozenset({401, 403})


@dataclass(frozen=True)
class ConversationSet:
    """Conversations, and a digest of the files that they come from and of the jobTemplate."""

    conversations: tuple[Conversation, ...]
    digest: str


@dataclass(frozen=True)
class _Unusable:
    """Why there are no conversations."""

    message: str

    def problem(self, stage: Stage) -> Problem:
        """Return the problem of that stage."""
        return Problem(Reason.CONVERSATIONS_INVALID, f"spec.verification.{stage.lower()}.conversations: {self.message}")


class ConversationFiles:
    """Reads conversations by `api`, each time they are asked for: that is while a model waits for its verification."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._unusable: dict[ObjectKey, tuple[str, _Unusable]] = {}
        """By ModelTag: the digest of conversations that cannot be used, and why, so that they are parsed once."""

    def forget(self, tag: ObjectKey) -> None:
        """Discard what is known of the conversations of a ModelTag that is gone."""
        self._unusable.pop(tag, None)

    async def read(self, tag: ObjectKey, check: Check, stage: Stage = "Candidate") -> ConversationSet | Problem:
        """Return the conversations that a ModelTag names, or what is wrong with them. Raises ApiError."""
        contents: dict[str, str] = {}
        for each in check.conversations or ():
            reference = each.config_map_key_ref
            found = await self._read(ObjectKey(tag.namespace, reference.name), reference.key)
            if isinstance(found, _Unusable):
                return found.problem(stage)
            contents[f"{reference.name}/{reference.key}"] = found
        template = check.job_template
        job = {} if template is None else {"jobTemplate": template.model_dump_json(by_alias=True)}
        digest = digest_of(contents | job)
        unusable = self._unusable.get(tag)
        if unusable is not None and unusable[0] == digest:
            return unusable[1].problem(stage)
        try:
            conversations = await asyncio.to_thread(parse_all, contents)
        except ConversationError as error:
            why = _Unusable(str(error))
            self._unusable[tag] = (digest, why)
            return why.problem(stage)
        self.forget(tag)
        return ConversationSet(conversations, digest)

    async def _read(self, config_map: ObjectKey, key: str) -> str | _Unusable:
        try:
            found = await self._api.find(CONFIG_MAPS, config_map)
        except ApiError as error:
            if error.status not in DENIED:
                raise
            return _Unusable(f"ConfigMap {config_map} may not be read by the operator: {error.message}")
        if found is None:
            return _Unusable(f"ConfigMap {config_map} not found: create it with key {key}")
        content = text(mapping(found.get("data")).get(key))
        return _Unusable(f"ConfigMap {config_map} has no key {key}: add it") if content is None else content
