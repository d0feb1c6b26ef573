"""Errors of model servers and Rasa servers: one family, each with the reason of its condition.

Every message is complete (problem, place, remedy) and safe, so it can be used in a condition or an Event: it contains
no token, no query of a URL, no text of a foreign server except its status and reason, and nothing that tells a closed
port from a silent one.
"""

from __future__ import annotations

from typing import ClassVar

from rasa_environments.api.conditions import Reason


class RasaError(Exception):
    """A server could not be asked, or its response violates its API."""

    default_reason: ClassVar[Reason] = Reason.UNEXPECTED_ANSWER

    def __init__(self, message: str, reason: Reason | None = None, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.detail = detail
        """Further information on one line and without secrets, for the log and the terminal of a user with rights of
        their own."""

    @property
    def explained(self) -> str:
        """The message with its detail, for a log or a terminal."""
        return f"{self.message} ({self.detail})" if self.detail else self.message


class InvalidAddressError(RasaError):
    """The URL is not a usable HTTP URL."""

    default_reason = Reason.INVALID_SPEC


class AddressRefusedError(RasaError):
    """The address may not be connected to: a metadata service, link-local, or inside a cluster a loopback address."""

    default_reason = Reason.ADDRESS_REFUSED


class UnreachableError(RasaError):
    """No response: DNS, a refused connection, TLS, a timeout, or a proxy that reports one of these. Worth a retry."""

    default_reason = Reason.MODEL_SERVER_UNREACHABLE


class UnexpectedAnswerError(RasaError):
    """A response that violates the API: wrong schema, a web page, a redirect, an internal error."""

    default_reason = Reason.UNEXPECTED_ANSWER


class LoginPageError(UnexpectedAnswerError):
    """A login page was returned: of single sign-on in front of the server, or of the network (a captive portal)."""


class RefusedOnTheWayError(UnexpectedAnswerError):
    """A proxy or firewall rejected the request; the server itself has not received it."""


class ServerFailedError(UnexpectedAnswerError):
    """The server itself reports a failure (500, and higher statuses that no proxy uses)."""


class AnswerTooLargeError(UnexpectedAnswerError):
    """The response has more bytes than are read."""


class CompressedAnswerError(UnexpectedAnswerError):
    """The response has a Content-Encoding although none was requested."""


class UnreadableModelError(UnexpectedAnswerError):
    """A model file that does not identify its model: not a model archive, or one that is too large."""


class NoListingError(UnexpectedAnswerError):
    """The server does not list its models: it is no model server, or one that only implements the pull protocol."""


class UnauthorizedError(RasaError):
    """The credentials are rejected (401), or insufficient (402, 403)."""

    default_reason = Reason.UNAUTHORIZED


class NoWriteCredentialsError(RasaError):
    """There are no credentials for writing."""

    default_reason = Reason.NO_WRITE_CREDENTIALS


class UnknownModelError(RasaError):
    """The model server has no model that can have the tag; `said` is its own reason, if it gives one."""

    default_reason = Reason.MODEL_NOT_FOUND

    def __init__(self, message: str, said: str = "", *, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.said = said


class TagRefusedError(RasaError):
    """The model server refuses to set or remove a tag."""

    default_reason = Reason.TAG_REFUSED


class EnvironmentNeededError(TagRefusedError):
    """Rasa X accepts neither tags nor models while its environment production (or worker) is missing or unavailable."""


class RegistrationRefusedError(RasaError):
    """The model server rejects the environments, or has no registry because of its generation."""

    default_reason = Reason.REGISTRATION_REFUSED


class ModelNameConflictError(RasaError):
    """A model of that name exists already."""

    default_reason = Reason.NAME_CONFLICT


class ModelRefusedError(RasaError):
    """The model server rejects a model file."""

    default_reason = Reason.UNEXPECTED_ANSWER
