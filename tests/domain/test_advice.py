"""Every error of a model server or Rasa server has a reason and a remedy."""

from __future__ import annotations

import inspect
import re

import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.advice import (
    PEER_ADVICE,
    REMEDIES,
    UNREACHABLE,
    detailed_message_of,
    message_of,
    reason_of,
    remedy_of,
)
from rasa_environments.rasa import errors
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.peers import Peer
from rasa_environments.runtime.settings import Settings

URL = "http://rasa-x:5002/api/version"

REASONS = {
    errors.InvalidAddressError: "InvalidSpec",
    errors.AddressRefusedError: "AddressRefused",
    errors.LoopbackRefusedError: "AddressRefused",
    errors.NoWriteCredentialsError: "NoWriteCredentials",
    errors.LoginNotPassedOnError: "NoWriteCredentials",
    errors.NoRegistrationCredentialsError: "NoWriteCredentials",
    errors.UnreachableError: "ModelServerUnreachable",
    errors.UnavailableError: "ModelServerUnreachable",
    errors.NoUpstreamAnswerError: "ModelServerUnreachable",
    errors.NoReadyUpstreamError: "ModelServerUnreachable",
    errors.UpstreamTimeoutError: "ModelServerUnreachable",
    errors.TooManyRequestsError: "ModelServerUnreachable",
    errors.ListingTimeoutError: "ModelServerUnreachable",
    errors.UploadBrokenOffError: "ModelServerUnreachable",
    errors.UnexpectedAnswerError: "UnexpectedAnswer",
    errors.WrongPathError: "UnexpectedAnswer",
    errors.RedirectedError: "UnexpectedAnswer",
    errors.LoginPageError: "UnexpectedAnswer",
    errors.CaptivePortalError: "UnexpectedAnswer",
    errors.RefusedOnTheWayError: "UnexpectedAnswer",
    errors.ServiceProxyError: "UnexpectedAnswer",
    errors.ProxyCredentialsError: "UnexpectedAnswer",
    errors.RequestTooLargeError: "UnexpectedAnswer",
    errors.ServerFailedError: "UnexpectedAnswer",
    errors.AnswerTooLargeError: "UnexpectedAnswer",
    errors.ListingTooLongError: "UnexpectedAnswer",
    errors.CompressedAnswerError: "UnexpectedAnswer",
    errors.NoListingError: "UnexpectedAnswer",
    errors.NoModelHashError: "UnexpectedAnswer",
    errors.NothingNewError: "UnexpectedAnswer",
    errors.FileReplacedError: "UnexpectedAnswer",
    errors.UnreadableModelError: "UnexpectedAnswer",
    errors.ModelFileTooLargeError: "UnexpectedAnswer",
    errors.EncodedModelError: "UnexpectedAnswer",
    errors.UnauthorizedError: "Unauthorized",
    errors.WriteCredentialsRejectedError: "Unauthorized",
    errors.RegistrationCredentialsRejectedError: "Unauthorized",
    errors.LicenceError: "Unauthorized",
    errors.NotPermittedError: "Unauthorized",
    errors.AnotherLoginError: "Unauthorized",
    errors.FileNotReadableError: "Unauthorized",
    errors.UnknownModelError: "ModelNotFound",
    errors.TagRefusedError: "TagRefused",
    errors.NoTagsError: "TagRefused",
    errors.EnvironmentNeededError: "TagRefused",
    errors.EnvironmentMissingError: "TagRefused",
    errors.RegistrationRefusedError: "RegistrationRefused",
    errors.NoRegistryError: "RegistrationRefused",
    errors.ModelNameConflictError: "NameConflict",
    errors.ModelRefusedError: "UnexpectedAnswer",
    errors.NoModelFileError: "UnexpectedAnswer",
    errors.ModelTooLargeError: "UnexpectedAnswer",
}
CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, RasaError) and kind is not RasaError
]


def error_of(kind: type[RasaError], peer: Peer = Peer.MODEL_SERVER, cause: RasaError | None = None) -> RasaError:
    """An error of this class."""
    return kind(peer, URL, "is odd", cause=cause)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_its_reason(kind: type[RasaError]) -> None:
    assert reason_of(error_of(kind)) == REASONS[kind]


@pytest.mark.parametrize("peer", Peer)
@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_a_remedy_whoever_is_asked(kind: type[RasaError], peer: Peer) -> None:
    assert kind in REMEDIES
    assert re.fullmatch(r"[a-z`*][^{}]+[^ ;,]", remedy_of(error_of(kind, peer)))


def test_there_is_no_remedy_without_an_error() -> None:
    assert REMEDIES.keys() == set(CLASSES)


@pytest.mark.parametrize(
    ("peer", "reason"),
    [
        (Peer.MODEL_SERVER, Reason.MODEL_SERVER_UNREACHABLE),
        (Peer.RASA_SERVER, Reason.PODS_UNREACHABLE),
        (Peer.EXTERNAL_RASA_SERVER, Reason.EXTERNAL_SERVER_UNREACHABLE),
    ],
)
def test_the_reason_of_a_server_that_does_not_answer_says_which_one(peer: Peer, reason: Reason) -> None:
    assert UNREACHABLE[peer] is reason
    assert reason_of(error_of(errors.UnavailableError, peer)) is reason
    assert PEER_ADVICE[peer].check in message_of(error_of(errors.UnreachableError, peer))


def test_a_message_tells_what_is_wrong_where_and_what_to_do() -> None:
    error = errors.UnauthorizedError(
        Peer.MODEL_SERVER, "http://me:pw@rasa-x:5002/api/auth?token=t", "does not accept the credentials", detail="no"
    )

    message = (
        "the model server at http://rasa-x:5002/api/auth does not accept the credentials; check `token` in the Secret "
        "of credentialsSecretRef"
    )
    assert (reason_of(error), message_of(error)) == (Reason.UNAUTHORIZED, message)
    assert detailed_message_of(error) == f"{message} (no)"


def test_a_server_without_a_listing_has_the_reason_and_remedy_of_its_answer() -> None:
    answer = error_of(errors.UnauthorizedError)

    refused = error_of(errors.NoListingError, cause=answer)
    assert (reason_of(refused), message_of(refused)) == (reason_of(answer), message_of(answer))


def test_braces_in_a_problem_are_left_alone() -> None:
    error = errors.UnexpectedAnswerError(Peer.MODEL_SERVER, URL, "says {check} and {0}")

    assert "says {check} and {0}; check `url`" in message_of(error)


def test_the_options_of_the_operator_that_remedies_name_exist() -> None:
    options = {
        option.replace("-", "_")
        for remedy in REMEDIES.values()
        if "rasa-environments run" in remedy
        for option in re.findall(r"--([a-z-]+)", remedy)
    }

    assert options == {"allow_link_local", "allow_loopback"}
    assert options <= Settings.model_fields.keys()
