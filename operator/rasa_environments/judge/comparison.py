"""Comparison of the model that a Rasa server reports with the desired one. Pure."""

from __future__ import annotations

from rasa_environments.api.conditions import ConditionStatus, Reason
from rasa_environments.domain.facts import ProbeResult, TaggedModel

FALLBACK_NAME = "model"
"""Rasa's name for a model from a server that sends no `filename` header: model.tar.gz (observed with 3.6.21)."""

UNREAD = "the file of the tag has not been read yet"


def serves(answer: ProbeResult, wanted: TaggedModel) -> ConditionStatus:
    """Return whether the server serves the desired model: True, False, or Unknown if they cannot be compared.

    Names are compared if both sides have one: Rasa's fallback name is none, and neither is the hash that stands in for
    the name of an unnamed model. Otherwise ids are compared, which belong to the model itself.
    """
    if not answer.known:
        return "Unknown"
    if not answer.serves_one:
        return "False"
    by_name = _both_named(answer, wanted)
    if not by_name and answer.model_id is not None and wanted.model_id is not None:
        return "True" if answer.model_id == wanted.model_id else "False"
    if answer.model is not None and answer.model == wanted.name:
        return "True"
    return "False" if by_name else "Unknown"


def _both_named(answer: ProbeResult, wanted: TaggedModel) -> bool:
    return wanted.named and answer.model is not None and answer.model != FALLBACK_NAME


def serves_what_is_wanted(answer: ProbeResult, wanted: TaggedModel | None) -> ConditionStatus:
    """Return whether the server serves the desired model, or none if none is desired; Unknown if that is unknown."""
    if wanted is not None:
        return serves(answer, wanted)
    if not answer.known:
        return "Unknown"
    return "False" if answer.serves_one else "True"


def proves_another(answer: ProbeResult, wanted: TaggedModel) -> bool:
    """Return whether the server is known to serve another model, or none.

    A server that reports only the time of a training that the model server does not list serves another model, unless
    the training time of the desired model is unknown, too.
    """
    if answer.problem is not None:  # An earlier answer proves nothing.
        return answer.reason is Reason.MODEL_UNKNOWN and (wanted.named or wanted.trained_at is not None)
    return serves(answer, wanted) == "False"


def not_comparable(answer: ProbeResult, wanted: TaggedModel) -> str:
    """Explain why it is unknown whether the server serves the desired model, and what to do about it."""
    called = f"{answer.server} serves a model that it calls {answer.model or 'nothing'}"
    if wanted.named:
        return (
            f"{called}, as Rasa does where it pulls without the header `filename`: whether that is {wanted.name} is "
            "not known; let what stands before the model server keep this header"
        )
    why = wanted.unidentified or UNREAD
    return (
        f"{called}; whether that is the file of the tag (ETag {wanted.hash}) is not known, since the model server "
        f"names no models: {why}. A header `filename` with a name for each model, ending in .tar.gz, tells it, too"
    )


def unread(answer: ProbeResult, wanted: TaggedModel | None) -> str:
    """Return a suffix for servers that report a training time only, while that of the desired file is unknown."""
    if answer.reason is not Reason.MODEL_UNKNOWN or wanted is None or wanted.named or wanted.trained_at is not None:
        return ""
    return f"; {wanted.unidentified or UNREAD}"


def served_name(answer: ProbeResult, wanted: TaggedModel | None) -> str:
    """Return the name of the served model, which is that of the desired model if they are the same."""
    if wanted is not None and serves(answer, wanted) == "True":
        return wanted.name
    return answer.model or (FALLBACK_NAME if answer.serves_one else "no model")


def described(answer: ProbeResult) -> str:
    """Return the served model for a message, with its id if Rasa's name for it is ambiguous."""
    name = served_name(answer, None)
    return f"{name} (id {answer.model_id})" if answer.model in (None, FALLBACK_NAME) and answer.model_id else name


def described_wanted(answer: ProbeResult, wanted: TaggedModel) -> str:
    """Return the desired model for a message that also names a served one."""
    by_id = answer.model_id and wanted.model_id and not _both_named(answer, wanted)
    return f"{wanted.name} (id {wanted.model_id})" if by_id else wanted.name
