"""What is wrong with an installation, the most important first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from rasa_environments.cli.diagnosis.facts import Facts, Finding, Importance
from rasa_environments.cli.diagnosis.installation import of_definitions, of_monitoring, of_operator, of_policies
from rasa_environments.cli.diagnosis.resources import of_resources
from rasa_environments.cli.exit_codes import ExitCode

CHECKS: Final[tuple[Callable[[Facts], Iterable[Finding]], ...]] = (
    of_definitions,
    of_operator,
    of_policies,
    of_resources,
    of_monitoring,
)


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Return what is wrong, the most important first; a problem of several objects is one finding."""
    together: dict[tuple[Importance, str], list[str]] = {}
    for finding in _all(facts):
        together.setdefault((finding.importance, finding.problem), []).extend(finding.subjects)
    return tuple(
        Finding(importance, problem, tuple(subjects))
        for (importance, problem), subjects in sorted(together.items(), key=lambda item: item[0][0])
    )


def _all(facts: Facts) -> Iterator[Finding]:
    for check in CHECKS:
        yield from check(facts)


def verdict_on(found: Iterable[Finding], unread: Iterable[str]) -> ExitCode:
    """Return the exit code: what could not be asked is not well, and advice is no problem."""
    if any(finding.importance is not Importance.ADVICE for finding in found):
        return ExitCode.FAILED
    return ExitCode.UNKNOWN if any(True for _ in unread) else ExitCode.DONE
