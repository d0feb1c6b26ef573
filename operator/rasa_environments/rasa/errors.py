"""Errors of model servers and Rasa servers: one family, with a class for each remedy.

An error states the problem and the place. Remedies depend on who reports it, so they are not here: `domain/advice` has
those for our resources.

Every problem is safe to publish, for example in the status of an object: it contains no token, no query of a URL, no
text of a foreign server except its status and reason, and nothing that tells a closed port from a silent one.
"""

from __future__ import annotations

from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.redaction import shown


class RasaError(Exception):
    """A server could not be asked, or its response violates its API: `the PEER at URL PROBLEM`."""

    def __init__(
        self,
        peer: Peer,
        url: str,
        problem: str,
        *,
        status: int | None = None,
        said: str = "",
        detail: str = "",
        cause: RasaError | None = None,
    ) -> None:
        self.peer = peer
        self.url = shown(url)
        """The requested URL, redacted."""
        self.status = status
        """The HTTP status; None without a response."""
        self.said = said
        """The server's own reason, if it gives one that is a single word."""
        self.detail = detail
        """Further information on one line and without secrets, for the log and the terminal of a user with rights of
        their own."""
        self.cause = cause
        """The error behind this one, if the remedy is that one's; the problem includes its problem."""
        super().__init__(f"the {peer} at {self.url} {problem}")
        self.problem = problem


# The server was not asked.


class InvalidAddressError(RasaError):
    """The URL is not a usable HTTP URL."""


class AddressRefusedError(RasaError):
    """The address may not be connected to: a metadata service, or another link-local address."""


class LoopbackRefusedError(AddressRefusedError):
    """The address may not be connected to, since it is a loopback address inside a cluster."""


class NoWriteCredentialsError(RasaError):
    """There are no credentials for writing."""


class LoginNotPassedOnError(NoWriteCredentialsError):
    """There is a user name and a password only, and the way to the server has no place for a login."""


class NoRegistrationCredentialsError(NoWriteCredentialsError):
    """There are no credentials for registering environments."""


# There is no response of the server.


class UnreachableError(RasaError):
    """No response: DNS, a refused connection, TLS, a timeout, or a proxy that reports one of these. Worth a retry."""


class UnavailableError(UnreachableError):
    """The server itself reports that it is unavailable."""


class NoUpstreamAnswerError(UnreachableError):
    """A proxy gets no response from the server."""


class NoReadyUpstreamError(UnreachableError):
    """The server is not ready, or a proxy has no server to pass the request to."""


class UpstreamTimeoutError(UnreachableError):
    """A proxy gave up before the server responded."""


class TooManyRequestsError(UnreachableError):
    """The server or a proxy limits the rate of requests."""


class ListingTimeoutError(UnreachableError):
    """The server has not listed all of its models in time."""


class UploadBrokenOffError(UnreachableError):
    """The connection broke during an upload."""


# The response violates the API.


class UnexpectedAnswerError(RasaError):
    """A response that violates the API: wrong schema, a web page, a redirect, an internal error."""


class WrongPathError(UnexpectedAnswerError):
    """The URL leads to a web page, or to no resource."""


class RedirectedError(UnexpectedAnswerError):
    """The server redirects to another origin, which must not receive the credentials."""


class LoginPageError(UnexpectedAnswerError):
    """A login page was returned: of single sign-on in front of the server, or of the network (a captive portal)."""


class CaptivePortalError(LoginPageError):
    """The network asks for a login."""


class RefusedOnTheWayError(UnexpectedAnswerError):
    """A proxy or firewall rejected the request; the server itself has not received it."""


class ServiceProxyError(RefusedOnTheWayError):
    """The Kubernetes API server, which would have passed the request on, answers itself."""


class ProxyCredentialsError(RefusedOnTheWayError):
    """A proxy of the client asks for credentials of its own."""


class RequestTooLargeError(RefusedOnTheWayError):
    """A proxy accepts no request of this size."""


class ServerFailedError(UnexpectedAnswerError):
    """The server itself reports a failure (500, and higher statuses that no proxy uses)."""


class AnswerTooLargeError(UnexpectedAnswerError):
    """The response has more bytes than are read."""


class ListingTooLongError(UnexpectedAnswerError):
    """The server lists more than is read."""


class CompressedAnswerError(UnexpectedAnswerError):
    """The response has a Content-Encoding although none was requested."""


class NoListingError(UnexpectedAnswerError):
    """The server does not list its models: it is no model server, or one that only implements the pull protocol."""


class NoModelHashError(UnexpectedAnswerError):
    """The response to a pull contains no hash of a model."""


class NothingNewError(UnexpectedAnswerError):
    """The response to a first pull is that there is nothing new."""


class FileReplacedError(UnexpectedAnswerError):
    """The model file was replaced while it was read."""


class UnreadableModelError(UnexpectedAnswerError):
    """A model file that does not identify its model: not a model archive, or one that is too large."""


class ModelFileTooLargeError(UnreadableModelError):
    """A model file with more bytes than are read."""


class EncodedModelError(UnreadableModelError):
    """A model file with a Content-Encoding, which Rasa removes and then cannot open it."""


# The server refuses.


class UnauthorizedError(RasaError):
    """The credentials are rejected (401), or insufficient (402, 403)."""


class WriteCredentialsRejectedError(UnauthorizedError):
    """The credentials for writing are rejected."""


class RegistrationCredentialsRejectedError(UnauthorizedError):
    """The credentials for registering environments are rejected."""


class LicenceError(UnauthorizedError):
    """The licence of the server does not cover the request."""


class NotPermittedError(UnauthorizedError):
    """The credentials do not permit the request."""


class AnotherLoginError(UnauthorizedError):
    """A proxy asks for a login of its own."""


class FileNotReadableError(UnauthorizedError):
    """A file server or bucket does not permit reading a model file, or has none."""


class UnknownModelError(RasaError):
    """The model server has no model that can have the tag."""


class TagRefusedError(RasaError):
    """The model server refuses to set or remove a tag."""


class NoTagsError(TagRefusedError):
    """The server has no tags, like a server of plain files."""


class EnvironmentNeededError(TagRefusedError):
    """Rasa X accepts neither tags nor models while its environment production (or worker) does not answer it."""


class EnvironmentMissingError(EnvironmentNeededError):
    """Rasa X accepts neither tags nor models while its environment production (or worker) is not registered."""


class RegistrationRefusedError(RasaError):
    """The model server rejects the environments."""


class NoRegistryError(RegistrationRefusedError):
    """The model server has no registry because of its generation."""


class ModelNameConflictError(RasaError):
    """A model of that name exists already."""


class ModelRefusedError(RasaError):
    """The model server rejects a model file."""


class NoModelFileError(ModelRefusedError):
    """The file is not called like a model, and was not sent."""


class ModelTooLargeError(ModelRefusedError):
    """The model server accepts no file of this size."""
