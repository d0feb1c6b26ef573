"""Whether what a Rasa server says it serves is the model that is wanted. Pure."""

from __future__ import annotations

from rasa_environments.api.conditions import Reason, Truth
from rasa_environments.domain.facts import ServedFact, TaggedModel

FALLBACK_NAME = "model"
"""What Rasa calls a model that it pulled from a server which names none by the header `filename`: model.tar.gz (seen
with 3.6.21)."""

UNREAD = "the file of the tag has not been read yet"


def serves(answer: ServedFact, wanted: TaggedModel) -> Truth:
    """True, False, or Unknown where the two cannot be compared.

    Ids come first: they are of the model itself. A name is compared where both sides have one; the fallback of a Rasa
    server is none, and neither is the hash that stands for a model without a name.
    """
    if not answer.known:
        return "Unknown"
    if not answer.serves_one:
        return "False"
    if answer.model_id is not None and wanted.model_id is not None:
        return "True" if answer.model_id == wanted.model_id else "False"
    if answer.model is not None and answer.model == wanted.name:
        return "True"
    comparable = wanted.named and answer.model is not None and answer.model != FALLBACK_NAME
    return "False" if comparable else "Unknown"


def proves_another(answer: ServedFact, wanted: TaggedModel) -> bool:
    """Whether the server is known to serve something else, or nothing.

    One that tells only the time of a training, of which the model server lists none, serves something else, unless the
    time at which the wanted model was trained is not known either.
    """
    if answer.problem is not None:  # Nothing is concluded from an answer that was given before.
        return answer.reason is Reason.MODEL_UNKNOWN and (wanted.named or wanted.trained_at is not None)
    return serves(answer, wanted) == "False"


def not_comparable(answer: ServedFact, wanted: TaggedModel) -> str:
    """Why it is not known whether the server serves the wanted model, and what to do."""
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


def unread(answer: ServedFact, wanted: TaggedModel | None) -> str:
    """What to add where a server tells only when its model was trained, and of the wanted file that is not known."""
    if answer.reason is not Reason.MODEL_UNKNOWN or wanted is None or wanted.named or wanted.trained_at is not None:
        return ""
    return f"; {wanted.unidentified or UNREAD}"


def served_name(answer: ServedFact, wanted: TaggedModel | None) -> str:
    """What to call the model that the server serves: as the wanted one where it is that one."""
    if wanted is not None and serves(answer, wanted) == "True":
        return wanted.name
    return answer.model or (FALLBACK_NAME if answer.serves_one else "no model")


def told(answer: ServedFact) -> str:
    """The model of an answer in a message, told from others that Rasa calls alike."""
    name = served_name(answer, None)
    return f"{name} (id {answer.model_id})" if answer.model in (None, FALLBACK_NAME) and answer.model_id else name


def told_wanted(answer: ServedFact, wanted: TaggedModel) -> str:
    """The wanted model in a message, beside an answer that is told."""
    return f"{wanted.name} (id {wanted.model_id})" if answer.model_id and wanted.model_id else wanted.name
