"""Arguments that a file adds to the command line of the Rasa server."""

from __future__ import annotations

from rasa_chart_import import kinds
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Kind, Reader
from rasa_chart_import.secret_values import looks_secret, text_of

OWN_ARGUMENTS = ("x", "run", "--no-prompt", "--production", "--enable-api")


def extra_arguments(reader: Reader, place: Path) -> tuple[list[str], list[str]]:
    """Return `extraArgs` and `corsOrigins`, without the arguments that the operator sets itself."""
    given = reader.take(place, kinds.ITEMS) or []
    kept: list[str] = []
    left_out: list[str] = []
    origins: list[str] = []
    words = [text_of(word) for word in given]
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
            origins = [origin for origin in dict.fromkeys(value.split()) if _fits(kinds.ORIGIN, origin)][:64]
        elif name in OWN_ARGUMENTS:
            continue
        elif looks_secret(name, value) or not all(_fits(kinds.ARGUMENT, word) for word in pair):
            left_out.append(name if name.startswith("--") else "one of its words")
        else:
            kept += pair
    if left_out or len(kept) > 64:
        reader.partly(
            place,
            f"carried over without {', '.join(dict.fromkeys(left_out)) or 'those after the 64th'}: the operator sets "
            "these itself, or they look like secrets; put a secret into a variable of spec.podTemplate",
        )
    return kept[:64], origins


def _fits(kind: Kind[str], word: str) -> bool:
    try:
        kind.validate_python(word)
    except ValueError:
        return False
    return True
