"""Arguments that a file adds to the command line of the Rasa server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rasa_chart_import import kinds
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Kind, Reader
from rasa_chart_import.secret_values import looks_secret, text_of

OWN_ARGUMENTS = ("x", "run", "--no-prompt", "--production", "--enable-api")
MODELS = ("--model", "-m", "--remote-storage")
"""Options that name a model, which a server that pulls does not need."""
MOST = 64
"""Maximum number of `extraArgs`, and of `corsOrigins`."""


@dataclass
class Arguments:
    """The words of a command line, without those that the operator sets itself."""

    kept: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Names of options whose value looks like a secret or does not fit; never the value."""
    origins: list[str] = field(default_factory=list)


def extra_arguments(reader: Reader, place: Path) -> tuple[list[str], list[str]]:
    """Return `extraArgs` and `corsOrigins`, without the arguments that the operator sets itself."""
    found = arguments_of([text_of(word) for word in reader.take(place, kinds.ITEMS) or []])
    note_left_out(reader, place, found)
    return found.kept[:MOST], found.origins


def note_left_out(reader: Reader, place: Path, found: Arguments) -> None:
    """Record which arguments are not carried over, if there are any."""
    if found.left_out or len(found.kept) > MOST:
        reader.partly(
            place,
            f"carried over without {', '.join(dict.fromkeys(found.left_out)) or f'those after the {MOST}th'}: the "
            "operator sets these itself, or they look like secrets; put a secret into a variable of spec.podTemplate",
        )


def arguments_of(words: Sequence[str]) -> Arguments:
    """Return the words of a command line, sorted out; an option and its value stay together."""
    found = Arguments()
    position = 0
    while position < len(words):
        name, equals, value = words[position].partition("=")
        follows = words[position + 1] if position + 1 < len(words) and not words[position + 1].startswith("-") else None
        taken = 1 if equals or follows is None or not name.startswith("-") else 2
        pair, value = words[position : position + taken], value if equals else (follows or "")
        position += taken
        if name == "--cors" and value:
            while position < len(words) and not equals and not words[position].startswith("-"):
                value, position = f"{value} {words[position]}", position + 1
            found.origins = [origin for origin in dict.fromkeys(value.split()) if _fits(kinds.ORIGIN, origin)][:MOST]
        elif name in OWN_ARGUMENTS:
            continue
        elif name in MODELS:
            found.left_out.append(name)
        elif looks_secret(name, value) or not all(_fits(kinds.ARGUMENT, word) for word in pair):
            found.left_out.append(name if name.startswith("--") else "one of its words")
        else:
            found.kept += pair
    return found


def _fits(kind: Kind[str], word: str) -> bool:
    try:
        kind.validate_python(word)
    except ValueError:
        return False
    return True
