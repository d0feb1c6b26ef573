"""Who approved a model, and whether that is enough."""

from __future__ import annotations

from rasa_environments.api.base import ModelReference
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.waiting import Waiting

WITHOUT_AUTHOR = 2
"""From this number of approvals on, the author does not count."""


def approvers(tag: ModelTag, model: ModelReference, authors: frozenset[str]) -> tuple[str, ...]:
    """Return the names of those whose approvals of the model count, sorted.

    An approval without a name, or of other content, does not count, and with two or more required approvals neither
    does that of the `authors`, who promoted the model to the tag before.
    """
    names = {
        approval.approved_by
        for approval in tag.spec.approvals or ()
        if approval.approved_by and (approval.model, approval.hash) == (model.name, model.hash)
    }
    return tuple(sorted(names - authors if _required(tag) >= WITHOUT_AUTHOR else names))


def approvals_pending(tag: ModelTag, model: ModelReference, authors: frozenset[str]) -> Waiting | None:
    """Return that the model needs more approvals, or None if it has enough."""
    required, names = _required(tag), approvers(tag, model, authors)
    if len(names) >= required:
        return None
    by = f" (by {', '.join(names)})" if names else ""
    excluded = " and ".join(sorted(authors)) if required >= WITHOUT_AUTHOR else ""
    other_than = f", of others than {excluded}, who promoted it before" if excluded else ""
    return Waiting(
        Reason.APPROVAL_PENDING,
        f"model {model.name} has {len(names)} of {required} approvals{by}{other_than}: approve it with "
        f"`kubectl rasa approve {tag.metadata.name} -n {tag.metadata.namespace}`",
    )


def _required(tag: ModelTag) -> int:
    return tag.spec.promote_from.approvals if tag.spec.promote_from is not None else 0
