"""What can go wrong with a model server or a Rasa server: one family, each with the reason of its condition.

Every message is complete (what, where, what to do) and safe, so that it can go into a condition or an event as it is:
it has no token, no query of a URL, no text of a foreign server but its status and its reason, and nothing that tells a
closed port from a silent one.
"""

from __future__ import annotations

from typing import ClassVar

from rasa_environments.api.conditions import Reason


class RasaError(Exception):
    """A server could not be asked, or answered otherwise than its API promises."""

    default_reason: ClassVar[Reason] = Reason.UNEXPECTED_ANSWER

    def __init__(self, message: str, reason: Reason | None = None, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.detail = detail
        """What else is known, on one line and without secrets: for the log and the terminal of whoever asks with their
        own rights."""

    @property
    def explained(self) -> str:
        """The message with its detail, for a log or a terminal."""
        return f"{self.message} ({self.detail})" if self.detail else self.message


class InvalidAddress(RasaError):
    """The address is not one that HTTP can be spoken to."""

    default_reason = Reason.INVALID_SPEC


class AddressRefused(RasaError):
    """The address is one that is not asked: of a metadata service, link-local, or in a cluster a loopback address."""

    default_reason = Reason.ADDRESS_REFUSED


class Unreachable(RasaError):
    """No answer: DNS, a refused connection, TLS, a timeout, or a proxy that says so. Worth another try later."""

    default_reason = Reason.MODEL_SERVER_UNREACHABLE


class UnexpectedAnswer(RasaError):
    """An answer that the API does not promise: another shape, a web page, a redirect, an internal error."""

    default_reason = Reason.UNEXPECTED_ANSWER


class LoginPage(UnexpectedAnswer):
    """A login page stands in the way: of single sign-on before the server, or of the network (a captive portal)."""


class RefusedOnTheWay(UnexpectedAnswer):
    """A proxy or a firewall refuses the request; the server itself has not seen it."""


class ServerFailed(UnexpectedAnswer):
    """The server itself says that it failed (500 and those above that no proxy gives)."""


class AnswerTooLarge(UnexpectedAnswer):
    """An answer of more bytes than are read."""


class CompressedAnswer(UnexpectedAnswer):
    """An answer with a Content-Encoding, which was not asked for."""


class UnreadableModel(UnexpectedAnswer):
    """A model file that cannot tell which model it is: no archive of a model, or one larger than is read."""


class NoListing(UnexpectedAnswer):
    """The server does not list its models: it is no model server, or one that speaks the pull protocol alone."""


class Unauthorized(RasaError):
    """The credentials are refused (401), or do not suffice (402, 403)."""

    default_reason = Reason.UNAUTHORIZED


class NoWriteCredentials(RasaError):
    """There are no credentials that could write."""

    default_reason = Reason.NO_WRITE_CREDENTIALS


class UnknownModel(RasaError):
    """The model server has no model that can carry the tag; `said` is its own reason, where it gives one."""

    default_reason = Reason.MODEL_NOT_FOUND

    def __init__(self, message: str, said: str = "", *, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.said = said


class TagRefused(RasaError):
    """The model server refuses to set or take away a tag."""

    default_reason = Reason.TAG_REFUSED


class EnvironmentNeeded(TagRefused):
    """Rasa X takes neither tags nor models while its environment production (or worker) is missing or silent."""


class RegistrationRefused(RasaError):
    """The model server takes no environments: not these, or none at all because its generation has no registry."""

    default_reason = Reason.REGISTRATION_REFUSED


class ModelNameConflict(RasaError):
    """A model of that name is there already."""

    default_reason = Reason.NAME_CONFLICT


class ModelRefused(RasaError):
    """The model server refuses a model file."""

    default_reason = Reason.UNEXPECTED_ANSWER
