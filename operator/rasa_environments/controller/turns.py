"""Turns by namespace: whoever waits in another namespace does not wait for all of this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """A first-in-first-out queue for each namespace; the namespaces take turns.

    Between two turns of a namespace, each other namespace that waits and is eligible has one.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}
        """The namespace whose turn is longest ago comes first."""

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, namespace: str, item: Item) -> None:
        """Puts the item at the end of its namespace's queue."""
        self._waiting.setdefault(namespace, deque()).append(item)

    def take(self, eligible: Callable[[str], bool]) -> Item | None:
        """The next item of the eligible namespace whose turn it is; None where none waits."""
        namespace = next(filter(eligible, self._waiting), None)
        if namespace is None:
            return None
        items = self._waiting.pop(namespace)
        item = items.popleft()
        if items:
            self._waiting[namespace] = items
        return item
