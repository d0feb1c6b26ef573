"""Lua 5.1 with the libraries that Argo CD gives a script of argocd-cm: package, base, table, and two functions of os.

That is util/lua/lua.go of argo-cd. It encodes an object without distinguishing empty lists from empty mappings, and
restores what was empty before if a script returns the whole object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lupa import lua51  # type: ignore[import-untyped]

from rasa_environments.api.base import JsonObject
from rasa_environments.judge.conditions import merge_patch
from release.argo_cd import DISCOVERY, SCRIPTS

HEALTH = (SCRIPTS / "health.lua").read_text()
PREPARE = """
local os = { date = os.date, time = os.time }
package.loaded = {}
package.preload = { os = function() return os end }
getmetatable("").__index = nil
for _, library in ipairs({ "string", "math", "io", "os", "debug", "coroutine", "python" }) do
  _G[library] = nil
end
"""
STATUSES = ("Healthy", "Progressing", "Degraded", "Suspended")
"""Health states of Argo CD that a script may return (gitops-engine, pkg/health), except Missing and Unknown."""


def script(kind: str, name: str) -> str:
    """Return the text of an action, or of the script that discovers actions."""
    return (SCRIPTS / kind / f"{name}.lua").read_text()


def run(text: str, obj: JsonObject) -> Any:
    """Return the script's result for the object as JSON; an empty table is an empty list."""
    lua = lua51.LuaRuntime(register_eval=False, unpack_returned_tuples=True)
    lua.execute(PREPARE)
    lua.globals()["obj"] = lua.table_from(obj, recursive=True)
    return decoded(lua.execute(text))


def decoded(value: Any) -> Any:
    """A value of Lua as JSON."""
    if lua51.lua_type(value) != "table":
        return value
    keys = list(value)
    if keys == list(range(1, len(keys) + 1)):
        return [decoded(value[key]) for key in keys]
    return {key: decoded(value[key]) for key in keys}


def health(obj: JsonObject) -> JsonObject:
    """The health of an object."""
    found: JsonObject = run(HEALTH, obj)
    return found


def change(returned: JsonObject, obj: JsonObject) -> JsonObject:
    """The merge patch that Argo CD sends for what an action returned."""
    return merge_patch(obj, {key: repaired(value, obj.get(key)) for key, value in returned.items()})


def repaired(value: Any, before: Any) -> Any:
    """Return the value, with an empty list replaced by the mapping that was there before."""
    if isinstance(before, Mapping) and value == []:
        return before
    if isinstance(before, Mapping) and isinstance(value, Mapping):
        return {key: repaired(inner, before.get(key)) for key, inner in value.items()}
    if isinstance(before, list) and isinstance(value, list) and len(before) == len(value):
        return [repaired(new, old) for new, old in zip(value, before, strict=True)]
    return value


def available(kind: str, obj: JsonObject) -> set[str]:
    """The actions that Argo CD offers for the object."""
    offered: dict[str, JsonObject] = run(script(kind, DISCOVERY), obj)
    return {name for name, action in offered.items() if not action.get("disabled")}
