"""The Jobs that test servers with a model: started once, looked at until they end, and deleted afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rasa_environments.api.base import JsonObject, ModelReference, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Check, JobTemplate, Stage, VerificationRecord
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import JOBS, PODS
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.verification_job import JobRun, job_key, url_of, verification_job
from rasa_environments.domain.candidates import runs_job
from rasa_environments.domain.facts import Problem, TaggedModel
from rasa_environments.domain.lister import Lister, server_of_tag
from rasa_environments.domain.verification_jobs import (
    JobResult,
    belongs_to,
    described_end,
    has_passed,
    has_started,
    obstacle,
    why_failed,
)
from rasa_environments.reconcile.ports import Jobs

REFUSALS: Final = frozenset({400, 403, 404, 413, 422})
"""Statuses of the API server that the same Job would get again: the template, a permission or a quota has to change."""
POD_LABEL: Final = "batch.kubernetes.io/job-name"
"""Label of a Job's pods (Kubernetes: Well-known labels)."""


@dataclass(frozen=True)
class TestedServer:
    """The server of an environment that a Job tests."""

    __test__ = False  # pytest would take it for a class of tests

    environment: DeploymentEnvironment
    url: str | None
    """None while it is not ready."""
    secrets: tuple[str, ...] = field(repr=False)
    """What is not repeated of what the Job says."""
    obstacle: str = ""
    """Why it is not ready."""


class VerificationJobs:
    """Runs the Jobs of one stage by `api` in the environments of `lister`.

    Between reconciliations it remembers which may exist.
    """

    def __init__(self, api: Jobs, lister: Lister, stage: Stage) -> None:
        self._api = api
        self._lister = lister
        self._stage: Stage = stage
        self._started: dict[ObjectKey, dict[ObjectKey, str]] = {}
        """By ModelTag, the Jobs that this process has started or found, with the uids of their environments."""
        self._clean: set[ObjectKey] = set()
        """ModelTags without a Job that an earlier process may have left."""

    async def refusal(
        self,
        tag: ModelTag,
        check: Check,
        model: TaggedModel,
        environments: Sequence[DeploymentEnvironment],
    ) -> Problem | None:
        """Return why the API server would refuse a Job; nothing is created. Raises ApiError."""
        if check.job_template is None:
            return None
        stage = self._stage.lower()
        run = JobRun(tag.metadata.key, stage, ModelReference(name=model.name, hash=model.hash), "", "")
        for environment in environments:
            if not runs_job(tag, environment):
                continue
            try:
                job = verification_job(environment, run, check.job_template, "http://127.0.0.1", check.timeout_seconds)
                await self._api.create(JOBS, job, dry_run=True)
            except SpecError as error:
                return Problem(Reason.JOB_REFUSED, str(error))
            except ApiError as error:
                if error.status not in REFUSALS:
                    raise
                where = f"environment {environment.metadata.key}: a Job made from spec.verification.{stage}"
                return Problem(Reason.JOB_REFUSED, f"{where}.jobTemplate is refused: {error.message}")
        return None

    async def results(
        self, tag: ModelTag, check: Check, record: VerificationRecord, servers: Sequence[TestedServer], left: float
    ) -> tuple[JobResult, ...]:
        """Return what is known of the Job of each server, and start it where there is none yet.

        Nothing starts once no seconds are `left`. Raises ApiError.
        """
        if check.job_template is None:
            return ()
        run = _run_of(tag, record)
        return tuple([await self._result(run, check, check.job_template, server, left) for server in servers])

    async def end(self, tag: ModelTag) -> None:
        """Delete the Jobs that ran for a ModelTag: once, also those that an earlier process may have left.

        What it deletes has ended, or its result no longer counts. Raises ApiError.
        """
        key = tag.metadata.key
        left = {} if key in self._clean else self._left(tag)
        await self._delete({**left, **self._started.get(key, {})})
        self._started.pop(key, None)
        self._clean.add(key)

    async def forget(self, tag: ObjectKey) -> None:
        """Delete the Jobs that ran for a ModelTag that is gone. Raises ApiError."""
        await self._delete(self._started.get(tag, {}))
        self._started.pop(tag, None)
        self._clean.discard(tag)

    def _left(self, tag: ModelTag) -> dict[ObjectKey, str]:
        """Return the Jobs that the latest verification of a ModelTag may have left, by its status."""
        check = None if tag.spec.verification is None else tag.spec.verification.of(self._stage)
        records = tag.status.verifications or ()
        latest = next((each for each in records if each.stage == self._stage), None)
        if check is None or check.job_template is None or latest is None:
            return {}
        run = _run_of(tag, latest)
        followers = self._lister.followers(server_of_tag(tag), tag.tag)
        return {job_key(each.metadata.key, run): each.metadata.uid for each in followers if runs_job(tag, each)}

    async def _delete(self, jobs: Mapping[ObjectKey, str]) -> None:
        """Delete those of these Jobs that belong to the environments with these uids."""
        for job, environment in jobs.items():
            try:
                found = await self._api.find(JOBS, job)
                if found is not None and belongs_to(found, environment):
                    await self._api.delete(JOBS, job)
            except ApiError as error:
                if error.status not in REFUSALS:  # who may not delete a Job has created none
                    raise

    async def _result(
        self, run: JobRun, check: Check, template: JobTemplate, server: TestedServer, left: float
    ) -> JobResult:
        environment = server.environment.metadata.key
        job = job_key(environment, run)
        self._started.setdefault(run.tag, {})[job] = server.environment.metadata.uid
        found = await self._api.find(JOBS, job)
        if found is None:
            message = f"it has not started: {server.obstacle or 'there was no time left'}"
            if server.url is not None and left > 0:
                message = await self._start(run, check, template, server, server.url)
            return JobResult(environment, job, None, message)
        if not belongs_to(found, server.environment.metadata.uid):
            return JobResult(environment, job, None, "it is there already and belongs to another owner: delete it")
        return await self._look(server, job, found)

    async def _look(self, server: TestedServer, job: ObjectKey, found: JsonObject) -> JobResult:
        """Return what is known of a Job that was started."""
        environment, passed = server.environment.metadata.key, has_passed(found)
        if not passed and server.url is not None and url_of(found) != server.url:
            await self._api.delete(JOBS, job)
            return JobResult(environment, job, None, "it starts again, since the server that it tested was replaced")
        if passed or (passed is None and has_started(found)):
            return JobResult(environment, job, passed, "" if passed else "it runs")
        pods = await self._pods(job)
        if passed is None:
            return JobResult(environment, job, passed, obstacle(job, pods, server.secrets))
        reason, message = why_failed(found)
        return JobResult(environment, job, passed, described_end(pods, server.secrets) or message, reason)

    async def _start(self, run: JobRun, check: Check, template: JobTemplate, server: TestedServer, url: str) -> str:
        """Create the Job; return what came of it."""
        try:
            job = verification_job(server.environment, run, template, url, check.timeout_seconds)
            await self._api.create(JOBS, job)
        except SpecError as error:
            return str(error)
        except ApiError as error:
            if error.status in REFUSALS:
                return f"it is refused: {error.message}"
            if not error.already_exists:
                raise
        return "it starts"

    async def _pods(self, job: ObjectKey) -> Sequence[JsonObject]:
        listing = await self._api.list(PODS, job.namespace, label_selector=f"{POD_LABEL}={job.name}")
        return listing.items


def _run_of(tag: ModelTag, record: VerificationRecord) -> JobRun:
    model = ModelReference(name=record.name, hash=record.hash)
    return JobRun(tag.metadata.key, record.stage.lower(), model, record.conversations_digest, record.start_time)
