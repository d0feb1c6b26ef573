"""The desired registry: entries of others stay, and the operator's come and go with their environments."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.controller.registrations import DesiredRegistration
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.reconcile.registration.registry import DONE, PENDING, Merged, by_another, merged
from tests.reconcile.registry_objects import ADDRESSES, NAMES, REGISTRATIONS, TOKENS, desired

EXTRAS = st.dictionaries(st.sampled_from(["id", "licence"]), st.integers(0, 3) | st.none(), max_size=2)
ENTRIES = st.lists(
    st.builds(RegisteredEnvironment, NAMES, ADDRESSES, TOKENS | st.none(), EXTRAS),
    unique_by=lambda entry: entry.name,
).map(tuple)


@dataclass(frozen=True)
class Situation:
    """A registry, the desired registrations, and what this operator knows."""

    current: tuple[RegisteredEnvironment, ...]
    registrations: tuple[DesiredRegistration, ...]
    managed: frozenset[str]
    active: frozenset[str]

    @property
    def plan(self) -> Merged:
        """What should be."""
        return merged(self.current, self.registrations, managed=self.managed, active=self.active)

    @property
    def before(self) -> dict[str, RegisteredEnvironment]:
        """The entries by name."""
        return {entry.name: entry for entry in self.current}

    @property
    def after(self) -> dict[str, RegisteredEnvironment]:
        """The desired entries, by name."""
        return {entry.name: entry for entry in self.plan.entries}

    def somebody_elses(self, desired: DesiredRegistration) -> bool:
        """Return whether an entry of the desired name points elsewhere, and was not made here."""
        there = self.before.get(desired.name)
        elsewhere = there is not None and there.url.rstrip("/") != desired.url.rstrip("/")
        return elsewhere and not desired.adopts and desired.name not in self.managed


SITUATIONS = st.builds(
    lambda current, registrations, managed, active: Situation(
        current, tuple(registrations), frozenset(managed), frozenset(active) | {each.name for each in registrations}
    ),
    ENTRIES,
    REGISTRATIONS,
    st.sets(NAMES),
    st.sets(NAMES),
)


def whole(entry: RegisteredEnvironment | None) -> object:
    """Return all of an entry, as sent to the server; None if there is none."""
    return None if entry is None else entry.as_json()


@given(of=SITUATIONS)
def test_what_others_registered_under_other_names_stays_as_it_is(of: Situation) -> None:
    for entry in of.current:
        if entry.name not in of.managed and entry.name not in {each.name for each in of.registrations}:
            assert whole(of.after.get(entry.name)) == whole(entry)


@given(of=SITUATIONS)
def test_what_others_registered_under_the_same_name_for_another_server_stays_and_is_reported(of: Situation) -> None:
    for each in of.registrations:
        if of.somebody_elses(each):
            result = of.plan.results[each.name]
            assert whole(of.after[each.name]) == whole(of.before[each.name])
            assert (result.status, result.reason) == ("False", "RegisteredByAnother")
            assert f"({of.before[each.name].url.rstrip('/')})" in result.message
            assert each.name not in of.plan.recorded


@given(of=SITUATIONS)
def test_what_is_offered_is_registered_unless_it_is_somebody_elses(of: Situation) -> None:
    for each in of.registrations:
        if not of.somebody_elses(each):
            assert of.after[each.name].url.rstrip("/") == each.url.rstrip("/")
            assert of.plan.results[each.name] in (DONE, PENDING)
            if each.in_use:
                assert (of.after[each.name].url, of.after[each.name].token) == (each.url, each.token)
                assert of.plan.results[each.name] == DONE


@given(of=SITUATIONS)
def test_the_old_token_stays_until_the_servers_run_with_the_new_one(of: Situation) -> None:
    for each in of.registrations:
        there = of.before.get(each.name)
        if there is None or there.token is None or each.in_use or of.somebody_elses(each):
            continue
        if there.name in of.after and there.url.rstrip("/") == each.url.rstrip("/"):
            assert of.after[each.name].token == there.token
            assert of.plan.results[each.name] == (DONE if there.token == each.token else PENDING)


@given(of=SITUATIONS)
def test_ours_goes_with_its_environment(of: Situation) -> None:
    assert not (of.managed - of.active) & of.after.keys()


@given(of=SITUATIONS)
def test_ours_stays_while_its_environment_has_not_made_its_offer_yet(of: Situation) -> None:
    silent = (of.managed & of.active) - {each.name for each in of.registrations}

    assert [whole(of.after.get(name)) for name in silent] == [whole(of.before.get(name)) for name in silent]


@given(of=SITUATIONS)
def test_what_is_unknown_in_an_entry_survives(of: Situation) -> None:
    for name in of.before.keys() & of.after.keys():
        assert dict(of.after[name].extra) == dict(of.before[name].extra)


@given(of=SITUATIONS)
def test_all_that_is_written_is_noted_first_and_what_is_to_go_stays_noted_until_it_is_gone(of: Situation) -> None:
    written = {name for name, entry in of.after.items() if of.before.get(name) != entry}

    assert written <= of.plan.recorded
    assert of.managed & of.before.keys() <= of.plan.recorded
    assert of.plan.recorded <= of.managed | {each.name for each in of.registrations}


@given(of=SITUATIONS)
def test_once_it_is_as_it_should_be_it_stays(of: Situation) -> None:
    plan = of.plan

    again = merged(plan.entries, of.registrations, managed=plan.recorded, active=of.active)

    assert list(map(whole, again.entries)) == list(map(whole, plan.entries))
    assert again.results == plan.results


@given(of=SITUATIONS, order=st.randoms(use_true_random=False))
def test_the_order_in_which_environments_come_does_not_count(of: Situation, order: random.Random) -> None:
    shuffled = list(of.registrations)
    order.shuffle(shuffled)

    plan = merged(of.current, shuffled, managed=of.managed, active=of.active)

    assert {entry.name: whole(entry) for entry in plan.entries} == {name: whole(e) for name, e in of.after.items()}
    assert (plan.results, plan.recorded) == (of.plan.results, of.plan.recorded)


@given(of=SITUATIONS)
def test_the_entries_that_stay_keep_their_order_so_that_nothing_is_written_without_need(of: Situation) -> None:
    stayed = [name for name in of.after if name in of.before]

    assert stayed == [entry.name for entry in of.current if entry.name in of.after]


@given(of=SITUATIONS)
def test_no_message_shows_a_token(of: Situation) -> None:
    assert not [result for result in of.plan.results.values() if "-token" in result.message]


OTHERS = RegisteredEnvironment("staging", "http://elsewhere:5005", "their-token", {"id": 7})


def plan_for(*registrations: DesiredRegistration, managed: str = "") -> Merged:
    """The plan for a registry in which somebody else registered `staging`."""
    active = frozenset(each.name for each in registrations)
    return merged([OTHERS], registrations, managed=frozenset(managed.split()), active=active)


def test_somebody_elses_entry_is_reported_with_the_ways_out() -> None:
    plan = plan_for(desired("staging"))

    assert plan.entries == (OTHERS,)
    assert plan.results["staging"].message == (
        "staging is registered already, for another server (http://elsewhere:5005), and not by this operator: delete "
        "that entry, rename this environment, or let it take the entry over with the annotation "
        "rasa-environments.io/adopt-registration=true"
    )


@pytest.mark.parametrize("in_use", [True, False])
def test_an_environment_that_adopts_takes_the_entry_over_with_what_is_unknown_in_it(in_use: bool) -> None:
    (entry,) = plan_for(desired("staging", adopts=True, in_use=in_use)).entries

    assert entry.as_json() == {"id": 7, "name": "staging", "url": "http://one:5005", "token": "first-token"}


def test_an_entry_that_leads_to_the_environment_already_is_its_own() -> None:
    plan = plan_for(desired("staging", url="http://elsewhere:5005/"))

    assert plan.entries == (RegisteredEnvironment("staging", "http://elsewhere:5005/", "first-token"),)
    assert plan.results == {"staging": DONE}
    assert plan.recorded == {"staging"}


def test_what_was_adopted_goes_with_the_environment() -> None:
    assert plan_for(managed="staging").entries == ()


@pytest.mark.parametrize(
    "url",
    ["https://svc:hunter2@rasa.example:8443/hunter2?token=hunter2#hunter2", "http://[hunter2", "hunter2", "//hunter2"],
)
def test_the_address_that_somebody_else_registered_is_reported_without_what_may_be_secret(url: str) -> None:
    told = by_another(RegisteredEnvironment("production", url, "hunter2")).message

    assert "hunter2" not in told
    assert "@" not in told
    assert ("(https://rasa.example:8443)" in told) == url.startswith("https")
