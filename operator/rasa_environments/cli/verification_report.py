"""The latest verification of a ModelTag as text, JSON and JUnit XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args
from xml.etree import ElementTree as ET

from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Stage, TestCase, VerificationRecord
from rasa_environments.cli.visible_text import visible


def latest(tag: ModelTag) -> VerificationRecord | None:
    """Return the latest verification, None if there was none."""
    return next(iter(tag.status.verifications or ()), None)


def stages(tag: ModelTag, record: VerificationRecord) -> tuple[VerificationRecord, ...]:
    """Return the latest verification of the same model in each stage, in the order in which they took place."""
    same = [each for each in tag.status.verifications or () if (each.name, each.hash) == (record.name, record.hash)]
    found = {each.stage: each for each in reversed(same)}
    return tuple(found[stage] for stage in get_args(Stage) if stage in found)


def reason_of(tag: ModelTag, record: VerificationRecord) -> str | None:
    """Return why the model was rejected, None if it was not."""
    rejected = (each for each in tag.status.rejected or () if (each.name, each.hash) == (record.name, record.hash))
    return next((each.message for each in rejected), None)


def as_json(tag: ModelTag, record: VerificationRecord) -> JsonObject:
    """Return the verification as JSON, with the fields of the status and why the model was rejected.

    Below `earlierStages` is what the model passed before.
    """
    earlier = [_fields(each) for each in stages(tag, record) if each is not record]
    more = {"earlierStages": earlier} if earlier else {}
    return {**_fields(record), "tag": tag.tag, "message": reason_of(tag, record), **more}


def _fields(record: VerificationRecord) -> JsonObject:
    fields: JsonObject = record.model_dump(by_alias=True, exclude_none=True)
    return fields


def as_lines(tag: ModelTag, record: VerificationRecord) -> Iterator[str]:
    """Yield the lines of the verification for a terminal, stage by stage."""
    return map(visible, (line for each in stages(tag, record) for line in _lines(tag, each)))


def _lines(tag: ModelTag, record: VerificationRecord) -> Iterator[str]:
    result = record.result or "in progress"
    beside = "live, with" if record.stage == "Live" else "for"
    yield f"model {record.name} {beside} tag {tag.tag}: {result}, started {record.start_time}"
    for case in record.test_cases or ():
        yield f"{'passed' if case.failure is None else 'FAILED'}  {case.environment}  {case.file}  {case.name}"
        if case.failure is not None:
            yield f"        {case.failure}"
    reason = reason_of(tag, record)
    if record.result == "Failed" and reason is not None and not any(case.failure for case in record.test_cases or ()):
        yield reason


def as_junit(tag: ModelTag, record: VerificationRecord) -> str:
    """Return the verification as JUnit XML, a suite for each stage.

    A model that ran out of time is an error beside its test cases.
    """
    suites = [_suite(tag, each) for each in stages(tag, record)]
    counted = ("tests", "failures", "errors")
    root = ET.Element("testsuites", {name: str(sum(int(each.get(name, "0")) for each in suites)) for name in counted})
    root.extend(suites)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(tag: ModelTag, record: VerificationRecord) -> ET.Element:
    cases = list(record.test_cases or ())
    failures = sum(case.failure is not None for case in cases)
    is_error = record.result == "Failed" and not failures
    counts = {"tests": str(len(cases) + is_error), "failures": str(failures), "errors": str(int(is_error))}
    name = f"{record.name} live" if record.stage == "Live" else record.name
    described = {"name": visible(name), **counts, "timestamp": visible(record.start_time)}
    suite = ET.Element("testsuite", described)
    for case in cases:
        _add(suite, case)
    if is_error:
        message = visible(reason_of(tag, record) or "the model was rejected")
        described = {"classname": tag.tag, "name": "verification"}
        ET.SubElement(ET.SubElement(suite, "testcase", described), "error", {"message": message}).text = message
    return suite


def _add(suite: ET.Element, case: TestCase) -> None:
    described = {"classname": visible(f"{case.environment} {case.file}"), "name": visible(case.name)}
    element = ET.SubElement(suite, "testcase", described)
    if case.failure is not None:
        told = visible(case.failure)
        ET.SubElement(element, "failure", {"message": told}).text = told
