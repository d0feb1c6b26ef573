"""What can go wrong between the operator and the API server."""

from __future__ import annotations

from typing import Any, Final

import orjson

from rasa_environments.api.base import JsonObject, ObjectKey

_LONGEST_MESSAGE: Final = 2000


class ApiError(Exception):
    """A request that the API server refused, or that did not reach it.

    `status` is the HTTP status, `reason` the machine-readable one (`NotFound`, `Conflict`, `Invalid` ...), `message` is
    for people. A request that got no answer has status 0 and the reason `Unreachable`.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(status, reason, message)
        self.status = status
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" if self.message else self.reason

    @property
    def already_exists(self) -> bool:
        """Whether an object was not created because there is one of that name."""
        return self.status == 409 and self.reason == "AlreadyExists"

    @classmethod
    def unreachable(cls, server: str, cause: BaseException) -> ApiError:
        """The error for a request that got no answer from `server`."""
        detail = str(cause) or type(cause).__name__
        return cls(0, "Unreachable", f"no answer from the API server {server}: {detail}")

    @classmethod
    def from_status(cls, status: Any, http_status: int = 0) -> ApiError:
        """The error that a `Status` object describes (source: meta/v1 Status)."""
        if not isinstance(status, dict):
            return cls(http_status, "Unknown", "")
        code = status.get("code")
        return cls(
            code if isinstance(code, int) else http_status,
            str(status.get("reason") or "Unknown"),
            _shortened(str(status.get("message") or "")),
        )

    @classmethod
    def from_body(cls, http_status: int, http_reason: str, body: bytes) -> ApiError:
        """The error that an answer with `http_status` carries, be its body a `Status` object or a proxy's page."""
        try:
            status = orjson.loads(body)
        except orjson.JSONDecodeError:
            return cls(http_status, http_reason or "Unknown", body[:200].decode(errors="replace").strip())
        return cls.from_status(status, http_status)


def _shortened(message: str) -> str:
    """A message that fits a condition: the API server repeats what it refuses, however long that is."""
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]} ..."


class TooLarge(ApiError):
    """An answer is longer than the reader takes; `limit` is in bytes."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(0, "TooLarge", f"{what} is longer than {limit} bytes")
        self.limit = limit


class Outdated(ApiError):
    """What is desired was decided on an older version of the object, or on none: it has to be decided anew."""

    def __init__(self, kind: str, key: ObjectKey, live: JsonObject) -> None:
        super().__init__(409, "Conflict", f"{kind} {key} is there in another version")
        self.live = live
        """The object as it is stored."""


class OwnerGone(ApiError):
    """The owner of a child that was to be created does not exist any more, or is being deleted."""

    def __init__(self, kind: str, key: ObjectKey) -> None:
        super().__init__(409, "OwnerGone", f"{kind} {key} is gone; its children are not created again")


class ConfigurationError(Exception):
    """There is no usable way to the API server: the message says what was looked for and what to do."""


class NameConflict(Exception):
    """An object of that name exists and is controlled by somebody else, or by nobody: it is left alone."""

    def __init__(self, kind: str, key: ObjectKey, owner: str | None) -> None:
        belongs = f"belongs to {owner}" if owner else "was not created by this operator"
        super().__init__(f"{kind} {key} {belongs}; rename or delete it")
        self.kind = kind
        self.key = key
        self.owner = owner
        """`Kind/name` of its controller, or None if it has none."""


class Contended(Exception):
    """Somebody else changes or deletes the object again and again: it is corrected with backoff."""

    def __init__(self, kind: str, key: ObjectKey, times: int) -> None:
        super().__init__(f"{kind} {key} was changed or deleted {times} times in a row")


class BeingDeleted(Exception):
    """The object is on its way out (or is the child of a former owner of that name); try again when it is gone."""

    def __init__(self, kind: str, key: ObjectKey) -> None:
        super().__init__(f"{kind} {key} is being deleted")
        self.kind = kind
        self.key = key
