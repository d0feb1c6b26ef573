"""The error that requests are answered with."""

from __future__ import annotations


class ApiError(Exception):
    """An error to answer with: the HTTP status, a reason in one CamelCase word for programs, a message for people."""

    def __init__(self, status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers or {}
