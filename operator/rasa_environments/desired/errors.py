"""What makes a spec impossible to turn into objects."""

from __future__ import annotations


class SpecError(ValueError):
    """A spec that the CRD lets through and that still cannot work: the message says what, where, and what to do."""
