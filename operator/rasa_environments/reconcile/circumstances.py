"""What decides which model a tag should carry: gathered from what the process knows, without any request."""

from __future__ import annotations

from datetime import datetime

from rasa_environments.api.model_tag import ModelTag
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.domain.desired_model import Circumstances
from rasa_environments.domain.facts import ServerObservation
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.promotion_source import Source, source_of


def circumstances_of(state: State, tag: ModelTag, observation: ServerObservation, now: str) -> Circumstances:
    """Return what decides, at the time `now`, which model the tag should carry."""
    source = source_of(tag, state.lister)
    return Circumstances(
        now=datetime.fromisoformat(now),
        source=Source(source, _is_confirmed(state, source)) if isinstance(source, ModelTag) else source,
        server=state.lister.servers.get(server_of_tag(tag)) if state.lister.owns(tag) else None,
        observation=observation,
    )


def _is_confirmed(state: State, source: ModelTag) -> bool:
    """Return whether every environment that pulls the source's tag has answered, and its status says so."""
    followers = state.lister.eligible_followers(server_of_tag(source), source.tag)
    return all(
        state.answer_times.has_answered(each.metadata.key)
        and not state.queue.is_running(Request(Kind.DEPLOYMENT_ENVIRONMENT, each.metadata.key))
        for each in followers
    )
