"""Fair queueing by namespace: no namespace has to wait for all requests of another one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """A first-in-first-out queue for each namespace; the namespaces take turns.

    Between two turns of a namespace, each other eligible namespace with waiting items has one.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}
        """The namespace whose last turn was longest ago comes first."""

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, namespace: str, item: Item) -> None:
        """Append the item to its namespace's queue."""
        self._waiting.setdefault(namespace, deque()).append(item)

    def take(self, eligible: Callable[[str], bool]) -> Item | None:
        """Return the next item of the eligible namespace whose turn it is, or None."""
        namespace = next(filter(eligible, self._waiting), None)
        if namespace is None:
            return None
        items = self._waiting.pop(namespace)
        item = items.popleft()
        if items:
            self._waiting[namespace] = items
        return item
