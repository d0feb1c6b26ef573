"""Files of variables: `.env`, those of `--env-file`, and those that a service names by `env_file`.

Source: docs.docker.com, "Syntax for environment files", and the package dotenv of compose-spec/compose-go. The library
python-dotenv reads another language: no `NAME: value`, no `$$`, and variables only as `${NAME}`, even between single
quotes, where docker compose takes a text literally. Nor does its parser say which quotes a value had.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rasa_chart_import.compose.interpolation import Lookup, TemplateError, interpolated

KEY = re.compile(r"(?:export[ \t]+)?([\w.\-\[\]]+)[ \t\r\f\v]*(=|:|\n|\Z)[ \t\r\f\v]*")
BLANK = re.compile(r"(?:\s+|#[^\n]*)*")
QUOTED = {quote: re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}", re.DOTALL) for quote in ("'", '"')}
ESCAPE = re.compile(r'\\(?:([abfnrtv"\\$])|0([0-7]{1,3}))')
ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "$": "$$"}
"""What an escape sequence between double quotes stands for; `$$` is interpolated to a plain `$` afterwards."""


class EnvFileError(ValueError):
    """A file of variables that docker compose refuses; the message has the line, and nothing of what is in it."""


@dataclass(frozen=True)
class Variable:
    """A variable of a file."""

    value: str = field(repr=False)
    line: int


def variables_of(file: str, text: str, lookup: Lookup) -> dict[str, Variable]:
    """Return the variables in the text of a file.

    `lookup` knows what is set besides, and comes before what the file itself sets above a line. Raises EnvFileError.
    """
    found: dict[str, Variable] = {}
    text = text.removeprefix("\ufeff")
    position = _after_blanks(text, 0)

    def known(name: str) -> str | None:
        outside = lookup(name)
        return outside if outside is not None or name not in found else found[name].value

    while position < len(text):
        line = text.count("\n", 0, position) + 1
        key = KEY.match(text, position)
        if key is None:
            raise EnvFileError(f"{file}:{line}: is no NAME=value, as in an env file of docker compose")
        position = key.end()
        if key[2] in ("=", ":"):
            try:
                value, position = _value(text, position, known)
            except (TemplateError, EnvFileError) as error:
                raise EnvFileError(f"{file}:{line}: {error}") from None
            found[key[1]] = Variable(value, line)
        elif (inherited := lookup(key[1])) is not None:
            found[key[1]] = Variable(inherited, line)
        position = _after_blanks(text, position)
    return found


def raw_variables_of(text: str) -> dict[str, Variable]:
    """Return the variables of a file with `format: raw`, whose values are taken as they are."""
    lines = enumerate(text.removeprefix("\ufeff").splitlines(), start=1)
    pairs = ((number, line.partition("=")) for number, line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): Variable(value, number) for number, (name, equals, value) in pairs if equals}


def _after_blanks(text: str, position: int) -> int:
    found = BLANK.match(text, position)
    return found.end() if found is not None else position


def _value(text: str, position: int, lookup: Lookup) -> tuple[str, int]:
    """Return the value that begins at a position, and the position after it."""
    quote = text[position : position + 1]
    if quote in QUOTED:
        found = QUOTED[quote].match(text, position)
        if found is None:
            raise EnvFileError(f"the value begins with {quote}, which no other {quote} closes")
        inside = found[1].replace(f"\\{quote}", quote)
        return (inside if quote == "'" else _interpolated(ESCAPE.sub(_unescaped, inside), lookup)), found.end()
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    return _interpolated(text[position:end].partition(" #")[0].rstrip(), lookup), end


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[2], 8)) if found[2] else ESCAPED.get(found[1], found[1])


def _interpolated(text: str, lookup: Lookup) -> str:
    return interpolated(text, lookup, blank=True).text
