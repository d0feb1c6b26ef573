"""A tag that is not set: the listing says that production cannot load the model, or the server refuses it."""

from __future__ import annotations

import pytest

from rasa_environments.domain.advice import message_of, reason_of, remedy_of
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.rasa.errors import EnvironmentMissingError, RasaError, UnauthorizedError, UnknownModelError
from rasa_environments.rasa.listing import Model
from rasa_environments.rasa.peers import Peer
from rasa_environments.reconcile.model_server import listed, observed
from rasa_environments.reconcile.tagging import refused
from tests.reconcile.objects import server_error, tag


@pytest.mark.parametrize(("said", "compatible"), [(True, True), (False, False), (None, True)])
def test_only_a_plain_no_of_the_server_makes_a_model_incompatible(said: bool | None, compatible: bool) -> None:
    found = listed(Model("m", "1", frozenset(), 1767268800.25, "1.10.26", is_compatible=said))

    assert (found.compatible, found.trained_at, found.version) == (compatible, 1767268800.25, "1.10.26")


def test_two_listings_differ_by_name_and_hash_alone() -> None:
    plain = TaggedModel("m", "1")

    assert TaggedModel("m", "1", 2.0, "3.6.21", compatible=False) == plain
    assert TaggedModel("m", "2") != plain


def test_a_tag_carries_the_model_with_all_that_is_known_of_it() -> None:
    observation = observed((Model("m", "1", frozenset({"production"}), is_compatible=False),))

    assert observation.tags["production"] is observation.models["m"]
    assert not observation.tags["production"].compatible


KNOWN = TaggedModel("20260101-120000", "1")
MISSING = server_error(EnvironmentMissingError, "no production")


def unknown(said: str = "") -> UnknownModelError:
    """The error for a 404 with this reason."""
    return UnknownModelError(Peer.MODEL_SERVER, "http://rasa-x:5002", "has no such model", status=404, said=said)


@pytest.mark.parametrize(
    "said", [pytest.param("production is not reachable", id="words"), pytest.param("", id="no words")]
)
def test_a_model_that_is_listed_and_may_carry_no_tag_is_not_called_missing(said: str) -> None:
    problem = refused(tag("live"), unknown(said), KNOWN)

    assert problem.reason == "TagRefused"
    assert problem.message == (
        f"the model server has model 20260101-120000, and does not let it carry tag live ({said or 404}): Rasa X asks "
        "the production environment first; see that it is registered, answers, and can load the model"
    )


@pytest.mark.parametrize(
    ("error", "listed_model"),
    [(unknown(), None), (server_error(UnauthorizedError, "the login is refused"), KNOWN)],
    ids=["not listed", "another error"],
)
def test_any_other_refusal_is_told_in_the_words_of_the_error(
    error: RasaError, listed_model: TaggedModel | None
) -> None:
    problem = refused(tag("live"), error, listed_model)

    assert (problem.reason, problem.message, problem.stalled) == (reason_of(error), message_of(error), False)


def test_which_environment_rasa_x_lacks_is_told_where_it_is_known() -> None:
    problem = refused(tag("live"), unknown("TagError"), KNOWN, MISSING)

    assert problem.message == (
        "the model server has model 20260101-120000, and does not let it carry tag live (TagError): no production; "
        + remedy_of(MISSING)
    )
