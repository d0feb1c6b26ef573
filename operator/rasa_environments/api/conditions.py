"""Conditions as Kubernetes tools understand them (kstatus), and the reasons that this operator uses."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from rasa_environments.api.base import ApiModel, Generation
from rasa_environments.api.rules import Keyed

ConditionStatus: TypeAlias = Literal["True", "False", "Unknown"]


class ConditionType(StrEnum):
    """Every condition type that the operator writes."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    AVAILABLE = "Available"
    MODEL_AVAILABLE = "ModelAvailable"
    MODEL_SERVED = "ModelServed"
    CONVERSATIONS_PERSISTED = "ConversationsPersisted"
    LICENSE_VALID = "LicenseValid"
    ACTION_SERVER_AVAILABLE = "ActionServerAvailable"
    WRITABLE = "Writable"
    REGISTERED = "Registered"
    TAGGED = "Tagged"
    SERVED = "Served"
    PROMOTED = "Promoted"
    VERIFIED = "Verified"


class Reason(StrEnum):
    """Every reason of a condition, one per cause, in CamelCase; listed in docs/reference/conditions.md."""

    # All is well.
    READY = "Ready"
    SETTLED = "Settled"
    TAGGED = "Tagged"
    SERVED = "Served"
    SERVED_UNCHECKED = "ServedUnchecked"
    PROMOTED = "Promoted"
    PINNED = "Pinned"
    MODEL_FOUND = "ModelFound"
    AVAILABLE = "Available"
    PERSISTED = "Persisted"
    WRITABLE = "Writable"
    REGISTERED = "Registered"
    LICENSED = "Licensed"

    # It is on its way.
    WAITING_FOR_PODS = "WaitingForPods"
    WAITING_FOR_DELETION = "WaitingForDeletion"
    ANOTHER_MODEL_SERVED = "AnotherModelServed"
    NO_MODEL_SERVED = "NoModelServed"
    MODEL_LOST = "ModelLost"
    ACTION_SERVER_NOT_READY = "ActionServerNotReady"
    NO_ENVIRONMENT = "NoEnvironment"
    NO_PODS = "NoPods"
    PODS_UNREACHABLE = "PodsUnreachable"
    PENDING = "Pending"

    # A model waits to be promoted.
    SOAKING = "Soaking"
    APPROVAL_PENDING = "ApprovalPending"
    OUTSIDE_WINDOW = "OutsideWindow"
    FROZEN = "Frozen"
    SOURCE_NOT_FOUND = "SourceNotFound"
    PROMOTION_CYCLE = "PromotionCycle"
    UPLOAD_TIME_UNKNOWN = "UploadTimeUnknown"

    # The model server.
    MODEL_SERVER_NOT_FOUND = "ModelServerNotFound"
    REF_NOT_PERMITTED = "RefNotPermitted"
    MODEL_SERVER_UNREACHABLE = "ModelServerUnreachable"
    UNEXPECTED_ANSWER = "UnexpectedAnswer"
    UNAUTHORIZED = "Unauthorized"
    NO_WRITE_CREDENTIALS = "NoWriteCredentials"
    MODEL_NOT_FOUND = "ModelNotFound"
    TAG_NOT_FOUND = "TagNotFound"
    TAG_REFUSED = "TagRefused"
    HASH_MISMATCH = "HashMismatch"
    MODEL_INCOMPATIBLE = "ModelIncompatible"
    MODEL_UNKNOWN = "ModelUnknown"
    WORKERS_UNHEARD = "WorkersUnheard"

    # The verification of a model.
    VERIFYING = "Verifying"
    VERIFIED = "Verified"
    MODEL_REJECTED = "ModelRejected"
    VERIFICATION_FAILED = "VerificationFailed"
    VERIFICATION_TIMED_OUT = "VerificationTimedOut"
    CONVERSATIONS_INVALID = "ConversationsInvalid"
    JOB_REFUSED = "JobRefused"
    NO_CANDIDATE = "NoCandidate"

    # The registry of environments.
    REGISTRATION_PENDING = "RegistrationPending"
    REGISTRATION_REFUSED = "RegistrationRefused"
    REGISTRY_INCOMPLETE = "RegistryIncomplete"
    REGISTERED_BY_ANOTHER = "RegisteredByAnother"

    # What a person has to put right.
    SUSPENDED = "Suspended"
    INVALID_SPEC = "InvalidSpec"
    ENVIRONMENT_CONFLICT = "EnvironmentConflict"
    TAG_CONFLICT = "TagConflict"
    QUEUE_CONFLICT = "QueueConflict"
    DATABASE_CONFLICT = "DatabaseConflict"
    HOST_CONFLICT = "HostConflict"
    EXTERNAL_SERVER_UNREACHABLE = "ExternalServerUnreachable"
    ADDRESS_REFUSED = "AddressRefused"
    SECRET_NOT_FOUND = "SecretNotFound"
    SECRET_KEY_NOT_FOUND = "SecretKeyNotFound"
    NAME_CONFLICT = "NameConflict"
    CHILD_CONTENDED = "ChildContended"
    REFUSED_BY_API_SERVER = "RefusedByAPIServer"
    INTERNAL_ERROR = "InternalError"
    DEPLOYMENT_FAILED = "DeploymentFailed"

    # The licence of Rasa Pro.
    LICENSE_EXPIRING = "LicenseExpiring"
    LICENSE_EXPIRED = "LicenseExpired"
    LICENSE_UNKNOWN = "LicenseUnknown"

    # Where conversations are kept.
    IN_MEMORY = "InMemory"
    NOT_SHARED = "NotShared"
    NO_LOCK_STORE = "NoLockStore"
    CONFIGURED_ELSEWHERE = "ConfiguredElsewhere"


def known_reason(reason: str) -> Reason:
    """Return the reason of a stored condition; Pending for one that this version does not know."""
    try:
        return Reason(reason)
    except ValueError:
        return Reason.PENDING


_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_TYPE_PATTERN = rf"^({_LABEL}(\.{_LABEL})*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
_REASON_PATTERN = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"


_INTERNED: Final = AfterValidator(sys.intern)
"""Keeps each text once: the conditions of all environments repeat a few."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a status (limits and patterns are those of metav1.Condition in k8s.io/apimachinery)."""

    # A dataclass, since each reconciliation makes seven: in a twentieth of the time that an ApiModel takes, and in a
    # tenth of the memory. What comes from outside is validated by the same rules.
    __pydantic_config__: ClassVar[ConfigDict] = ApiModel.model_config

    type: Annotated[str, Field(max_length=316, pattern=_TYPE_PATTERN), _INTERNED]
    """Type of the condition in CamelCase."""
    status: ConditionStatus
    """Whether the condition holds: True, False or Unknown."""
    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern=_REASON_PATTERN), _INTERNED]
    """Cause of the last transition in CamelCase; docs/reference/conditions.md lists them."""
    message: Annotated[str, Field(max_length=32768), _INTERNED]
    """The problem, where it is, and how to fix it."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"}), _INTERNED]
    """When the status last changed (RFC 3339, UTC)."""
    observed_generation: Generation | None = None
    """The metadata.generation that this condition describes."""


Conditions: TypeAlias = Annotated[list[Condition], Field(max_length=16), Keyed(("type",))]
CONDITIONS: Final = TypeAdapter(Conditions, config=ConfigDict(defer_build=True))
"""Writes conditions as JSON."""
