"""Variables in the texts of a docker-compose file, replaced as docker compose does.

Source: docs.docker.com, "Interpolation" in the reference of the Compose file, and the package template of
compose-spec/compose-go. Where docker compose takes a blank for a variable that is set nowhere, and warns, an import
leaves the variable as it is: it is reported, and never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

Lookup: TypeAlias = Callable[[str], str | None]
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OPERATOR = re.compile(r":?[-?+]")


class TemplateError(ValueError):
    """A `${` that begins no variable, which docker compose refuses."""


class Unset(str):
    """A text with a variable that is set nowhere; in any other text, `$` is a plain dollar."""

    __slots__ = ()


@dataclass
class Interpolated:
    """A text with the values of its variables."""

    text: str
    unset: list[str] = field(default_factory=list)
    """Variables that are set nowhere and have no default."""
    by_default: list[str] = field(default_factory=list)
    """Variables whose default in the text counts."""
    blank: bool = False
    """Whether a variable that is set nowhere is blank; else it is left as it was."""


def interpolated(text: str, lookup: Lookup, *, blank: bool = False) -> Interpolated:
    """Return a text with the values of its variables; one that is set nowhere is left as it was, unless `blank`.

    Raises TemplateError.
    """
    result = Interpolated("", blank=blank)
    result.text = _replaced(text, lookup, result)
    return result


def _replaced(text: str, lookup: Lookup, result: Interpolated) -> str:
    made: list[str] = []
    position = 0
    while (start := text.find("$", position)) >= 0:
        made.append(text[position:start])
        rest = text[start + 1 :]
        name = NAME.match(rest)
        if rest.startswith("$"):
            made.append("$")
            position = start + 2
        elif rest.startswith("{"):
            end = _end_of(text, start + 1)
            made.append(_braced(text[start + 2 : end], lookup, result))
            position = end + 1
        elif name is not None:
            made.append(_value_or(f"${name[0]}", name[0], lookup, result))
            position = start + 1 + name.end()
        else:
            made.append("$")
            position = start + 1
    return "".join([*made, text[position:]])


def _end_of(text: str, start: int) -> int:
    """Return the position of the brace that closes the one at `start`."""
    depth = 0
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    raise TemplateError("a ${ has no closing }")


def _braced(inside: str, lookup: Lookup, result: Interpolated) -> str:
    """Return what stands for `${inside}`."""
    name = NAME.match(inside)
    if name is None:
        raise TemplateError("a ${ is followed by no name of a variable: write $$ for a plain $")
    operator = OPERATOR.match(inside, name.end())
    if operator is None and name.end() != len(inside):
        raise TemplateError(f"${{{name[0]} is followed by something else than a default: write $$ for a plain $")
    if operator is None or operator[0].endswith("?"):
        needs_text = operator is not None and operator[0] == ":?"
        return _value_or(f"${{{name[0]}}}", name[0], lookup, result, needs_text=needs_text)
    value, alternative = lookup(name[0]), inside[operator.end() :]
    is_there = value is not None and (value != "" or not operator[0].startswith(":"))
    if operator[0].endswith("+"):
        return _replaced(alternative, lookup, result) if is_there else value or ""
    if is_there:
        return value or ""
    result.by_default.append(name[0])
    return _replaced(alternative, lookup, result)


def _value_or(text: str, name: str, lookup: Lookup, result: Interpolated, *, needs_text: bool = False) -> str:
    """Return the value of a variable; without one, `text`, after it is noted."""
    value = lookup(name)
    if value is None or (needs_text and value == ""):
        result.unset.append(name)
        return "" if result.blank else text
    return value
