"""What became of models that were verified against the environments that pull a tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from rasa_environments.api.base import ModelReference
from rasa_environments.api.model_tag import ModelTagStatus

LiveResult: TypeAlias = Literal["Succeeded", "Failed"]


def live_results(status: ModelTagStatus) -> Mapping[tuple[str, str], LiveResult]:
    """Return the latest result of each model that was verified live, by its name and hash.

    The history keeps results for longer than the list of verifications.
    """
    results: dict[tuple[str, str], LiveResult] = {}
    for record in status.verifications or ():
        if record.stage == "Live" and record.result is not None:
            results.setdefault((record.name, record.hash), record.result)
    for entry in status.history or ():
        if entry.live_verification is not None:
            results.setdefault((entry.model, entry.hash), entry.live_verification)
    return results


def failed_live(status: ModelTagStatus, model: ModelReference) -> bool:
    """Return whether the model, with this content, failed when it was last verified live."""
    return live_results(status).get((model.name, model.hash)) == "Failed"


def passed_live(status: ModelTagStatus, model: ModelReference) -> bool:
    """Return whether the model, with this content, passed when it was last verified live."""
    return live_results(status).get((model.name, model.hash)) == "Succeeded"


def good_models(status: ModelTagStatus) -> frozenset[tuple[str, str]]:
    """Return names and hashes of the models that had the tag, without those that failed live: a rollback may go there.

    The history lacks the latest ones if it is limited.
    """
    had = {(entry.model, entry.hash) for entry in status.history or ()}
    had |= {(each.name, each.hash) for each in (status.tagged_model, status.previous_model) if each is not None}
    results = live_results(status)
    return frozenset(model for model in had if results.get(model) != "Failed")
