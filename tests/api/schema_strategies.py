"""Objects made from a schema of crds/: half of them are mostly right, the others wrong in a place or two."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.api.rules import PRESERVE, VALIDATIONS

ODD_TEXTS = (
    *(
        "",
        " ",
        "a",
        "-",
        "a-",
        "A.b_c",
        "é",
        "a\n",
        "a" * 64,
        "9",
        "01",
        "1.5",
        "-1",
        "1Gi",
        "50%",
        "101%",
        "True",
        "null",
    ),
    *(
        "http://a",
        "http://a/api",
        "https://a:65536/b",
        "http://a?b=c",
        "http://u:p@a",
        "ftp://a",
        "http://[::1]",
        "//a",
    ),
    *(
        "a:1",
        "::1",
        "a.b.c",
        "a..b",
        "*.a.b",
        "/",
        "/a",
        "/a/",
        "/a//b",
        "/.a",
        "/{tag}",
        "/{project}/{tag}",
        "/{x}/{tag}",
    ),
    *(
        "10.0.0.0/8",
        "10.0.0.1",
        "10.0.0.0/08",
        "fd00::/8",
        "::ffff:1.2.3.4/128",
        "::1.2.3.4/128",
        "1.2.3.4/33",
        "::/129",
    ),
    *(
        "3.6.21",
        "3.6",
        "production",
        "rasa-experimental",
        "rasa_1",
        "m.tar.gz",
        "--port",
        "--port=1",
        "--debug",
        "SASL_SSL",
    ),
)
ASCII = st.characters(min_codepoint=33, max_codepoint=126)
ODD_VALUES: tuple[Any, ...] = (None, 0, 1, -1, 2**31, True, False, [], {}, [""], {"a": None}, *ODD_TEXTS)
FREE_FORM_KEYS = ("models", "containers", "spec", "metadata", "event_broker", "rest")


def objects(schema: JsonObject) -> st.SearchStrategy[Any]:
    """Values for the schema: with even chance all right as far as types, patterns and bounds go, or not."""
    return st.one_of(values(schema, odd=False), values(schema, odd=True))


def values(schema: JsonObject, *, odd: bool) -> st.SearchStrategy[Any]:
    """Values for the schema; where `odd`, one in twelve is anything."""
    plain = _plain(schema, odd=odd)
    if not odd:
        return plain
    return st.integers(0, 11).flatmap(lambda dice: st.sampled_from(ODD_VALUES) if dice == 0 else plain)


def _plain(schema: JsonObject, *, odd: bool) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.integers(-1, 3) | _texts(schema)
    kind = schema["type"]
    if kind == "object":
        return _mappings(schema, odd=odd)
    if kind == "array":
        return st.lists(values(schema["items"], odd=odd), min_size=schema.get("minItems", 0), max_size=3)
    if kind == "integer":
        lowest, highest = schema["minimum"], schema["maximum"]
        bounds = [lowest, highest, *((lowest - 1, highest + 1) if odd else ())]
        return st.sampled_from(bounds) | st.integers(lowest, highest)
    return st.booleans() if kind == "boolean" else _texts(schema)


def _mappings(schema: JsonObject, *, odd: bool) -> st.SearchStrategy[Any]:
    if schema.get(PRESERVE):
        return st.dictionaries(st.sampled_from(FREE_FORM_KEYS), st.sampled_from(ODD_VALUES), max_size=2)
    if "properties" not in schema:
        return st.dictionaries(
            st.sampled_from(("a", "b", "cpu")), values(schema["additionalProperties"], odd=odd), max_size=2
        )
    fields = schema["properties"]
    required = schema.get("required", [])
    optional = sorted(fields.keys() - set(required))
    chosen = st.lists(st.sampled_from(optional), max_size=3, unique=True) if optional else st.just([])
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({name: values(fields[name], odd=odd) for name in (*required, *names)})
    )


def _texts(schema: JsonObject) -> st.SearchStrategy[str]:
    patterns = _patterns(schema)
    fitting = [text for text in ODD_TEXTS if all(re.search(pattern, text) for pattern in patterns)]
    generated = [st.from_regex(pattern, fullmatch=True, alphabet=ASCII) for pattern in patterns]
    return st.one_of(*generated, st.sampled_from(fitting or ["a"]), st.sampled_from(["a", "b"]))


def _patterns(schema: JsonObject) -> list[str]:
    rules = [entry["rule"] for entry in schema.get(VALIDATIONS, [])]
    quoted = [match[1] for rule in rules for match in re.finditer(r"(?<!!)self\.matches\('((?:[^'\\]|\\.)*)'\)", rule)]
    return [*([schema["pattern"]] if "pattern" in schema else []), *(text.replace("\\\\", "\\") for text in quoted)]
