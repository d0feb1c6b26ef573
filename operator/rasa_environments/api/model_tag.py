"""ModelTag: which model has a tag."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import (
    LONGEST_STATUS_TEXT,
    ApiModel,
    Metadata,
    ModelReference,
    ModelServerRef,
    Observed,
    Status,
    StatusText,
    TagName,
)
from rasa_environments.api.conditions import Conditions, ConditionStatus
from rasa_environments.api.rules import Keyed, Rule, TransitionRule, at_most_one_of, matches, rule
from rasa_environments.api.verification import (
    MAXIMUM_REJECTED,
    MAXIMUM_VERIFICATIONS,
    RETRY_ANNOTATION,
    RejectedModel,
    Verification,
    VerificationRecord,
)
from rasa_environments.api.workload import Image

MAXIMUM_TAG_LENGTH = 63
MAXIMUM_HISTORY = 100
MAXIMUM_SOAK_SECONDS = 31_536_000
MAXIMUM_REQUIRED_APPROVALS = 16
MAXIMUM_APPROVALS = 32
MAXIMUM_FOLLOWERS = 256
"""Maximum number of environments in a status."""
PROMOTED_BY_ANNOTATION = "rasa-environments.io/promoted-by"
"""Annotation of a ModelTag: the user who created it, or who last changed its model or allowed it although it is
incompatible. Set by an admission policy, which keeps everybody else from changing it (manifests/promotion)."""

ModelName = Annotated[
    str,
    Field(max_length=200),
    matches(
        "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        "must be the name of a model, for example 20260101-120000: letters, digits, '.', '_' and '-'",
    ),
    Rule(
        "!self.endsWith('.tar.gz')",
        "must be the name of a model without .tar.gz",
        lambda name: not name.endswith(".tar.gz"),
    ),
]


class PromoteFrom(ApiModel):
    """Where the tag gets its model from, and what has to be the case first."""

    tag: TagName
    """Tag whose model is promoted. A ModelTag in the same namespace, of the same ModelServer, must have it, and every
    environment that pulls it must serve the model."""
    soak_seconds: Annotated[int, Field(ge=0, le=MAXIMUM_SOAK_SECONDS, strict=True)] = 0
    """Seconds for which all of these environments must have served the model without interruption."""
    approvals: Annotated[int, Field(ge=0, le=MAXIMUM_REQUIRED_APPROVALS, strict=True)] = 0
    """Number of people who must have approved the model in `spec.approvals`. If it is two or more, whoever promoted the
    model to the other tag does not count."""


class Follow(ApiModel):
    """Which models of the server the tag gets."""

    name_pattern: Annotated[
        str,
        Field(max_length=200),
        matches(
            "^[A-Za-z0-9._*?-]+$",
            "must be a pattern for names of models, for example main-*: * stands for any characters, ? for one",
        ),
    ]
    """Pattern for the names of models, for example main-*. `*` stands for any characters, `?` for one."""
    newest_by: Literal["TrainingTime", "UploadTime", "Name"] = "TrainingTime"
    """Which of the matching models is the newest: the one that was trained last, that reached the model server last, or
    whose name comes last, character by character. Rasa X does not say when a model reached it."""


class Approval(ApiModel):
    """A person's approval of one model, with this very content."""

    model: ModelName
    """Name of the model."""
    hash: Annotated[str, Field(min_length=1, max_length=128)]
    """Hash of the model, as in status.candidateModel."""
    approved_by: Annotated[str, Field(max_length=1024)] | None = None
    """User who approved it. Set by an admission policy to whoever adds the entry; it can never be another's name."""


class TaggedActionServer(ApiModel):
    """The action server that goes with the model."""

    image: Image
    """Container image of the action server, for example registry.example.com/support-actions:1.4."""


class ModelTagSpec(ApiModel):
    """Desired state of a tag."""

    _one_source = at_most_one_of("promoteFrom", "follow")

    model: ModelName | None = None
    """Name of the model to give the tag to, for example 20260101-120000 (without .tar.gz). It takes precedence over
    `promoteFrom` and `follow`, which pause until the field is removed. With none of them, the tag stays where it is
    and is only monitored."""
    promote_from: PromoteFrom | None = None
    """Promotes the model of another tag, as soon as it has proven itself there."""
    follow: Follow | None = None
    """Promotes the newest model on the server that matches, as soon as it is listed."""
    approvals: Annotated[list[Approval], Field(max_length=MAXIMUM_APPROVALS)] | None = None
    """Who approved which model, for `promoteFrom.approvals`. `kubectl rasa approve` adds an entry."""
    allow_incompatible_model: ModelName | None = None
    """Name of a model to give the tag to even if an environment that pulls the tag runs a version of Rasa that cannot
    load it. Has no effect on other models, so that the next promotion is checked again."""
    action_server: TaggedActionServer | None = None
    """The action server that goes with the model. Environments of this namespace that pull the tag and have an
    `actionServer` run this image instead of their own, and the tag moves to another model only once they do."""
    verification: Verification | None = None
    """How a model is verified before and after it gets the tag; without it, every model gets the tag at once."""
    tag: TagName | None = None
    """Tag to give to the model on the server; default metadata.name. Immutable."""
    model_server_ref: ModelServerRef | None = None
    """ModelServer that holds the model; default the one called `default` in the tag's namespace. Immutable."""
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """Whether to keep the tag on the server (Retain) or remove it (Delete) when this object is deleted. It is kept if
    the whole namespace is deleted."""
    history_limit: Annotated[int, Field(ge=0, le=MAXIMUM_HISTORY, strict=True)] = 10
    """Number of earlier models to keep in the status."""


class ServedModel(ModelReference):
    """A model that every environment that pulls the tag serves."""

    served_time: str = Field(json_schema_extra={"format": "date-time"})
    """Since when they serve it without interruption, as far as the operator saw (RFC 3339, UTC)."""


class HistoryEntry(ApiModel):
    """A model that had the tag."""

    model: StatusText
    """Name of the model."""
    hash: StatusText
    """Hash of the model, as the model server reports it."""
    tagged_time: str = Field(json_schema_extra={"format": "date-time"})
    """When the operator first saw the model with the tag (RFC 3339, UTC)."""
    promoted_by: StatusText | None = None
    """User who promoted the model, from the annotation rasa-environments.io/promoted-by at that time; absent without
    that annotation, if no person did, and if the model's content was replaced on the server."""
    cause: Literal["Promotion", "Rollback", "PromoteFrom", "Follow", "Replacement"] | None = None
    """Why the tag got the model: a person set `spec.model`, to a new model or to one that had the tag before; it came
    from the tag in `promoteFrom`, or was the newest for `follow`; its content was replaced on the server; or the model
    before was rejected (Rollback). Absent if nobody asked for it."""
    message: StatusText | None = None
    """For PromoteFrom and Follow: what let the model through; for Rollback: which model was rejected, if one was."""
    live_verification: Literal["Succeeded", "Failed"] | None = None
    """Result of the model's verification against the environments that pull the tag; absent without one."""
    action_server_image: StatusText | None = None
    """Image of the action server that the spec last named for the model; absent if it named none."""


class Follower(ApiModel):
    """An environment that pulls the tag."""

    namespace: StatusText
    """Namespace of the environment."""
    name: StatusText
    """Name of the environment."""
    served: ConditionStatus
    """Whether every pod of the environment serves the tagged model."""
    ready: ConditionStatus
    """Whether the environment is Ready."""


class ModelTagStatus(Status):
    """Observed state of a tag."""

    tag: StatusText | None = None
    """Name of the tag on the server."""
    desired_model: ModelReference | None = None
    """Model that should have the tag, its hash empty if unknown: the last one that `promoteFrom`, `follow` and
    `verification` let through; absent if nothing says which model the tag should have."""
    candidate_model: ModelReference | None = None
    """Model that is to have the tag next; the conditions Promoted and Verified say what it waits for."""
    served_model: ServedModel | None = None
    """Model that every environment that pulls the tag serves; absent while one does not, or it is unknown."""
    tagged_model: ModelReference | None = None
    """Model that has the tag."""
    previous_model: ModelReference | None = None
    """Model that had the tag before, and the target of a rollback."""
    history: Annotated[list[HistoryEntry], Field(max_length=MAXIMUM_HISTORY)] | None = None
    """Models that had the tag, the latest first: what was promoted, when, and by whom."""
    rejected: Annotated[list[RejectedModel], Field(max_length=MAXIMUM_REJECTED)] | None = None
    """Models that failed their verification, the latest first. They do not get the tag until `spec.model` names another
    one, or the annotation rasa-environments.io/retry-requested-at gets a new value."""
    verifications: Annotated[list[VerificationRecord], Field(max_length=MAXIMUM_VERIFICATIONS)] | None = None
    """Verifications of models, the latest first."""
    last_handled_retry_at: StatusText | None = None
    """Value of the annotation rasa-environments.io/retry-requested-at that was last acted on."""
    environments: (
        Annotated[list[Follower], Field(max_length=MAXIMUM_FOLLOWERS), Keyed(("namespace", "name"))] | None
    ) = None
    """Environments that pull the tag."""
    conditions: Conditions | None = None
    """Ready, Tagged, Served, Reconciling and Stalled, and Promoted with `promoteFrom`, `follow`, or while a
    model waits."""


class ModelTag(ApiModel):
    """Which model has a tag: changing `spec.model` promotes a model."""

    @rule(
        f"has(self.spec.tag) || self.metadata.name.size() <= {MAXIMUM_TAG_LENGTH}",
        f"metadata.name is the tag and may have at most {MAXIMUM_TAG_LENGTH} characters; for another tag set spec.tag",
        ".metadata.name",
    )
    def _name_can_be_a_tag(self) -> bool:
        return self.spec.tag is not None or len(self.metadata.name) <= MAXIMUM_TAG_LENGTH

    @rule(
        "!has(self.spec.promoteFrom)"
        " || self.spec.promoteFrom.tag != (has(self.spec.tag) ? self.spec.tag : self.metadata.name)",
        "spec.promoteFrom.tag may not be the tag itself: name the tag that models prove themselves under",
        ".spec.promoteFrom.tag",
    )
    def _comes_from_another_tag(self) -> bool:
        return self.spec.promote_from is None or self.spec.promote_from.tag != self.tag

    _tag_stays = TransitionRule(
        "(has(self.spec.tag) ? self.spec.tag : self.metadata.name)"
        " == (has(oldSelf.spec.tag) ? oldSelf.spec.tag : oldSelf.metadata.name)",
        "spec.tag may not be changed: the history is that of one tag; create another ModelTag instead",
        ".spec.tag",
    )

    _model_server_stays = TransitionRule(
        "(has(self.spec.modelServerRef) ? self.spec.modelServerRef.name : 'default')"
        " == (has(oldSelf.spec.modelServerRef) ? oldSelf.spec.modelServerRef.name : 'default')"
        " && (has(self.spec.modelServerRef) && has(self.spec.modelServerRef.__namespace__)"
        " ? self.spec.modelServerRef.__namespace__ : '')"
        " == (has(oldSelf.spec.modelServerRef) && has(oldSelf.spec.modelServerRef.__namespace__)"
        " ? oldSelf.spec.modelServerRef.__namespace__ : '')",
        "spec.modelServerRef may not be changed: the history is that of one server; create another ModelTag instead",
        ".spec.modelServerRef",
    )

    metadata: Metadata
    spec: ModelTagSpec
    status: Observed[ModelTagStatus] = ModelTagStatus()

    @property
    def tag(self) -> str:
        """The tag: that of the spec, or the object's name."""
        return self.spec.tag or self.metadata.name

    @property
    def action_server_image(self) -> str | None:
        """Image of the action server that goes with the model, if the spec names one."""
        return self.spec.action_server.image if self.spec.action_server is not None else None

    @property
    def promoted_by(self) -> str | None:
        """The user who promoted the model of the spec, if admission recorded one."""
        return self.metadata.annotations.get(PROMOTED_BY_ANNOTATION) or None

    @property
    def retry_requested_at(self) -> str | None:
        """The value with which a retry of a verification was last requested."""
        return self.metadata.annotations.get(RETRY_ANNOTATION, "")[:LONGEST_STATUS_TEXT] or None
