"""Entries of a registry, and what environments offer it."""

from __future__ import annotations

from hypothesis import strategies as st

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.registrations import Offer

NAMES = st.sampled_from(["production", "worker", "staging", "experimental", "a"])
ADDRESSES = st.sampled_from(["http://one:5005", "http://two:5005", "http://one:5005/"])
TOKENS = st.sampled_from(["first-token", "second-token"])


def offer(
    name: str = "staging",
    url: str = "http://one:5005",
    token: str = "first-token",
    *,
    in_use: bool = True,
    adopts: bool = False,
) -> Offer:
    """What an environment of that name offers."""
    return Offer(ObjectKey("bots", name), name, url, token, in_use=in_use, adopts=adopts)


OFFERS = st.lists(
    st.builds(offer, NAMES, ADDRESSES, TOKENS, in_use=st.booleans(), adopts=st.booleans()),
    unique_by=lambda each: each.name,
)
