"""Parsing of everything from the API server: an invalid object is rejected alone, without affecting others.

Two limits are those of orjson: it reads 1024 levels of nesting and writes 254. Anybody who may write an object can nest
deeper (the API server accepts 10 000 levels, in `metadata.managedFields` of every kind), so everything below level 200
is cut off. After that, no code of the operator needs a recursion limit of its own.

All functions are pure. Without `repair` they use the fast path and raise UndecodableError if only the slow one helps,
which scans the text bracket by bracket: up to half a second for an object of 1.4 MB, so not on the event loop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.errors import ApiError

DEEPEST: Final = 200
"""Levels of nesting that are kept: more than the rules allow for free-form fields, so that they still detect an
excess."""

_WRITABLE: Final = 254
"""Levels of nesting that orjson can write."""
_BRACKETS: Final = re.compile(rb'(?:[^"\[\]{}]|"(?:[^"\\]|\\.)*+")*+([\[{]+|[\]}]+)', re.DOTALL)
"""The next run of opening or closing brackets outside of strings."""
_TOKEN: Final = re.compile(rb'[^"\[\]{}]*+("(?:[^"\\]|\\.)*+"|[\[\]{}])', re.DOTALL)
"""The next string or bracket."""
_BRACKET: Final = (b"[", b"]", b"{", b"}")
_WORD: Final = re.compile(rb"[^\s,]+")
"""A list entry that is neither: a number, or `Infinity`, which is not valid JSON."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,252}")
_VERSION: Final = re.compile(r"[0-9]{1,39}")
_EVENTS: Final = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")
_LONGEST_PROBLEM: Final = 200
_TEXT: Final = frozenset({str})
_OBJECT: Final = frozenset({dict})


class UndecodableError(ValueError):
    """The content is not JSON that can be parsed as it is."""


@dataclass(frozen=True)
class Rejected:
    """An object that cannot be used; it is logged and skipped."""

    key: ObjectKey | None
    """Its key, if it can be determined."""
    version: int
    """Its resourceVersion; 0 if unknown."""
    problem: str

    @classmethod
    def of(cls, obj: object, problem: str) -> Rejected:
        """Return a rejection of an object that may have any structure."""
        metadata = obj.get("metadata") if isinstance(obj, dict) else None
        if not isinstance(metadata, dict):
            return cls(None, 0, problem)
        namespace, name, version = (metadata.get(field) for field in ("namespace", "name", "resourceVersion"))
        key = ObjectKey(str(namespace), str(name)) if _is_name(namespace) and _is_name(name) else None
        return cls(key, int(str(version)) if _is_version(version) else 0, problem)

    def __str__(self) -> str:
        return f"{self.key or 'an object with an unreadable name'}: {self.problem}"


@dataclass(frozen=True)
class Listing:
    """Objects of one resource at one moment."""

    items: list[JsonObject]
    resource_version: str
    """The version to start a watch from."""
    rejected: tuple[Rejected, ...] = ()
    """Objects that exist and cannot be used."""
    continuation: str = ""
    """Token of the next page; empty for the last."""


@dataclass(frozen=True)
class WatchEvent:
    """A change: ADDED, MODIFIED or DELETED with the object, or BOOKMARK with only its resourceVersion."""

    type: str
    object: JsonObject


def decode(content: bytes, *, repair: bool = False) -> JsonObject:
    """Return one JSON object. Raises ApiError for content that no API server sends, such as a proxy's page."""
    try:
        answer = _document(content, repair=repair)
    except UndecodableError as error:
        if not repair:
            raise
        raise _not_json(error) from error
    if not isinstance(answer, dict):
        raise _not_json(f"it is a {type(answer).__name__}")
    return answer


def decode_object(content: bytes, *, repair: bool = False) -> JsonObject:
    """Return one Kubernetes object, with metadata of the right types. Raises ApiError."""
    answer = decode(content, repair=repair)
    problem = problem_of(answer, namespaced=False)
    if problem is not None:
        raise ApiError(0, "Malformed", f"cannot use an object returned by the API server: {problem}")
    return answer


def decode_listing(content: bytes, *, repair: bool = False, namespaced: bool = True) -> Listing:
    """Return one page of a list. Raises ApiError if it is not a list, never because of one of its items."""
    unreadable: list[Rejected] = []
    try:
        answer = decode(content, repair=repair)
    except ApiError:
        readable, unreadable = _without_unreadable_items(_cut(content))
        if not unreadable:
            raise
        answer = decode(readable, repair=True)
    metadata = answer.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    entries = answer.get("items") or []
    if not isinstance(metadata, dict) or not _is_version(version) or not isinstance(entries, list):
        raise _not_json("it is not a list of Kubernetes objects")
    items: list[JsonObject] = []
    rejected: list[Rejected] = []
    placeholders = len(unreadable)
    for entry in entries:
        if entry is None and placeholders:
            placeholders -= 1
            continue
        problem = problem_of(entry, namespaced=namespaced)
        if problem is None:
            items.append(entry)
        else:
            rejected.append(Rejected.of(entry, problem))
    return Listing(items, str(version), (*unreadable, *rejected), _text(metadata.get("continue")))


def decode_event(line: bytes, *, repair: bool = False, namespaced: bool = True) -> WatchEvent | Rejected:
    """Return one event of a watch.

    Raises ApiError for an ERROR event and for anything else: changes may then be lost, and everything has to be listed
    again.
    """
    try:
        event = decode(line, repair=repair)
    except ApiError:
        known = _loosely(_cut(line))
        if isinstance(known, dict) and known.get("type") in _EVENTS:
            return _usable_deletion(known) or Rejected.of(known.get("object"), "it is not valid JSON")
        raise
    kind, obj = event.get("type"), event.get("object")
    if kind == "ERROR":
        raise ApiError.from_status(obj)
    if kind not in _EVENTS or not isinstance(obj, dict):
        raise _not_json("a line of a watch is not an event")
    if kind == "BOOKMARK":
        metadata = obj.get("metadata")
        if not isinstance(metadata, dict) or not _is_version(metadata.get("resourceVersion")):
            raise _not_json("a bookmark has no resourceVersion")
        return WatchEvent(kind, obj)
    problem = problem_of(obj, namespaced=namespaced)
    if problem is None:
        return WatchEvent(kind, obj)
    return _usable_deletion(event) or Rejected.of(obj, problem)


def problem_of(obj: object, *, namespaced: bool = True) -> str | None:
    """Return why the value cannot be used as a Kubernetes object, or None.

    Later code relies on: metadata with a name, a namespace and a resourceVersion (a number as text), maps of text as
    labels and annotations, a list of maps as owner references, and spec, status and data that are maps or absent.
    """
    if not isinstance(obj, dict):
        return f"it is a {type(obj).__name__}, not an object"
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return "metadata is not an object"
    if namespaced or "name" in metadata:
        for field in ("name", "namespace") if namespaced else ("name",):
            if not _is_name(metadata.get(field)):
                return f"metadata.{field} is not a name"
    if not _is_version(metadata.get("resourceVersion", None if namespaced else "0")):
        return "metadata.resourceVersion is not a number"
    return _problem_of_fields(obj, metadata)


def _problem_of_fields(obj: JsonObject, metadata: JsonObject) -> str | None:
    # By exact types, as orjson makes them: with isinstance in a generator, these checks took 3 % of the CPU.
    for field in ("labels", "annotations"):
        texts = metadata.get(field)
        if texts is not None and not (isinstance(texts, dict) and _TEXT.issuperset(map(type, texts.values()))):
            return f"metadata.{field} is not a map of text"
    for field in ("ownerReferences", "managedFields"):
        entries = metadata.get(field)
        if entries is not None and not (isinstance(entries, list) and _OBJECT.issuperset(map(type, entries))):
            return f"metadata.{field} is not a list of objects"
    for field in ("uid", "deletionTimestamp"):
        if not isinstance(metadata.get(field, ""), str | None):
            return f"metadata.{field} is not text"
    for field in ("spec", "status", "data"):
        if not isinstance(obj.get(field), dict | None):
            return f"{field} is not an object"
    return None


def _document(content: bytes, *, repair: bool) -> Any:
    """Return the parsed value, nested no deeper than orjson can write."""
    try:
        value = orjson.loads(content)
        if content.count(b"{") + content.count(b"[") > _WRITABLE:
            orjson.dumps(value)
    except (ValueError, TypeError) as error:  # TypeError: too deep to write
        if not repair:
            raise UndecodableError(_shortened(str(error))) from None
    else:
        return value
    try:
        return orjson.loads(_cut(content))
    except ValueError as error:
        raise UndecodableError(_shortened(str(error))) from None


def _cut(content: bytes) -> bytes:
    """Return the JSON text with every map and list below level DEEPEST emptied."""
    kept: list[bytes] = []
    depth = start = 0
    for match in _matches(_BRACKETS, content):
        before, run = depth, len(match[1])
        if match[1][0] in b"[{":
            depth += run
            if before <= DEEPEST < depth:
                kept.append(content[start : match.start(1) + DEEPEST + 1 - before])
        else:
            depth -= run
            if depth <= DEEPEST < before:
                start = match.start(1) + before - DEEPEST - 1
    if depth > DEEPEST:
        return content  # it is truncated, so it is not valid JSON
    kept.append(content[start:])
    return b"".join(kept)


def _without_unreadable_items(content: bytes) -> tuple[bytes, list[Rejected]]:
    """Return a list with null instead of each item that cannot be parsed, and the rejected items."""
    kept: list[bytes] = []
    rejected: list[Rejected] = []
    start = 0
    for begin, end in _items(content):
        item = content[begin:end]
        try:
            orjson.loads(item)
        except ValueError as error:
            kept += [content[start:begin], b"null"]
            start = end
            rejected.append(Rejected.of(_loosely(item), f"it is not valid JSON ({_shortened(str(error))})"))
    return b"".join([*kept, content[start:]]), rejected


def _items(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each entry in the field `items` of a list begins and ends."""
    depth, begin, field, within = 0, 0, b"", False
    for match in _matches(_TOKEN, content):
        token = match[1]
        if depth == 2 and within:
            yield from (word.span() for word in _WORD.finditer(content, match.start(), match.start(1)))
            if token not in _BRACKET:
                yield match.span(1)
        if token in (b"[", b"{"):
            depth += 1
            if depth == 2:
                within = token == b"[" and field == b'"items"'
            elif depth == 3:
                begin = match.start(1)
        elif token in (b"]", b"}"):
            if depth == 3 and within:
                yield begin, match.end()
            depth -= 1
        elif depth == 1:
            field = token


def _matches(pattern: re.Pattern[bytes], content: bytes) -> Iterator[re.Match[bytes]]:
    """Yield consecutive matches, up to the first gap; a search would start again at each byte."""
    match = pattern.match(content)
    while match is not None:
        yield match
        match = pattern.match(content, match.end())


def _loosely(content: bytes) -> Any:
    """Return what Python's own parser reads: it accepts NaN, lone surrogates, and numbers of any length."""
    try:
        return json.loads(content.decode(errors="replace"), strict=False, parse_int=_nothing, parse_float=_nothing)
    except (ValueError, RecursionError):
        return None


def _nothing(_: str) -> int:
    return 0


def _usable_deletion(event: JsonObject) -> WatchEvent | None:
    """Return a deletion if its key and version are known, since nothing else of it matters."""
    known = Rejected.of(event.get("object"), "")
    if event.get("type") != "DELETED" or known.key is None or not known.version:
        return None
    metadata = {"namespace": known.key.namespace, "name": known.key.name, "resourceVersion": str(known.version)}
    return WatchEvent("DELETED", {"metadata": metadata})


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_version(value: object) -> bool:
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_PROBLEM else f"{text[:_LONGEST_PROBLEM]} ..."


def _not_json(why: object) -> ApiError:
    return ApiError(
        0, "Unreachable", f"a response is not JSON of the Kubernetes API, so it is not from an API server ({why})"
    )
