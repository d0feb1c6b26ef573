"""Errors of servers as problems of objects."""

from __future__ import annotations

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.advice import message_of
from rasa_environments.domain.facts import Problem
from rasa_environments.rasa import errors
from rasa_environments.rasa.peers import Peer
from rasa_environments.reconcile.problems import problem_of


def test_an_error_of_a_server_is_a_problem_that_is_retried() -> None:
    error = errors.UnauthorizedError(Peer.MODEL_SERVER, "http://rasa-x:5002", "does not accept the credentials")

    assert problem_of(error) == Problem(Reason.UNAUTHORIZED, message_of(error), stalled=False)
