"""Validation rules that apply twice with the same message: as CEL in the CRD, and as Python in pydantic."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

VALIDATIONS = "x-kubernetes-validations"
PRESERVE = "x-kubernetes-preserve-unknown-fields"

T = TypeVar("T")
CauseOfRefusal: TypeAlias = Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"]
"""Cause that the API server reports for a violation (`reason` of a validation rule)."""


@dataclass(frozen=True)
class Rule(Generic[T]):
    """A condition on a value, in CEL and in Python, and the message for values that violate it.

    In `Annotated[str, Rule(...)]` it applies to that value, as an attribute of an ApiModel to the whole model (see
    `rule`).
    """

    cel: str
    message: str
    holds: Callable[[T], bool]
    field: str = ""
    """Path of the offending field, for example `.username`; empty: the value itself."""
    reason: CauseOfRefusal = "FieldValueInvalid"

    def entry(self) -> dict[str, Any]:
        """Return the rule as an entry of `x-kubernetes-validations`."""
        return _entry(self.cel, self.message, self.field, self.reason)

    def __get_pydantic_core_schema__(self, source: type[T], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        json_schema = handler(schema)
        json_schema[VALIDATIONS] = [*json_schema.get(VALIDATIONS, []), self.entry()]
        return json_schema

    def _check(self, value: T) -> T:
        refuse([self], value)
        return value


@dataclass(frozen=True)
class TransitionRule:
    """A condition on the old and the new object; in CEL only, since only the API server sees both."""

    cel: str
    message: str
    field: str = ""
    reason: CauseOfRefusal = "FieldValueForbidden"

    def entry(self) -> dict[str, Any]:
        """Return the rule as an entry of `x-kubernetes-validations`."""
        return _entry(self.cel, self.message, self.field, self.reason)


def _entry(cel: str, message: str, field: str, reason: CauseOfRefusal) -> dict[str, Any]:
    return {"rule": cel, "message": message, "reason": reason, **({"fieldPath": field} if field else {})}


@dataclass(frozen=True)
class MergedRule(Generic[T]):
    """A condition on a part of a spec after the ModelServer's defaults are merged; it does not appear in the CRD."""

    message: str
    holds: Callable[[T], bool]
    field: str = ""
    """Path of the field within the part, for example `.host`; empty: the part itself."""


def merged_rule(message: str, field: str = "") -> Callable[[Callable[[T], bool]], MergedRule[T]]:
    """Turn a method of an ApiModel, which returns whether the rule holds, into a rule of the merged spec."""

    def with_message(holds: Callable[[T], bool]) -> MergedRule[T]:
        return MergedRule(message, holds, field)

    return with_message


def required(name: str, field: str, hint: str = "") -> MergedRule[Any]:
    """Return a rule that the attribute `name`, called `field` in manifests, is set here or in the defaults."""
    message = f"must be set, here or in spec.defaults of the ModelServer{hint}"
    return MergedRule(message, lambda model: getattr(model, name) is not None, f".{field}")


def refuse(rules: Sequence[Rule[T]], value: T) -> None:
    """Check the value against the rules. Raises PydanticCustomError with the messages of those it violates."""
    messages = [rule.message for rule in rules if not rule.holds(value)]
    if messages:
        raise PydanticCustomError("rule", "{message}", {"message": "; ".join(messages)})


def rule(
    cel: str, message: str, field: str = "", reason: CauseOfRefusal = "FieldValueInvalid"
) -> Callable[[Callable[[T], bool]], Rule[T]]:
    """Turn a method of an ApiModel, which returns whether the rule holds, into the Python twin of a CEL rule."""

    def twin(holds: Callable[[T], bool]) -> Rule[T]:
        return Rule(cel, message, holds, field, reason)

    return twin


def matches(pattern: str, message: str) -> Rule[str]:
    """Return a rule that a string matches an anchored pattern, which must mean the same in RE2 and in Python's `re`.

    Hence use [0-9] instead of classes such as `d` and `s`, which match more characters in Python than in RE2.
    """
    compiled = re.compile(pattern)
    quoted = pattern.replace("\\", "\\\\").replace("'", "\\'")
    return Rule(f"self.matches('{quoted}')", message, lambda value: compiled.fullmatch(value) is not None)


def at_most_one_of(*names: str) -> Rule[Any]:
    """Return a rule that at most one of the fields `names`, spelled as in manifests, is set."""
    count = " + ".join(f"(has(self.{name}) ? 1 : 0)" for name in names)
    attributes = [_attribute(name) for name in names]

    def holds(model: object) -> bool:
        return sum(getattr(model, name) is not None for name in attributes) <= 1

    return Rule(f"{count} <= 1", f"may have only one of {', '.join(names)}", holds)


def at_least_one_of(*names: str) -> Rule[Any]:
    """Return a rule that one of the fields `names`, spelled as in manifests, is set, or more of them."""
    attributes = [_attribute(name) for name in names]

    def holds(model: object) -> bool:
        return any(getattr(model, name) is not None for name in attributes)

    any_of = " || ".join(f"has(self.{name})" for name in names)
    return Rule(any_of, f"must have {' or '.join(names)}", holds, reason="FieldValueRequired")


def one_of(*names: str) -> MergedRule[Any]:
    """Return a rule that exactly one of the fields `names` is set once the defaults are merged."""
    attributes = [_attribute(name) for name in names]

    def holds(model: object) -> bool:
        return sum(getattr(model, name) is not None for name in attributes) == 1

    choice = f"must have exactly one of {', '.join(names)}" if len(names) > 1 else f"must have {names[0]}"
    return MergedRule(choice, holds)


def _attribute(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def without_key(key: str, message: str) -> Rule[dict[str, Any]]:
    """Return a rule that a free-form field, whose schema declares `key`, does not have that key."""
    return Rule(f"!has(self.{key})", message, lambda value: value.get(key) is None, f".{key}", "FieldValueForbidden")


LONGEST_KEY = 317
"""Characters of a key of a map: as many as a label with its prefix can have."""

BOUNDED_KEYS: Rule[dict[str, Any]] = Rule(
    f"self.all(key, size(key) <= {LONGEST_KEY})",
    f"may not have a key of more than {LONGEST_KEY} characters",
    lambda value: all(len(key) <= LONGEST_KEY for key in value),
)


@dataclass(frozen=True)
class FreeForm:
    """In `Annotated[dict[str, Any], FreeForm()]`: a field with any content, of which rules see only the key `refused`.

    Rules see only what is declared with a type: `refused_type` is `object`, or `array` of objects.
    """

    refused: str | None = None
    refused_type: Literal["object", "array"] = "object"

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        anything = {"type": "object", PRESERVE: True}
        if self.refused is None:
            return anything
        declared = anything if self.refused_type == "object" else {"type": "array", "items": anything}
        return {
            **anything,
            "properties": {
                self.refused: {
                    "description": "Not allowed here: the error says where to set it.",
                    **declared,
                }
            },
        }


@dataclass(frozen=True)
class Keyed:
    """In `Annotated[list[...], Keyed(...)]`: a list of items identified by the fields `keys`; without keys, a set."""

    keys: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        json_schema = handler(schema)
        json_schema["x-kubernetes-list-type"] = "map" if self.keys else "set"
        if self.keys:
            json_schema["x-kubernetes-list-map-keys"] = list(self.keys)
        return json_schema

    def _check(self, items: list[Any]) -> list[Any]:
        seen = set()
        for item in items:
            identity = tuple(getattr(item, key) for key in self.keys) or item
            if identity in seen:
                raise PydanticCustomError("duplicate", "duplicate value {value}", {"value": str(item)})
            seen.add(identity)
        return items
