"""The verdict on the licence of Rasa Pro, which does not start without a valid one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.desired.secret_variables import LICENSE_PATH
from rasa_environments.domain.facts import LicenseFact
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.verdicts import Verdict, only_if

WARNING = timedelta(days=30)
"""How long before the end to warn, as Rasa Pro does itself (rasa/utils/licensing.py: is_license_expiring_soon)."""
REMEDY = f"put a new licence into the Secret that {LICENSE_PATH} names, which replaces the pods"


def license_valid(facts: EnvironmentFacts) -> Verdict | None:
    """Return whether there is a valid licence; None if the environment needs none."""
    license_fact, problem = facts.license, facts.problem
    if license_fact is None:
        return None
    if problem is not None and problem.field == LICENSE_PATH:
        return Verdict("False", problem.reason, problem.message)
    expires = license_fact.expires
    return _unknown(license_fact) if expires is None else _until(expires, license_fact.now)


def license_invalid(facts: EnvironmentFacts) -> Verdict | None:
    """Report a licence that has expired, or is missing."""
    verdict = license_valid(facts)
    return None if verdict is None else only_if("False", verdict)


def license_expiry_time(facts: EnvironmentFacts) -> str | None:
    """Return when the licence expires, for the status; None if unknown or not needed."""
    expires = facts.license.expires if facts.license is not None else None
    return None if expires is None else shown(expires)


def _unknown(license_fact: LicenseFact) -> Verdict:
    if license_fact.problem is None:
        return Verdict("Unknown", Reason.PENDING, "no pod has been asked when its licence expires")
    message = f"it is not known when the licence expires: {license_fact.problem}"
    return Verdict("Unknown", Reason.LICENSE_UNKNOWN, message)


def _until(expires: datetime, now: datetime) -> Verdict:
    if expires <= now:
        message = f"the licence expired at {shown(expires)}, and Rasa servers do not start any more: {REMEDY}"
        return Verdict("False", Reason.LICENSE_EXPIRED, message, ConditionType.STALLED)
    if expires - now <= WARNING:
        message = f"the licence expires at {shown(expires)}, and Rasa servers do not start after that: {REMEDY}"
        return Verdict("True", Reason.LICENSE_EXPIRING, message)
    return Verdict("True", Reason.LICENSED, f"the licence expires at {shown(expires)}")


def shown(time: datetime) -> str:
    """Return a time in Kubernetes' format."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
