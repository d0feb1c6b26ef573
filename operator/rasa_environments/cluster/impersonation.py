"""User impersonation: `as`, `as-groups`, `as-uid` and `as-user-extra` of a kubeconfig, or --as.

Names, order and headers are those of client-go (tools/clientcmd/client_config.go, transport/round_trippers.go); the API
server checks that the real user may `impersonate` the other one (kubernetes.io, User impersonation).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import quote

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.errors import ConfigurationError

_LEGAL: Final = "!#$&'*+-.^_`|~"
"""Characters of a header name that need no escape, besides letters and digits (RFC 7230, token, without `%`)."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Impersonation:
    """The user to impersonate; nobody if no field is set."""

    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Extra fields of the user: keys with their values."""

    @classmethod
    def of_user(cls, user: JsonObject) -> Self:
        """Return what the user of a kubeconfig specifies. Raises ConfigurationError for fields of the wrong type."""
        extra = user.get("as-user-extra") or {}
        if not isinstance(extra, dict):
            raise ConfigurationError(f"`as-user-extra` of the kubeconfig's user must be a map, not {extra!r}")
        return cls(
            user=_text(user, "as"),
            groups=_texts("as-groups", user.get("as-groups")),
            uid=_text(user, "as-uid"),
            extra=tuple((str(key), _texts(f"as-user-extra.{key}", values)) for key, values in extra.items()),
        )

    def over(self, other: Self) -> Self:
        """Return both merged field by field, as kubectl does; fields set here take precedence over `other`."""
        given = {name: value for name, value in vars(self).items() if value}
        return replace(other, **given)

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of each request.

        Raises ConfigurationError without a user, and for values no header can hold.
        """
        if not self.user:
            if self.groups or self.uid or self.extra:
                raise ConfigurationError(
                    "groups, a UID or extra fields to impersonate are set, but no user: add --as, or `as` to the "
                    "kubeconfig's user"
                )
            return []
        headers = [("Impersonate-User", self.user)]
        headers += [("Impersonate-Uid", self.uid)] if self.uid else []
        headers += [("Impersonate-Group", group) for group in self.groups]
        for key, values in self.extra:
            headers += [(f"Impersonate-Extra-{quote(key, safe=_LEGAL)}", value) for value in values]
        for name, value in headers:
            if _CONTROL.search(value):
                raise ConfigurationError(f"{name} {value!r} has a control character: remove it from --as or `as`")
        return headers


NOBODY_ELSE: Final = Impersonation()
"""Requests are made as the real user."""


def _text(user: JsonObject, name: str) -> str:
    value = user.get(name) or ""
    if not isinstance(value, str):
        raise ConfigurationError(f"`{name}` of the kubeconfig's user must be a string, not {value!r}")
    return value


def _texts(name: str, values: object) -> tuple[str, ...]:
    if values is None:
        return ()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigurationError(f"`{name}` of the kubeconfig's user must be a list of strings, not {values!r}")
    return tuple(values)
