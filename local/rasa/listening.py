"""`python listening.py INTERFACE PROGRAM ARGUMENT...` runs a `rasa` program that listens only on that interface.

Rasa 1.x and 2.x listen on every interface, and have no option for it; 3.x has `--interface`. This works for all of them
with unchanged arguments. It runs in Rasa's virtual environment, on Python 3.7 and later.
"""

import importlib
import runpy
import sys
from pathlib import Path
from typing import Any


def listen_on(interface: str) -> None:
    """Make Sanic, which all releases of Rasa use, listen on this interface, whatever its arguments say."""
    sanic: Any = importlib.import_module("sanic")
    run = sanic.Sanic.run

    def run_there(app: Any, **options: Any) -> Any:
        return run(app, **{**options, "host": interface})

    sanic.Sanic.run = run_there


if __name__ == "__main__":
    del sys.argv[0]
    chosen = sys.argv.pop(0)
    sys.path[0] = str(Path(sys.argv[0]).parent)
    listen_on(chosen)
    runpy.run_path(sys.argv[0], run_name="__main__")
