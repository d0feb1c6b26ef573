"""A bad model that a conversation rejects, so that no user ever meets it."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.api_server import ApiServer, RefusedError
from local.demonstration.conversation import Bot, bot_of
from local.deployed_pod import deployed_pod
from local.models import MODELS, NAMES
from local.processes import ProcessFailedError
from local.progress import Progress
from rasa_environments.api.base import API_VERSION
from rasa_environments.cli.overview import Overview

BAD_MODEL = "20260103-120000"
"""The first sample model under a new name: it greets as nobody should any more."""
CANDIDATE = "production-candidate"
POD_SECONDS = 60.0
CONVERSATION = """\
test_cases:
  - test_case: the bot greets with its present name
    steps:
      - user: hello
      - bot: Hello from model B.
"""


def verified_tag() -> list[dict[str, Any]]:
    """Return a conversation, and the ModelTag of production that wants it held before each promotion."""
    source = {"configMapKeyRef": {"name": "conversations", "key": "greeting.yaml"}}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "conversations"},
            "data": {"greeting.yaml": CONVERSATION},
        },
        {
            "apiVersion": API_VERSION,
            "kind": "ModelTag",
            "metadata": {"name": "production"},
            "spec": {"model": NAMES["b"], "verification": {"candidate": {"conversations": [source]}}},
        },
    ]


def bad_model(workspace: Path) -> Path:
    """Return the file of the bad model, written into the workspace."""
    return Path(shutil.copyfile(MODELS / f"{NAMES['a']}.tar.gz", workspace / f"{BAD_MODEL}.tar.gz"))


@contextmanager
def candidate(api: ApiServer, namespace: str, binaries: Path, progress: Progress) -> Iterator[Bot]:
    """Start Rasa in the place of the candidate's simulated pod, once there is one. Raises ProcessFailedError."""
    deadline = time.monotonic() + POD_SECONDS
    while not _has_pod(api, namespace):
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"Deployment {CANDIDATE} has no pod after {POD_SECONDS:.0f} s")
        time.sleep(0.5)
    with bot_of(api, namespace, CANDIDATE, binaries, progress) as bot:
        yield bot


def is_rejected() -> Callable[[Overview], bool]:
    """Return a check whether production's tag reports that its model was rejected."""
    return lambda seen: any(row.name == "production" and row.reason == "ModelRejected" for row in seen.tags)


def _has_pod(api: ApiServer, namespace: str) -> bool:
    try:
        return bool(deployed_pod(api, namespace, CANDIDATE))
    except (ProcessFailedError, RefusedError):
        return False
