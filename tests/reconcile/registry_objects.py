"""Entries of a registry, and what environments want registered."""

from __future__ import annotations

from hypothesis import strategies as st

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.registrations import DesiredRegistration

NAMES = st.sampled_from(["production", "worker", "staging", "experimental", "a"])
ADDRESSES = st.sampled_from(["http://one:5005", "http://two:5005", "http://one:5005/"])
TOKENS = st.sampled_from(["first-token", "second-token"])


def desired(
    name: str = "staging",
    url: str = "http://one:5005",
    token: str = "first-token",
    *,
    in_use: bool = True,
    adopts: bool = False,
) -> DesiredRegistration:
    """Return what an environment of that name wants registered."""
    return DesiredRegistration(ObjectKey("bots", name), name, url, token, in_use=in_use, adopts=adopts)


REGISTRATIONS = st.lists(
    st.builds(desired, NAMES, ADDRESSES, TOKENS, in_use=st.booleans(), adopts=st.booleans()),
    unique_by=lambda each: each.name,
)
