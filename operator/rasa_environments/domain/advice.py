"""What an error of a model server or Rasa server means here: the reason of a condition, and the remedy.

A remedy names the fields of our resources and our options, of which `rasa/` knows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from rasa_environments.api.conditions import Reason
from rasa_environments.rasa import errors
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.peers import Peer


@dataclass(frozen=True)
class PeerAdvice:
    """The part of a remedy that depends on the kind of server."""

    check: str
    """What to look at first."""
    direct: str
    """How to reach it without a proxy."""
    unauthorized: str
    """What to do about a rejected token."""


PEER_ADVICE: Mapping[Peer, PeerAdvice] = {
    Peer.MODEL_SERVER: PeerAdvice(
        check="check `url` of the ModelServer",
        direct="make `url` of the ModelServer its address inside the cluster (http://SERVICE.NAMESPACE.svc:PORT)",
        unauthorized="check `token` in the Secret of credentialsSecretRef",
    ),
    Peer.RASA_SERVER: PeerAdvice(
        check="see the pod's log",
        direct="let requests to pods go past proxies (NO_PROXY of the operator, the exclusions of a service mesh)",
        unauthorized="it started with another token than its Secret holds now; restart the pod",
    ),
    Peer.EXTERNAL_RASA_SERVER: PeerAdvice(
        check="check `external.url` of the DeploymentEnvironment",
        direct="make `external.url` of the DeploymentEnvironment an address before which no proxy stands",
        unauthorized="its --auth-token is another than the Secret of `external.authToken` holds",
    ),
}

UNREACHABLE: Mapping[Peer, Reason] = {
    Peer.MODEL_SERVER: Reason.MODEL_SERVER_UNREACHABLE,
    Peer.RASA_SERVER: Reason.PODS_UNREACHABLE,
    Peer.EXTERNAL_RASA_SERVER: Reason.EXTERNAL_SERVER_UNREACHABLE,
}
"""The reason of an UnreachableError."""

REASONS: Mapping[type[RasaError], Reason] = {
    errors.InvalidAddressError: Reason.INVALID_SPEC,
    errors.AddressRefusedError: Reason.ADDRESS_REFUSED,
    errors.NoWriteCredentialsError: Reason.NO_WRITE_CREDENTIALS,
    errors.UnexpectedAnswerError: Reason.UNEXPECTED_ANSWER,
    errors.UnauthorizedError: Reason.UNAUTHORIZED,
    errors.UnknownModelError: Reason.MODEL_NOT_FOUND,
    errors.TagRefusedError: Reason.TAG_REFUSED,
    errors.RegistrationRefusedError: Reason.REGISTRATION_REFUSED,
    errors.ModelNameConflictError: Reason.NAME_CONFLICT,
    errors.ModelRefusedError: Reason.UNEXPECTED_ANSWER,
}
"""The reason of every other error; a subclass has that of its base."""

WRITE_KEYS = "`apiToken`, or `username` and `password`,"
LOGIN_KEYS = "`username` and `password`"
SECRET = "the Secret of credentialsSecretRef"
PERMIT = "{check}, or permit such addresses with the option"

REMEDIES: Mapping[type[RasaError], str] = {
    errors.InvalidAddressError: "{check}",
    errors.AddressRefusedError: f"{PERMIT} --allow-link-local of `rasa-environments run`",
    errors.LoopbackRefusedError: f"{PERMIT} --allow-loopback of `rasa-environments run`",
    errors.NoWriteCredentialsError: f"add {WRITE_KEYS} to {SECRET}",
    errors.LoginNotPassedOnError: f"add `apiToken` to {SECRET}, or name an address that is reached directly by --url",
    errors.NoRegistrationCredentialsError: f"add {LOGIN_KEYS} to {SECRET}",
    # There is no response of the server.
    errors.UnreachableError: "{check}",
    errors.UnavailableError: "see its log",
    errors.NoUpstreamAnswerError: "see that it runs, and that the proxy leads to the port where it listens",
    errors.NoReadyUpstreamError: (
        "see that its pods are ready and that their Service selects them, then the proxy's log"
    ),
    errors.UpstreamTimeoutError: (
        "raise the proxy's time-out (nginx: proxy_read_timeout; ingress-nginx: the annotation "
        "nginx.ingress.kubernetes.io/proxy-read-timeout), or see why it is slow"
    ),
    errors.TooManyRequestsError: ("it is asked again later: raise the limit for the operator's address, or {direct}"),
    errors.ListingTimeoutError: "see its log, or delete old models",
    errors.UploadBrokenOffError: (
        "see its log, raise the limit (nginx: client_max_body_size, proxy_read_timeout), or go past it: {direct}"
    ),
    # The response violates the API.
    errors.UnexpectedAnswerError: "{check}",
    errors.WrongPathError: "{check}: is it the base address, without /api?",
    errors.RedirectedError: "if that is where it lives, make it the address",
    errors.LoginPageError: "{direct}, or let the proxy pass these requests without a login",
    errors.CaptivePortalError: "log in there, or {direct}",
    errors.RefusedOnTheWayError: "{direct}, or permit it there",
    errors.ServiceProxyError: (
        "see that the Service exists and has ready pods, and that you may `create` and `get` its `services/proxy`"
    ),
    errors.ProxyCredentialsError: "write them into HTTPS_PROXY or HTTP_PROXY, or name the host in NO_PROXY",
    errors.RequestTooLargeError: (
        "raise its limit (nginx: client_max_body_size; ingress-nginx: the annotation "
        "nginx.ingress.kubernetes.io/proxy-body-size), or go past the proxy: {direct}"
    ),
    errors.ServerFailedError: "see its log",
    errors.AnswerTooLargeError: "{check}",
    errors.ListingTooLongError: "delete old models",
    errors.CompressedAnswerError: "let it, and what stands before it, honour `Accept-Encoding: identity`",
    errors.NoListingError: "{check}",
    errors.NoModelHashError: "is it a model server, and is `modelPath` right?",
    errors.NothingNewError: "see that it, and any cache before it, heeds If-None-Match",
    errors.FileReplacedError: "it is read again later",
    errors.UnreadableModelError: "put a *.tar.gz there as `rasa train` writes it",
    errors.ModelFileTooLargeError: "put a smaller model there, or use a model server that lists its models",
    errors.EncodedModelError: "send *.tar.gz as it is",
    # The server refuses.
    errors.UnauthorizedError: "{unauthorized}",
    errors.WriteCredentialsRejectedError: f"check {WRITE_KEYS} in {SECRET}",
    errors.RegistrationCredentialsRejectedError: f"check {LOGIN_KEYS} in {SECRET}: registering wants a login",
    errors.LicenceError: "see the server's licence",
    errors.NotPermittedError: "give their user the permission",
    errors.AnotherLoginError: "{direct}, or let the proxy pass these requests",
    errors.FileNotReadableError: (
        "see that it is, that whoever pulls may read it, and that `modelPath` of the ModelServer is right"
    ),
    errors.UnknownModelError: "upload it, or name one that it lists",
    errors.TagRefusedError: "see its log",
    errors.NoTagsError: (
        "put the model where `modelPath` of the ModelServer leads for this tag, and delete the ModelTag"
    ),
    errors.EnvironmentNeededError: (
        "see that its Rasa server runs, that Rasa X reaches it at the registered address, and that the registered "
        "token is its own"
    ),
    errors.EnvironmentMissingError: (
        "create a DeploymentEnvironment of this name that refers to this ModelServer (with spec.external where its "
        "server runs elsewhere), or register it at Rasa X yourself"
    ),
    errors.RegistrationRefusedError: "see its log, then correct the environment or rename it",
    errors.NoRegistryError: "if it is one, set `registration: File` in the ModelServer",
    errors.ModelNameConflictError: "rename the file",
    errors.ModelRefusedError: "upload a file that `rasa train` wrote, or see its log",
    errors.NoModelFileError: "name such a file",
    errors.ModelTooLargeError: "raise its limit (--max-model-bytes of this project's model server)",
}
"""The remedy of every error, with the parts of PEER_ADVICE in braces."""


def reason_of(error: RasaError) -> Reason:
    """Return the reason of a condition that reports the error."""
    told = error.cause or error
    if isinstance(told, errors.UnreachableError):
        return UNREACHABLE[told.peer]
    return next(REASONS[kind] for kind in type(told).__mro__ if kind in REASONS)


def message_of(error: RasaError) -> str:
    """Return the problem, the place and the remedy, for a condition, an Event or a terminal."""
    return f"{error}; {remedy_of(error)}"


def remedy_of(error: RasaError) -> str:
    """Return what to do about the error."""
    told = error.cause or error
    return REMEDIES[type(told)].format(**asdict(PEER_ADVICE[told.peer]))


def detailed_message_of(error: RasaError) -> str:
    """Return the message with its detail, for a log or a terminal."""
    return f"{message_of(error)} ({error.detail})" if error.detail else message_of(error)
