"""Which model a tag should carry, where that comes from, and what the next one waits for.

What was decided is in the status: `status.desiredModel` stays what it is until another model is let through. So the
time at which a model is let through counts once, and nothing that happens later takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from rasa_environments.api.base import ModelReference
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import Follow, ModelTag, ModelTagStatus
from rasa_environments.domain.approvals import approvals_pending, approvers
from rasa_environments.domain.facts import ServerObservation, TaggedModel
from rasa_environments.domain.live_results import good_models, passed_live
from rasa_environments.domain.newest_model import newest_model
from rasa_environments.domain.promotion_source import Source, soaking
from rasa_environments.domain.promotion_windows import held
from rasa_environments.domain.waiting import Waiting, combined

LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Origin(StrEnum):
    """Where a desired model comes from."""

    NONE = ""
    SPEC = "spec.model"
    PROMOTE_FROM = "spec.promoteFrom"
    FOLLOW = "spec.follow"


@dataclass(frozen=True)
class Circumstances:
    """What decides which model a tag should carry, besides its ModelTag."""

    now: datetime = LONG_AGO
    source: Source | Waiting | None = None
    """The ModelTag that models come from, or why there is none."""
    server: ModelServer | None = None
    """The ModelServer, whose freeze and windows hold promotions; without it, and if the tag is not this ModelTag's to
    set, nothing is let through."""
    observation: ServerObservation = field(default_factory=ServerObservation)


@dataclass(frozen=True)
class DesiredModel:
    """The model that a tag should carry."""

    name: str | None
    """Name of the model; None leaves the tag where it is."""
    origin: Origin = Origin.NONE
    hash: str = ""
    """Hash of the model that was let through; empty if unknown."""
    candidate: ModelReference | None = None
    """The model that is to have the tag next."""
    waiting: Waiting | None = None
    """What that one waits for."""
    let_through_by: str = ""
    """What let a model through that nobody named, in words."""
    is_of_its_time: bool = False
    """Whether what let the model through may be different later."""
    rolled_back_because: str = ""
    """Why the tag goes back to this model without a person asking for it, in words."""

    def is_decision(self, before: ModelTagStatus) -> bool:
        """Return whether the model is let through only now, by what may be different later: to be recorded first."""
        recorded = before.desired_model.name if before.desired_model is not None else None
        return self.is_of_its_time and self.name != recorded


def desired_model(tag: ModelTag, circumstances: Circumstances) -> DesiredModel:
    """Return the model that the tag should carry: that of the spec, else what promoteFrom or follow let through.

    While the next one waits, it is the one that was let through last.
    """
    if tag.spec.model is not None:
        return _pinned(tag, tag.spec.model, circumstances)
    if tag.spec.promote_from is not None:
        return _promoted(tag, circumstances)
    if tag.spec.follow is not None:
        return _followed(tag, tag.spec.follow, circumstances)
    return DesiredModel(None)


def _pinned(tag: ModelTag, model: str, circumstances: Circumstances) -> DesiredModel:
    """Return the model of the spec, unless the ModelServer holds promotions; a rollback is never held."""
    kept, server = _kept(tag, Origin.SPEC, circumstances), circumstances.server
    if kept.name == model or _is_rollback(tag, model, circumstances):
        return DesiredModel(model, Origin.SPEC)
    if server is None:
        return kept
    waiting = held(server, tag.tag, circumstances.now)
    if waiting is None:
        return DesiredModel(model, Origin.SPEC, is_of_its_time=bool(server.spec.promotion_windows))
    listed = circumstances.observation.models.get(model)
    return _waiting(kept, ModelReference(name=model, hash=listed.hash if listed is not None else ""), waiting)


def _is_rollback(tag: ModelTag, model: str, circumstances: Circumstances) -> bool:
    """Return whether the tag had the model before, with the content that the server lists, if it lists any.

    A model that failed its verification there is none to go back to.
    """
    listed = circumstances.observation.models.get(model)
    had = good_models(tag.status)
    return any(name == model and (listed is None or hash_ == listed.hash) for name, hash_ in had)


def _paused(tag: ModelTag) -> Waiting | None:
    """Return that no other model gets the tag on its own, since the present one was rejected and is to stay."""
    verification, tagged = tag.spec.verification, tag.status.tagged_model
    if verification is None or verification.on_failure != "Hold" or tagged is None:
        return None
    if (tagged.name, tagged.hash) not in {(each.name, each.hash) for each in tag.status.rejected or ()}:
        return None
    return Waiting(
        Reason.MODEL_REJECTED,
        f"model {tagged.name} failed its verification and keeps tag {tag.tag}, since spec.verification.onFailure is "
        "Hold: set spec.model, or request another verification",
    )


def _promoted(tag: ModelTag, circumstances: Circumstances) -> DesiredModel:
    """Return the model of the source if nothing holds it, else the one that was let through last."""
    source, kept, paused = circumstances.source, _kept(tag, Origin.PROMOTE_FROM, circumstances), _paused(tag)
    if paused is not None:
        return _waiting(kept, None, paused)
    if source is None or isinstance(source, Waiting) or circumstances.server is None:
        return _waiting(kept, None, source if isinstance(source, Waiting) else None)
    candidate = source.tag.status.tagged_model
    if candidate is None:
        return _waiting(kept, None, Waiting(Reason.SOAKING, f"no model is known to carry tag {source.tag.tag} yet"))
    return _unless_held(kept, candidate, _gates(tag, source, candidate, circumstances), _basis(tag, source))


def _followed(tag: ModelTag, follow: Follow, circumstances: Circumstances) -> DesiredModel:
    """Return the newest model that matches if nothing holds it, else the one that was let through last."""
    kept, observation = _kept(tag, Origin.FOLLOW, circumstances), circumstances.observation
    server, paused = circumstances.server, _paused(tag)
    if paused is not None:
        return _waiting(kept, None, paused)
    if server is None or not observation.known or observation.problem is not None:
        return kept
    newest = newest_model(follow, observation.models.values())
    if isinstance(newest, Waiting):
        return _waiting(kept, None, newest)
    candidate, gate = ModelReference(name=newest.name, hash=newest.hash), held(server, tag.tag, circumstances.now)
    basis = f"the newest model that matches {follow.name_pattern}"
    return _unless_held(kept, candidate, [gate] if gate is not None else [], basis)


def _unless_held(kept: DesiredModel, candidate: ModelReference, gates: Iterable[Waiting], basis: str) -> DesiredModel:
    """Return the candidate if no gate holds it, or it has the tag already."""
    if kept.name == candidate.name:
        return replace(kept, let_through_by=basis)
    waiting = combined(tuple(gates))
    if waiting is not None:
        return _waiting(kept, candidate, waiting)
    return DesiredModel(candidate.name, kept.origin, candidate.hash, let_through_by=basis, is_of_its_time=True)


def _gates(tag: ModelTag, source: Source, candidate: ModelReference, circumstances: Circumstances) -> Iterator[Waiting]:
    """Yield what the candidate waits for."""
    seconds = tag.spec.promote_from.soak_seconds if tag.spec.promote_from is not None else 0
    listed = circumstances.observation.models.get(candidate.name)
    soak = soaking(source, candidate, seconds, circumstances.now)
    # Whether a window is open counts at the end of the soak.
    ready_at = circumstances.now if soak is None or soak.until is None else max(circumstances.now, soak.until)
    server = circumstances.server
    gates = (
        _replaced(source, candidate) if listed is not None and listed.hash != candidate.hash else None,
        soak,
        _unverified(source, candidate),
        approvals_pending(tag, candidate, source.authors),
        held(server, tag.tag, ready_at) if server is not None else None,
    )
    return (gate for gate in gates if gate is not None)


def _replaced(source: Source, candidate: ModelReference) -> Waiting:
    return Waiting(
        Reason.SOAKING,
        f"the content of model {candidate.name} was replaced on the model server; the environments of tag "
        f"{source.tag.tag} have yet to serve it",
    )


def _unverified(source: Source, candidate: ModelReference) -> Waiting | None:
    """Return that the candidate has not passed under the source's tag, if that is verified live."""
    tag = source.tag
    if tag.spec.verification is None or tag.spec.verification.live is None or passed_live(tag.status, candidate):
        return None
    return Waiting(
        Reason.VERIFYING,
        f"model {candidate.name} has not passed the live verification under tag {tag.tag}; see the condition Verified "
        f"of ModelTag {tag.metadata.name}",
    )


def _basis(tag: ModelTag, source: Source) -> str:
    """Return what lets the model of the source through."""
    served, model = source.tag.status.served_model, source.tag.status.tagged_model
    if model is None or served is None or served.name != model.name:
        return f"from tag {source.tag.tag}"
    names = approvers(tag, model, source.authors) if tag.spec.promote_from and tag.spec.promote_from.approvals else ()
    approved = f", approved by {', '.join(names)}" if names else ""
    return f"from tag {source.tag.tag}, served there since {served.served_time}{approved}"


def _kept(tag: ModelTag, origin: Origin, circumstances: Circumstances) -> DesiredModel:
    """Return the model that the tag should carry until another one is let through.

    It is the one that was let through last; before the first, the one that the tag is found on.
    """
    known = tag.status.desired_model or tag.status.tagged_model or circumstances.observation.tags.get(tag.tag)
    return DesiredModel(None, origin) if known is None else DesiredModel(known.name, origin, known.hash)


def _waiting(kept: DesiredModel, candidate: ModelReference | None, waiting: Waiting | None) -> DesiredModel:
    return replace(kept, candidate=candidate, waiting=waiting)


def reference_to_desired(
    desired: DesiredModel, before: ModelReference | None, tagged: TaggedModel | None, observation: ServerObservation
) -> ModelReference | None:
    """Return the desired model with its hash, which is empty if unknown.

    `before` is the reference in the status, whose hash holds while the server cannot be asked, and `tagged` the model
    that has the tag.
    """
    if desired.name is None:
        return None
    known = tagged if tagged is not None and tagged.name == desired.name else observation.models.get(desired.name)
    if known is not None:
        return ModelReference(name=known.name, hash=known.hash)
    remembered = before.hash if before is not None and before.name == desired.name else ""
    return ModelReference(name=desired.name, hash=remembered or desired.hash)
