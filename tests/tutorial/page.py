"""What a page asks its reader to do: files to write, and commands to type with their output.

A ```yaml block is a file whose name its first line gives as a comment. A ```console block has commands after `$ `, each
followed by its output; without output, nothing is compared. `...` stands for anything, as a line of its own for any
lines, or none.
"""

from __future__ import annotations

import doctest
import re
from dataclasses import dataclass

BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ "
FAILURE = re.compile(r"^(error:|Error from server)", re.IGNORECASE | re.MULTILINE)
"""The output that marks a command as meant to fail."""
ANY_LINES = re.compile(r"\s*^\.\.\.$\s*", re.MULTILINE)
RULES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
VARYING = {
    r"\b20\d\d-\d\d-\d\dT[\d:.]+Z": "<time>",
    r"\b\d\d:\d\d:\d\d\b": "<time>",
    r"\b\d+(m\d+)?[smhd]\b": "<age>",
    r"\b127\.\d+\.\d+\.\d+:\d+\b": "<address>",
}
"""What varies between runs: times, ages, addresses of this machine."""


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    path: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that the reader types, and its output on the page, if any."""

    text: str
    printed: str

    @property
    def fails(self) -> bool:
        """Whether the page shows that it fails."""
        return FAILURE.search(self.printed) is not None

    def promised(self, output: str) -> bool:
        """Return whether it printed what the page shows."""
        shown = ANY_LINES.sub("...", settled(self.printed))
        return not shown or doctest.OutputChecker().check_output(shown, settled(output), RULES)


def steps(page: str) -> list[File | Command]:
    """Return everything that the page asks for, in order. Raises ValueError for a malformed block."""
    return [step for kind, text in BLOCK.findall(page) for step in ([file(text)] if kind == "yaml" else commands(text))]


def file(block: str) -> File:
    """The file that a block of YAML is."""
    named = re.match(r"# (\S+\.yaml)\n", block)
    if named is None:
        raise ValueError(f"the first line does not name the file:\n{block}")
    return File(named.group(1), block)


def commands(block: str) -> list[Command]:
    """The commands of a block of the console."""
    if not block.startswith(PROMPT):
        raise ValueError(f"the block does not begin with a command:\n{block}")
    parts = re.split(rf"^{re.escape(PROMPT)}", block, flags=re.MULTILINE)[1:]
    return [Command(text, printed) for text, _, printed in (part.partition("\n") for part in parts)]


def settled(text: str) -> str:
    """Return the text without what varies between runs, and without alignment spaces."""
    for varying, constant in VARYING.items():
        text = re.sub(varying, constant, text)
    return text
