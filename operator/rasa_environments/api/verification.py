"""Verification of a model before and after it gets a tag, as a part of a ModelTag, and what its status says of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from rasa_environments.api.base import ATOMIC, ApiModel, ObjectName, SecretKey, StatusText
from rasa_environments.api.rules import FreeForm, at_least_one_of, without_key

MAXIMUM_FILES = 8
MAXIMUM_BACKOFF_LIMIT = 6
MAXIMUM_REJECTED = 20
MAXIMUM_VERIFICATIONS = 20
MAXIMUM_TEST_CASES = 100
"""Test cases of all environments in the latest verification."""
Stage: TypeAlias = Literal["Candidate", "Live"]
RETRY_ANNOTATION = "rasa-environments.io/retry-requested-at"
"""Annotation of a ModelTag: a new value requests that the desired model is verified again, although it was rejected;
`status.lastHandledRetryAt` then repeats it. An admission policy demands the verb `promote` of whoever sets it."""


class ConfigMapKeyRef(ApiModel):
    """A key of a ConfigMap in the namespace of the object that refers to it."""

    model_config = ATOMIC

    name: ObjectName
    """Name of the ConfigMap, in the same namespace as this object."""
    key: SecretKey
    """Key in the ConfigMap's data."""


class Conversations(ApiModel):
    """Conversations with the bot, in the YAML of Rasa's end-to-end tests."""

    config_map_key_ref: ConfigMapKeyRef
    """ConfigMap and key that hold the test cases."""


JobPodTemplate = Annotated[
    dict[str, Any],
    FreeForm("containers", "array"),
    without_key("containers", "must be under template.spec: template is {metadata, spec} of a pod"),
]


class JobSpec(ApiModel):
    """The part of a JobSpec that is free; the operator sets the others."""

    backoff_limit: Annotated[int, Field(ge=0, le=MAXIMUM_BACKOFF_LIMIT, strict=True)] = 0
    """Number of pods that may fail before the Job has failed."""
    template: JobPodTemplate
    """The pod, as in any Job. Every container gets the variables RASA_URL, RASA_TOKEN, MODEL and ENVIRONMENT. It runs
    as the ServiceAccount of the environment, by default without its token, and at the Pod Security level restricted."""


class JobTemplate(ApiModel):
    """A Job that tests a server."""

    spec: JobSpec
    """How it runs: one pod at a time."""


class Check(ApiModel):
    """What a model must pass."""

    _checks_something = at_least_one_of("conversations", "jobTemplate")

    conversations: Annotated[list[Conversations], Field(min_length=1, max_length=MAXIMUM_FILES)] | None = None
    """Files of test cases, each with `user`, `bot`, `utter`, `matches`, `slot_was_set` or `slot_was_not_set` as steps.
    All must pass, in every environment that pulls the tag; of `live`, the first that does not ends the verification."""
    job_template: JobTemplate | None = None
    """A Job that talks to the server at RASA_URL with the token RASA_TOKEN, once the conversations have passed. Its
    exit code decides: it must complete in every environment of the ModelTag's namespace that pulls the tag. It does not
    run in other namespaces. Setting it also needs `create` on jobs."""
    timeout_seconds: Annotated[int, Field(ge=30, le=7200, strict=True)] = 600
    """Seconds until all have passed: of `candidate` with the start of the servers, of `live` from the move of the tag.
    A model that has not passed by then is rejected."""


class Verification(ApiModel):
    """How a model is verified before and after it gets the tag."""

    _a_stage = at_least_one_of("candidate", "live")

    candidate: Check | None = None
    """Before: check of a candidate, a server that runs next to each environment that pulls the tag, with the
    environment's image, arguments and endpoints, but with the model that is to get the tag, without event broker, and
    with conversations in memory only. Users cannot reach it. The tag moves once the model has passed."""
    live: Check | None = None
    """After: check of the environments that pull the tag, once they serve the model. The conversations have senders of
    their own, which begin with `verification-`; RASA_URL is the Service of the environment, or its `external.url`."""
    on_failure: Literal["Rollback", "Hold"] = "Rollback"
    """What follows if `live` fails. Rollback gives the tag back to the model that passed last or, if none did, had the
    tag before; Hold leaves it where it is, and pauses `promoteFrom` and `follow`."""

    def of(self, stage: Stage) -> Check | None:
        """Return what a model must pass at that stage."""
        return self.candidate if stage == "Candidate" else self.live


class RejectedModel(ApiModel):
    """A model that failed its verification."""

    name: StatusText
    """Name of the model."""
    hash: StatusText
    """Hash of the model, as the model server reports it. Other content under the same name is verified again."""
    reason: StatusText
    """Why, in CamelCase: VerificationFailed, or VerificationTimedOut."""
    message: StatusText
    """The test case, the step, what was expected, and what the bot answered."""
    rejected_time: str = Field(json_schema_extra={"format": "date-time"})
    """When (RFC 3339, UTC)."""


class TestCase(ApiModel):
    """The result of one test case in one environment."""

    __test__ = False  # pytest would take it for a class of tests

    environment: StatusText
    """Namespace and name of the environment."""
    file: StatusText
    """Name and key of the ConfigMap, or jobTemplate."""
    name: StatusText
    """Name of the test case, or of the Job."""
    step: Annotated[int, Field(ge=1)] | None = None
    """The step that failed, counted from 1; absent if all passed, and for a Job."""
    expectation: StatusText | None = None
    """What was expected, if it failed."""
    actual: StatusText | None = None
    """What the bot answered instead, or how the Job ended, on one line of limited length."""

    @property
    def failure(self) -> str | None:
        """What failed; None if it has passed."""
        if self.step is not None:
            return f"step {self.step}: expected {self.expectation}; the bot answered: {self.actual}"
        return None if self.actual is None else f"expected {self.expectation}; {self.actual}"


class VerificationRecord(ApiModel):
    """A verification of a model."""

    name: StatusText
    """Name of the model."""
    hash: StatusText
    """Hash of the model, as the model server reports it."""
    stage: Stage
    """Candidate: before the model got the tag; Live: after."""
    conversations_digest: StatusText
    """Digest of the conversations and the jobTemplate, by which another set is told from this one."""
    result: Literal["Succeeded", "Failed"] | None = None
    """Absent while the verification is in progress."""
    start_time: str = Field(json_schema_extra={"format": "date-time"})
    """When it started (RFC 3339, UTC); with the stage Live: when the model got the tag."""
    completion_time: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    """When its result was known (RFC 3339, UTC)."""
    test_cases: Annotated[list[TestCase], Field(max_length=MAXIMUM_TEST_CASES)] | None = None
    """Results of the latest verification, failed ones first."""
