"""Placeholders: texts that something else was to replace before Helm or docker-compose reads the file."""

from __future__ import annotations

import re

PLACEHOLDERS = (
    (re.compile(r"\{\{.*\}\}|\{%.*%\}", re.DOTALL), "a template (helmfile, gomplate, Jinja): render the file first"),
    (re.compile(r"\$\{[^}]*\}"), "a variable: fill the file in first, for example with envsubst"),
    (re.compile(r"^\$[A-Z_][A-Z0-9_]*$"), "a variable: fill the file in first, for example with envsubst"),
    (re.compile(r"^\$\([A-Za-z_][A-Za-z0-9_.]*\)$"), "a variable of a pipeline: fill the file in first"),
    (
        re.compile(r"^(%[A-Z_][A-Z0-9_]*%|@@?[A-Z_][A-Z0-9_]*@@?|__[A-Z][A-Z0-9_]*__|#\{[^}]*\}#?)$"),
        "a token: fill it in first",
    ),
    (re.compile(r"^<[A-Za-z][^<>]*>$"), "a placeholder of a manual: write the value itself"),
    (re.compile(r"^ENC\["), "encrypted by sops: decrypt the file first"),
    (
        re.compile(r"^(ref\+[a-z]+|secretref\+[a-z]+|vault|awssm|gcpsm)(://|:)"),
        "a reference that vals or a plug-in resolves: resolve it first",
    ),
)
"""What a placeholder looks like, and what it is."""


def other_placeholder_in(value: str) -> str | None:
    """Return what a text is, if it holds a placeholder that is no variable, and what to do about it."""
    return placeholder_in(value.replace("$", ""))


def placeholder_in(value: str) -> str | None:
    """Return what a text is, if it holds a placeholder, and what to do about it."""
    found = next((meaning for pattern, meaning in PLACEHOLDERS if pattern.search(value)), None)
    return None if found is None else f"it is {found}, and import the result"
