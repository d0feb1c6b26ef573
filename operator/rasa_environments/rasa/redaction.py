"""What of an address, and of another server's words, may be shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, urlsplit

MAXIMUM_WORDS = 300
"""Characters of a server's own words that a message repeats."""
HIDDEN = "***"


def shown(url: str) -> str:
    """The URL without user information, query and fragment, all of which may hold tokens."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "<not a URL>"
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else f"{host}{parts.path}"


def origin(url: str) -> str:
    """Scheme, host and port of the URL alone: of a foreign one the path may hold a token, too."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "<not a URL>"
    return one_line(f"{parts.scheme}://{host}", ()) if parts.scheme and host else "<not a URL>"


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret, plain or as URLs, JSON and Python write it, replaced by ***."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def _forms(secret: str) -> Iterator[str]:
    """The secret in the notations in which servers repeat what they were sent."""
    yield from (secret, quote(secret, safe=""), quote_plus(secret))
    yield from (text[1:-1] for text in (json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)))


def one_line(text: str, secrets: Iterable[str]) -> str:
    """Foreign text as one printable line of at most `MAXIMUM_WORDS` characters, without the secrets."""
    printable = "".join(character if character.isprintable() else " " for character in without(text, secrets))
    line = " ".join(without(printable, secrets).split())
    return line if len(line) <= MAXIMUM_WORDS else line[:MAXIMUM_WORDS] + "..."
