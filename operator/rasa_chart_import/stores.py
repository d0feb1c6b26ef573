"""Entries of endpoints.yml as a chart has them: typed fields where there are some, else free-form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from rasa_chart_import import kinds
from rasa_chart_import.findings import Path, is_empty
from rasa_chart_import.reader import Kind, Reader, at
from rasa_chart_import.secret_values import SecretValues, looks_secret, reference
from rasa_environments.api.base import JsonObject
from rasa_environments.api.problems import problems
from rasa_environments.desired.entries import present

T = TypeVar("T")
WHOLE_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
DIALECTS = {"postgresql": "PostgreSQL", "mysql": "MySQL"}


@dataclass
class Store:
    """One entry, with the chart's own variables replaced by what they stand for."""

    reader: Reader
    secrets: SecretValues
    place: Path
    variables: Path
    """Where the file has the variables of the Rasa servers."""
    own: Mapping[str, tuple[str, Any]]
    """By key: the chart's own variable, and what it stands for."""
    taken: set[str] = field(default_factory=lambda: {"enabled", "type"})

    def value(self, key: str, kind: Kind[T]) -> T | None:
        """Return a value that fits; one that does not is noted, and left out."""
        given, _ = self._given(key)
        if is_empty(given):
            return None
        try:
            return kind.validate_python(given)
        except ValidationError as error:
            self.reader.refuse((*self.place, key), "; ".join(problems(error)))
            return None

    def secret(self, key: str) -> JsonObject | None:
        """Return a reference to a secret value."""
        given, is_own = self._given(key)
        if is_own:
            return given if isinstance(given, dict) else None
        return self._kept((*self.place, key), str(given))

    def _given(self, key: str) -> tuple[Any, bool]:
        """Return what the file says, and False; else what the chart's own variable stands for, and True."""
        self.taken.add(key)
        given = self.reader.given((*self.place, key))
        variable, standing_for = self.own.get(key, ("", None))
        if given is not None and given != f"${{{variable}}}":
            return given, False
        if given is not None:
            self.reader.unused((*self.place, key), f"{variable} is the chart's own variable for its service")
        return standing_for, True

    def rest(self) -> JsonObject:
        """Return what has no typed field, with references instead of secrets."""
        return {
            key: self._kept((*self.place, key), value) if isinstance(value, str) and looks_secret(key, value) else value
            for key, value in self.reader.mapping(self.place).items()
            if key not in self.taken and not is_empty(value)
        }

    def _kept(self, place: Path, value: str) -> JsonObject | None:
        variable = WHOLE_VARIABLE.fullmatch(value)
        if variable is None:
            return self.secrets.imported(place[-2:], value)
        found = variable_reference(self.reader, self.variables, variable[1])
        if found is None:
            self.reader.by_hand(place, f"the variable {variable[1]} comes from no Secret in the file: name one")
        else:
            self.reader.mapped(place, f"the Secret that the variable {variable[1]} comes from")
        return found


def variable_reference(reader: Reader, variables: Path, name: str) -> JsonObject | None:
    """Return the Secret that a variable of the file comes from; None if it comes from none."""
    for item in reader.given(variables) or []:
        source = at(item, ("valueFrom", "secretKeyRef")) if isinstance(item, Mapping) else None
        if isinstance(source, Mapping) and item.get("name") == name and {"name", "key"} <= set(source):
            return reference(source["name"], source["key"])
    return None


def sql(store: Store) -> JsonObject | None:
    """Return `trackerStore.sql`; None without a host."""
    dialect = store.value("dialect", kinds.TEXT)
    found = present(
        host=store.value("url", kinds.HOST),
        port=store.value("port", kinds.PORT),
        dialect=DIALECTS.get(dialect or "") if dialect != "postgresql" else None,
        username=store.value("username", kinds.TEXT),
        password=store.secret("password"),
        database=store.value("db", kinds.DATABASE),
        loginDatabase=store.value("login_db", kinds.DATABASE),
        query=store.value("query", kinds.QUERY),
    )
    return found if "host" in found else None


def redis(store: Store) -> JsonObject | None:
    """Return `lockStore.redis`; None without a host."""
    found = present(
        host=store.value("url", kinds.HOST),
        port=store.value("port", kinds.PORT),
        username=store.value("username", kinds.TEXT),
        password=store.secret("password"),
        database=store.value("db", kinds.REDIS_DATABASE),
        keyPrefix=store.value("key_prefix", kinds.KEY_PREFIX),
        tls={"mode": "Required"} if store.value("use_ssl", kinds.FLAG) else None,
    )
    return found if "host" in found else None


def rabbitmq(store: Store) -> JsonObject | None:
    """Return `eventBroker.rabbitmq`; None without a host."""
    address = store.reader.given((*store.place, "url"))
    tls = isinstance(address, str) and address.startswith(kinds.AMQPS)
    queues = store.value("queues", kinds.QUEUES)
    found = present(
        host=store.value("url", kinds.BROKER),
        port=store.value("port", kinds.PORT),
        username=store.value("username", kinds.TEXT),
        password=store.secret("password"),
        queues=queues,
        exchange=store.value("exchange_name", kinds.TEXT),
        tls={"mode": "Required"} if tls else None,
    )
    return found if "host" in found else None


TYPED: Mapping[str, tuple[str, Callable[[Store], JsonObject | None]]] = {
    "sql": ("sql", sql),
    "redis": ("redis", redis),
    "pika": ("rabbitmq", rabbitmq),
}
"""By the type of an entry: the typed field, and how it is made."""


def typed_or_free_form(store: Store, kind: str | None, entry: str) -> tuple[JsonObject | None, JsonObject | None]:
    """Return a typed store, or the entry of endpoints.yml called `entry`; both None where neither can be made."""
    dialect = store.reader.given((*store.place, "dialect"))
    is_typed = kind != "sql" or dialect is None or dialect in DIALECTS
    name, make = TYPED.get(kind or "", ("", None)) if is_typed else ("", None)
    if make is not None:
        made = make(store)
        left = [key for key in store.rest() if key not in store.taken]
        for key in left:
            store.reader.refuse(
                (*store.place, key), f"there is no such field: write it into endpoints.{entry}, all of it"
            )
        if made is None:
            store.reader.remarks.append(f"{'.'.join(store.place)} names no host, so the connection is left out")
        return ({name: made} if made is not None else None), None
    text = f"spec.endpoints.{entry}"
    store.reader.mapped(store.place, text)
    return None, {"type": kind, **store.rest()}
