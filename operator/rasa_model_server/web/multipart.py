"""Streaming multipart/form-data: parts are yielded as they arrive, and never held whole in memory or on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

_MAXIMUM_PARTS = 16
_MAXIMUM_HEADERS = 8
"""Of one part."""
_MAXIMUM_HEADER_BYTES = 4096


@dataclass(frozen=True)
class PartStart:
    """A part begins. Its name and, if it is a file, the file's name."""

    name: str
    filename: str | None


@dataclass(frozen=True)
class PartData:
    """The next bytes of the current part."""

    content: bytes


class MultipartError(Exception):
    """The body is not multipart/form-data, or ends early."""


class BodyTooLargeError(Exception):
    """The body, or the model in it, is larger than it may be."""


Event = PartStart | PartData


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that the Content-Type names.

    Raises MultipartError if it is not multipart/form-data with a boundary.
    """
    media_type, parameters = parse_options_header(content_type)
    if media_type == b"multipart/form-data" and not parameters.get(b"boundary"):
        raise MultipartError("the body is multipart/form-data, but its Content-Type has no boundary")
    if media_type != b"multipart/form-data":
        raise MultipartError(f"the body is {media_type.decode('latin-1') or 'of no type'}, not multipart/form-data")
    return parameters[b"boundary"]


async def events(body: AsyncIterator[bytes], boundary: bytes, maximum: int) -> AsyncIterator[Event]:
    """Yield the parts of a body of at most so many bytes as they arrive.

    Raises MultipartError if the body is damaged, has too many parts, or ends before its last boundary, and
    BodyTooLargeError if it has more bytes.
    """
    collector = _Collector()
    received = 0
    try:
        parser = collector.parser(boundary)
        async for chunk in body:
            received += len(chunk)
            if received > maximum:
                raise BodyTooLargeError
            if chunk:
                parser.write(chunk)
            for event in collector.take():
                yield event
    except FormParserError as error:
        raise MultipartError(f"the multipart body is damaged: {error}") from None
    if not collector.complete:
        raise MultipartError("the multipart body ends before its last boundary: the upload was cut off")


class _Collector:
    """Turns the callbacks of the parser into events."""

    def __init__(self) -> None:
        self.complete = False
        self._parts = 0
        self._events: list[Event] = []
        self._field = b""
        self._value = b""
        self._disposition = b""

    def parser(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_end": self._end,
            },
            max_header_count=_MAXIMUM_HEADERS,
            max_header_size=_MAXIMUM_HEADER_BYTES,
        )

    def take(self) -> list[Event]:
        taken, self._events = self._events, []
        return taken

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MAXIMUM_PARTS:
            raise MultipartError(f"the multipart body has more than {_MAXIMUM_PARTS} parts: send one, the model")
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        filename = options.get(b"filename")
        self._events.append(
            PartStart(
                options.get(b"name", b"").decode("utf-8", "replace"),
                filename.decode("utf-8", "replace") if filename is not None else None,
            )
        )

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(PartData(data[start:end]))

    def _end(self) -> None:
        self.complete = True
