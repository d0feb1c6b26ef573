"""What is known about a model server: its last listing, and what was written since."""

from __future__ import annotations

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.observations import Observations
from rasa_environments.domain.facts import ServerObservation, TaggedModel

SERVER, OTHER = ObjectKey("bots", "default"), ObjectKey("bots", "other")
OLD, NEW = TaggedModel("old", "hash-old"), TaggedModel("new", "hash-new")
LISTED = ServerObservation(models={"old": OLD}, tags={"live": OLD, "staging": OLD}, known=True)


def tags(observations: Observations, server: ObjectKey = SERVER) -> dict[str, str]:
    """The name of the model that each tag is known to be on."""
    observation = observations.get(server)
    assert observation is not None
    return {tag: model.name for tag, model in observation.tags.items()}


def listed() -> Observations:
    """What is known after a listing."""
    observations = Observations()
    observations.listing_begins(SERVER)
    observations.listed(SERVER, LISTED)
    return observations


def test_before_the_first_listing_nothing_is_known() -> None:
    assert Observations().get(SERVER) is None


def test_a_listing_is_what_is_known() -> None:
    assert listed().get(SERVER) == LISTED
    assert listed().get(OTHER) is None


def test_a_written_tag_is_known_at_once() -> None:
    observations = listed()

    observations.tag_written(SERVER, "live", NEW)

    assert tags(observations) == {"live": "new", "staging": "old"}
    known = observations.get(SERVER)
    assert known is not None
    assert known.models == {"old": OLD, "new": NEW}


def test_a_tag_that_was_taken_away_is_known_at_once() -> None:
    observations = listed()

    observations.tag_written(SERVER, "live", None)

    assert tags(observations) == {"staging": "old"}


def test_a_write_during_a_listing_is_not_undone_by_it() -> None:
    observations = listed()

    observations.listing_begins(SERVER)
    observations.tag_written(SERVER, "live", NEW)
    observations.tag_written(SERVER, "staging", None)
    returned = observations.listed(SERVER, LISTED)

    assert tags(observations) == {"live": "new"}
    assert returned == observations.get(SERVER)


def test_of_several_writes_during_a_listing_the_last_counts() -> None:
    observations = listed()

    observations.listing_begins(SERVER)
    observations.tag_written(SERVER, "live", NEW)
    observations.tag_written(SERVER, "live", OLD)
    observations.listed(SERVER, LISTED)

    assert tags(observations)["live"] == "old"


def test_a_write_before_a_listing_gives_way_to_what_the_server_says() -> None:
    observations = listed()

    observations.tag_written(SERVER, "live", NEW)
    observations.listing_begins(SERVER)
    observations.listed(SERVER, LISTED)

    assert tags(observations)["live"] == "old"


def test_a_write_to_another_server_is_none_to_this_one() -> None:
    observations = listed()

    observations.listing_begins(SERVER)
    observations.tag_written(OTHER, "live", NEW)
    observations.listed(SERVER, LISTED)

    assert tags(observations)["live"] == "old"
    assert observations.get(OTHER) is None


def test_a_write_before_the_first_listing_has_ended_is_kept_for_it() -> None:
    observations = Observations()

    observations.listing_begins(SERVER)
    observations.tag_written(SERVER, "live", NEW)
    assert observations.get(SERVER) is None
    observations.listed(SERVER, LISTED)

    assert tags(observations)["live"] == "new"


def test_of_a_server_that_is_gone_nothing_is_kept() -> None:
    observations = listed()
    observations.listing_begins(SERVER)
    observations.tag_written(SERVER, "live", NEW)

    observations.forget(SERVER)

    assert observations.get(SERVER) is None
    assert observations.listed(SERVER, LISTED) == LISTED
