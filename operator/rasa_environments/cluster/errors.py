"""Errors of requests to the API server."""

from __future__ import annotations

from typing import Any, Final

import orjson

from rasa_environments.api.base import JsonObject, ObjectKey

_LONGEST_MESSAGE: Final = 2000


class ApiError(Exception):
    """A request that the API server rejected, or that did not reach it.

    `status` is the HTTP status, `reason` the machine-readable reason (`NotFound`, `Conflict`, `Invalid` ...), `message`
    is for people. A request without a response has status 0 and the reason `UnreachableError`.
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
        """Whether an object was not created because one of that name exists."""
        return self.status == 409 and self.reason == "AlreadyExists"

    @classmethod
    def unreachable(cls, server: str, cause: BaseException) -> ApiError:
        """Return the error for a request that got no response from `server`."""
        detail = str(cause) or type(cause).__name__
        return cls(0, "Unreachable", f"no answer from the API server {server}: {detail}")

    @classmethod
    def from_status(cls, status: Any, http_status: int = 0) -> ApiError:
        """Return the error that a `Status` object describes (source: meta/v1 Status)."""
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
        """Return the error of a response with `http_status`, whose body may be a `Status` object or a proxy's page."""
        try:
            status = orjson.loads(body)
        except orjson.JSONDecodeError:
            return cls(http_status, http_reason or "Unknown", body[:200].decode(errors="replace").strip())
        return cls.from_status(status, http_status)


def _shortened(message: str) -> str:
    """Truncate a message so that it fits a condition: the API server repeats what it rejects, however long."""
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]} ..."


class TooLargeError(ApiError):
    """A response is longer than the reader accepts; `limit` is in bytes."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(0, "TooLarge", f"{what} is longer than {limit} bytes")
        self.limit = limit


class OutdatedError(ApiError):
    """The desired state is based on an older version of the object, or on none, and has to be computed again."""

    def __init__(self, kind: str, key: ObjectKey, live: JsonObject) -> None:
        super().__init__(409, "Conflict", f"{kind} {key} exists in another version")
        self.live = live
        """The object as it is stored."""


class OwnerGoneError(ApiError):
    """The owner of a child that was to be created no longer exists, or is being deleted."""

    def __init__(self, kind: str, key: ObjectKey) -> None:
        super().__init__(409, "OwnerGone", f"{kind} {key} no longer exists, so its children are not created")


class ConfigurationError(Exception):
    """No usable access to the API server; the message says what was tried and what to do."""


class NameConflictError(Exception):
    """An object of that name is controlled by something else, or by nothing; it is left alone."""

    def __init__(self, kind: str, key: ObjectKey, owner: str | None) -> None:
        belongs = f"belongs to {owner}" if owner else "was not created by this operator"
        super().__init__(f"{kind} {key} {belongs}; rename or delete it")
        self.kind = kind
        self.key = key
        self.owner = owner
        """`Kind/name` of its controller, or None if it has none."""


class ContendedError(Exception):
    """Somebody else keeps changing or deleting the object; it is corrected with backoff."""

    def __init__(self, kind: str, key: ObjectKey, times: int) -> None:
        super().__init__(f"{kind} {key} was changed or deleted {times} times in a row")


class BeingDeletedError(Exception):
    """The object is being deleted, or is the child of a former owner of that name; try again when it is gone."""

    def __init__(self, kind: str, key: ObjectKey) -> None:
        super().__init__(f"{kind} {key} is being deleted")
        self.kind = kind
        self.key = key
