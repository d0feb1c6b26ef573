"""Whether a file can be a model, checked without a model server."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path
from typing import Final

from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError
from rasa_environments.rasa.listing import MODEL_SUFFIX

DESCRIPTIONS: Final = frozenset({"metadata.json", "fingerprint.json"})
"""Says how a model was trained: the first in Rasa 3, the second in Rasa 1 and 2."""


def check_model_file(file: Path) -> None:
    """Raise CommandError if the file is no archive that `rasa train` could have written; all of it is read."""
    if not file.name.endswith(MODEL_SUFFIX):
        raise _no_model(file, f"its name does not end in {MODEL_SUFFIX}")
    try:
        with tarfile.open(file, "r|gz") as archive:
            names = {member.name.removeprefix("./") for member in archive}
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise _no_model(file, f"it cannot be read as tar.gz: {error}") from None
    if not names & DESCRIPTIONS:
        raise _no_model(file, f"it has neither {' nor '.join(sorted(DESCRIPTIONS, reverse=True))}")


def _no_model(file: Path, reason: str) -> CommandError:
    return CommandError(f"{file} is no model ({reason}); give a file that rasa train has written", ExitCode.REFUSED)
