"""Errors of model servers and Rasa servers as problems of objects."""

from __future__ import annotations

from rasa_environments.domain.advice import message_of, reason_of
from rasa_environments.domain.facts import Problem
from rasa_environments.rasa.errors import RasaError


def problem_of(error: RasaError) -> Problem:
    """Return the error as the problem of an object, which the operator retries."""
    return Problem(reason_of(error), message_of(error), stalled=False)
