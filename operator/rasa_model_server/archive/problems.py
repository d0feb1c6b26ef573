"""Why a file is not a model."""

from __future__ import annotations


class BadArchiveError(Exception):
    """The file is not a gzip'd tar that can be unpacked without harm. Its message says why."""
