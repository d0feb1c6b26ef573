"""The entries of environments.yml: those of existing environments, including production and worker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.controller.registrations import DesiredRegistration
from rasa_environments.rasa.environments_file import FileEntry
from rasa_environments.reconcile.registration.file import incomplete, merged_entries
from tests.reconcile.objects import server
from tests.reconcile.registry_objects import ADDRESSES, NAMES, REGISTRATIONS, TOKENS

HELD = st.dictionaries(NAMES, st.builds(FileEntry, ADDRESSES, TOKENS))
ENTRY = FileEntry("http://one:5005", "first-token")


@given(held=HELD, registrations=REGISTRATIONS, others=st.sets(NAMES))
def test_the_file_holds_who_is_offered_and_who_is_only_silent_yet(
    held: dict[str, FileEntry], registrations: list[DesiredRegistration], others: set[str]
) -> None:
    desired = {each.name for each in registrations}

    entries, _ = merged_entries(held, registrations, frozenset(desired | others))

    assert entries.keys() == desired | (held.keys() & others)
    assert all(entries[name] == held[name] for name in entries.keys() - desired)


@given(held=HELD, registrations=REGISTRATIONS)
def test_the_address_is_the_offered_one_and_the_old_token_stays_until_servers_run_with_the_new(
    held: dict[str, FileEntry], registrations: list[DesiredRegistration]
) -> None:
    entries, pending = merged_entries(held, registrations, frozenset(each.name for each in registrations))

    for each in registrations:
        there = held.get(each.name)
        waits = not each.in_use and there is not None and there.url == each.url and there.token != each.token
        token = there.token if waits and there is not None else each.token
        assert entries[each.name] == FileEntry(each.url, token)
        assert (each.name in pending) is waits


@given(held=HELD, registrations=REGISTRATIONS, others=st.sets(NAMES))
def test_merged_entries_stay(
    held: dict[str, FileEntry], registrations: list[DesiredRegistration], others: set[str]
) -> None:
    active = frozenset({each.name for each in registrations} | others)
    once = merged_entries(held, registrations, active)

    assert merged_entries(once[0], registrations, active) == once
    assert merged_entries(held, registrations[::-1], active) == once


@given(names=st.sets(NAMES), active=st.sets(NAMES))
def test_the_file_is_written_exactly_with_production_and_worker(names: set[str], active: set[str]) -> None:
    missing = incomplete(dict.fromkeys(names, ENTRY), frozenset(active), server())

    assert (missing is None) is (names >= {"production", "worker"})


def not_written(absent: str) -> str:
    """The message if an environment that Rasa X needs does not exist."""
    return (
        f"environments.yml is not written: Rasa X does not start without {absent}, and no environment of ModelServer "
        "bots/default is called so; create it, with spec.external if it runs elsewhere"
    )


MISSING = [
    ("", "", "False", "RegistryIncomplete", not_written("production and worker")),
    ("production", "production", "False", "RegistryIncomplete", not_written("worker")),
    ("", "worker", "False", "RegistryIncomplete", not_written("production")),
    (
        "worker",
        "production worker",
        "Unknown",
        "RegistrationPending",
        "waits for the address and the token of production",
    ),
    (
        "",
        "worker production",
        "Unknown",
        "RegistrationPending",
        "waits for the address and the token of production and worker",
    ),
]


@pytest.mark.parametrize(("names", "active", "status", "reason", "message"), MISSING)
def test_who_is_missing_is_told(names: str, active: str, status: str, reason: str, message: str) -> None:
    result = incomplete(dict.fromkeys(names.split(), ENTRY), frozenset(active.split()), server())

    assert result is not None
    assert (result.status, result.reason, result.message) == (status, reason, message)
