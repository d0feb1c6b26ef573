"""Errors that become answers."""

from __future__ import annotations


class ApiError(Exception):
    """An error to answer with: an HTTP status, a CamelCase reason for programs, and a message for people."""

    def __init__(self, status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers or {}
