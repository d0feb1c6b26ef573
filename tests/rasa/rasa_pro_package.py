"""`python rasa_pro_package.py` runs functions of an installed Rasa Pro that ask for no licence.

It reads a request as JSON from standard input and writes the answer to standard output, as JSON too. It runs in the
virtual environment of that Rasa Pro.
"""

import asyncio
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def parse(arguments: list[str], variables: dict[str, str]) -> dict[str, Any]:
    """Return what `rasa` understands of these arguments with no other variables than these."""
    os.environ.clear()
    os.environ.update(variables)
    namespace = importlib.import_module("rasa.__main__").create_argument_parser().parse_args(arguments)
    return {name: value for name, value in vars(namespace).items() if isinstance(value, str | int | list | None)}


def pull(url: str, token: str, etag: str) -> dict[str, Any]:
    """Return the ETag that Rasa has after a pull, and the files that it stored, by name with their sizes."""
    agent: Any = importlib.import_module("rasa.core.agent")
    endpoint = importlib.import_module("rasa.utils.endpoints").EndpointConfig(url, token=token)
    with tempfile.TemporaryDirectory() as directory:
        new = asyncio.run(agent._pull_model_and_fingerprint(endpoint, etag, directory))
        return {"etag": new, "files": {file.name: file.stat().st_size for file in Path(directory).iterdir()}}


def main() -> None:
    """Answer a request {"pull": {name: {...}}, "parse": {name: {...}}} by the same names.

    Parsing comes last, since it leaves no other variables than those of a command line.
    """
    asked = json.load(sys.stdin)
    pulled = {name: pull(**given) for name, given in asked["pull"].items()}
    parsed = {name: parse(**given) for name, given in asked["parse"].items()}
    print("\n" + json.dumps({"pull": pulled, "parse": parsed}))


if __name__ == "__main__":
    main()
