"""Redaction of URLs, and of other servers' messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, urlsplit

MAXIMUM_WORDS = 300
"""Characters of a server's message that are repeated."""
LONGEST_READ = 16 * MAXIMUM_WORDS
"""Characters of which those are taken: what foreign text takes time for does not grow with it."""
HIDDEN = "***"


def shown(url: str) -> str:
    """Return the URL without user information, query and fragment, all of which may hold tokens."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "<not a URL>"
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else f"{host}{parts.path}"


def origin(url: str) -> str:
    """Return scheme, host and port of the URL only: the path of a foreign URL may hold a token, too."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "<not a URL>"
    return one_line(f"{parts.scheme}://{host}", ()) if parts.scheme and host else "<not a URL>"


def without(text: str, secrets: Iterable[str]) -> str:
    """Return the text with each secret, plain or as written in URLs, JSON and Python, replaced by ***."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def _forms(secret: str) -> Iterator[str]:
    """Yield the secret in the notations in which servers repeat it."""
    yield from (secret, quote(secret, safe=""), quote_plus(secret))
    yield from (text[1:-1] for text in (json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)))


def one_line(text: str, secrets: Iterable[str]) -> str:
    """Return foreign text as one printable line of at most `MAXIMUM_WORDS` characters, without the secrets."""
    begins = without(text, secrets)[:LONGEST_READ]
    printable = "".join(character if character.isprintable() else " " for character in begins)
    line = " ".join(without(printable, secrets).split())
    return line if len(line) <= MAXIMUM_WORDS else line[:MAXIMUM_WORDS] + "..."
