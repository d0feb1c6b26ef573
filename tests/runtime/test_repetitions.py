"""A server's text that repeats at each retry does not fill the log."""

from __future__ import annotations

import logging

from rasa_environments.runtime.repetitions import REMEMBERED, SECONDS, Repetitions

ANSWERS = "rasa_environments.rasa.answers"


def record(
    message: str = "GET http://rasa answers 500: down", name: str = "a", logger: str = ANSWERS
) -> logging.LogRecord:
    made = logging.LogRecord(logger, logging.INFO, "file.py", 1, "%s", (message,), None)
    made.fields = {"kind": "ModelServer", "namespace": "bots", "name": name}
    return made


def test_the_same_words_about_the_same_object_are_written_once_in_ten_minutes() -> None:
    times = iter((0.0, 5.0, SECONDS - 1, SECONDS, SECONDS + 5))
    repetitions = Repetitions(lambda: next(times))

    assert [repetitions.filter(record()) for _ in range(5)] == [True, False, False, True, False]


def test_other_words_another_object_and_other_loggers_are_written() -> None:
    repetitions = Repetitions(lambda: 0.0)
    repetitions.filter(record())

    ours = record(logger="rasa_environments.reconcile")
    for other in (record("GET http://rasa answers 502: down"), record(name="b"), ours, ours):
        assert repetitions.filter(other)


def test_no_more_than_so_many_lines_are_remembered() -> None:
    repetitions = Repetitions(lambda: 0.0)

    for number in range(REMEMBERED + 1):
        repetitions.filter(record(name=str(number)))

    assert repetitions.filter(record(name="0"))
    assert not repetitions.filter(record(name=str(REMEMBERED)))
