"""Precedence where several resources claim the same thing."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import NamedTuple

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.claims import NO_CLAIMS, ClaimKey, Claims, Contest, concerned_by


class Place(NamedTuple):
    """A claim, ordered by precedence: holders first, then by age, then by name."""

    is_new: bool
    created: str
    resource: ObjectKey


class ClaimIndex:
    """The claims of all resources of one kind, in order.

    Adding and finding claims takes the same time for any number.
    """

    def __init__(self, on_change: Callable[[ObjectKey], None]) -> None:
        self.on_change = on_change
        """Called with each resource that may have gained or lost precedence because another one changed."""
        self._places: dict[ClaimKey, list[Place]] = {}
        self._filed: dict[ObjectKey, tuple[str, Claims]] = {}
        self._free: dict[ObjectKey, bool] = {}
        """Results of `is_free` that are still valid."""

    def index(self, resource: ObjectKey, created: str, claims: Claims) -> None:
        """Replace the resource's claims; `created` is its creation time."""
        old_created, old = self._filed.get(resource, ("", NO_CLAIMS))
        if (old_created, old) == (created, claims):
            return
        self._filed[resource] = (created, claims)
        self._free.pop(resource, None)
        before, now = _places(resource, old_created, old), _places(resource, created, claims)
        for key, place in before.items():
            if now.get(key) != place:
                self._take_out(key, place)
        for key, place in now.items():
            if before.get(key) != place:
                self._put_in(key, place)

    def withdraw(self, resource: ObjectKey) -> None:
        """Remove the claims of a resource that is gone."""
        created, claims = self._filed.pop(resource, ("", NO_CLAIMS))
        self._free.pop(resource, None)
        for key, place in _places(resource, created, claims).items():
            self._take_out(key, place)

    def is_free(self, resource: ObjectKey) -> bool:
        """Return whether the resource has no conflict."""
        free = self._free.get(resource)
        if free is None:
            free = self._free[resource] = self.conflict(resource) is None
        return free

    def first(self, key: ClaimKey) -> ObjectKey | None:
        """Return the resource that comes first, or None."""
        places = self._places.get(key)
        return places[0].resource if places else None

    def conflict(self, resource: ObjectKey) -> tuple[Contest, ObjectKey] | None:
        """Return what the resource wants and another one has precedence for, and that resource.

        None without a conflict.
        """
        created, claims = self._filed.get(resource, ("", NO_CLAIMS))
        for contest in claims.contests:
            places = self._places.get(contest.key, [])
            other = next((place for place in places[:2] if place.resource != resource), None)
            if other is not None and _comes_before(other, contest, created, resource):
                return contest, other.resource
        return None

    def _put_in(self, key: ClaimKey, place: Place) -> None:
        insort(self._places.setdefault(key, []), place)
        self._notify(key, place)

    def _take_out(self, key: ClaimKey, place: Place) -> None:
        self._notify(key, place)
        places = self._places[key]
        del places[bisect_left(places, place)]
        if not places:
            del self._places[key]

    def _notify(self, key: ClaimKey, place: Place) -> None:
        """Notify resources whose verdict depends on the place: if it is first, the next one and all related claims.

        If it is second, that may be the first one, which has this and wants something else.
        """
        places = self._places[key]
        if places[0] == place:
            dependent = [*places[1:2], *(each for other in concerned_by(key) for each in self._places.get(other, []))]
        else:
            dependent = places[:1] if places[1] == place else []
        for each in dependent:
            if each.resource != place.resource and self._contests(each.resource, key, place):
                self._free.pop(each.resource, None)
                self.on_change(each.resource)

    def _contests(self, resource: ObjectKey, key: ClaimKey, place: Place) -> bool:
        """Return whether the resource contests the key, and the place takes precedence."""
        created, claims = self._filed.get(resource, ("", NO_CLAIMS))
        return any(
            contest.key == key and _comes_before(place, contest, created, resource) for contest in claims.contests
        )


def _comes_before(place: Place, contest: Contest, created: str, resource: ObjectKey) -> bool:
    if contest.with_holders and place.is_new:
        return False
    return place < Place(not contest.held, created, resource)


def _places(resource: ObjectKey, created: str, claims: Claims) -> dict[ClaimKey, Place]:
    return {key: Place(not held, created, resource) for key, held in claims.filed.items()}
