"""Objects generated from a schema in crds/: valid ones, and ones with one odd value."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
ODD_OTHERS: tuple[Any, ...] = (
    None,
    0,
    1,
    -1,
    1.5,
    65536,
    2**31,
    True,
    False,
    [],
    {},
    [""],
    [None],
    {"a": None},
    {"a": "b"},
)
FREE_FORM_KEYS = ("models", "containers", "spec", "metadata", "event_broker", "rest")
ASCII = st.characters(min_codepoint=32, max_codepoint=126)
ODD_VALUES = st.sampled_from(ODD_TEXTS) | st.sampled_from(ODD_OTHERS)
Path = tuple[str | int, ...]


def objects(schema: JsonObject) -> st.SearchStrategy[Any]:
    """Generate values for the schema; half of them have an odd value somewhere."""
    return st.one_of(values(schema), spoiled(schema))


@st.composite
def spoiled(draw: st.DrawFn, schema: JsonObject) -> Any:
    """Generate values for the schema in which one value is arbitrary."""
    value = draw(values(schema))
    path = draw(st.sampled_from(list(paths(value))))
    return replaced(value, path, draw(ODD_VALUES))


def values(schema: JsonObject) -> st.SearchStrategy[Any]:
    """Generate values of the types and within the bounds of the schema; most of them satisfy its rules."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.integers(0, 3) | texts(schema)
    kind = schema["type"]
    if kind == "object":
        return mappings(schema)
    if kind == "array":
        return st.lists(values(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
    if kind == "integer":
        lowest, highest = schema["minimum"], schema["maximum"]
        return st.sampled_from([lowest, highest]) | st.integers(lowest, highest)
    return st.booleans() if kind == "boolean" else texts(schema)


def mappings(schema: JsonObject) -> st.SearchStrategy[Any]:
    """Choose the required fields and a few others; at most one if a rule allows no more."""
    if schema.get(PRESERVE):
        return st.dictionaries(st.sampled_from(FREE_FORM_KEYS), ODD_VALUES, max_size=2)
    if "properties" not in schema:
        return st.dictionaries(st.sampled_from(("a", "b", "cpu")), values(schema["additionalProperties"]), max_size=2)
    fields = schema["properties"]
    required = schema.get("required", [])
    optional = sorted(fields.keys() - set(required))
    most = 1 if any("<= 1" in entry["rule"] for entry in schema.get(VALIDATIONS, [])) else 3
    chosen = st.lists(st.sampled_from(optional or [""]), max_size=most if optional else 0, unique=True)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({name: values(fields[name]) for name in (*required, *names)})
    )


def texts(schema: JsonObject) -> st.SearchStrategy[str]:
    """Generate texts that match the patterns of the schema, one of which may be in a rule."""
    patterns = patterns_of(schema)
    fitting = [text for text in ODD_TEXTS if all(re.search(pattern, text) for pattern in patterns)]
    generated = [st.from_regex(pattern, fullmatch=True, alphabet=ASCII) for pattern in patterns]
    return st.one_of(*generated, st.sampled_from(fitting or ["a"]))


def patterns_of(schema: JsonObject) -> list[str]:
    """Return the regular expressions that a text has to match."""
    rules = [entry["rule"] for entry in schema.get(VALIDATIONS, [])]
    quoted = [match[1] for rule in rules for match in re.finditer(r"(?<!!)self\.matches\('((?:[^'\\]|\\.)*)'\)", rule)]
    return [*([schema["pattern"]] if "pattern" in schema else []), *(text.replace("\\\\", "\\") for text in quoted)]


def paths(value: Any) -> Iterator[Path]:
    """Yield the path of every nested value, including the value itself."""
    yield ()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from ((key, *rest) for rest in paths(inner))


def replaced(value: Any, path: Path, by: Any) -> Any:
    """Return the value with the part at `path` replaced."""
    if not path:
        return by
    changed: Any = value.copy()
    changed[path[0]] = replaced(value[path[0]], path[1:], by)
    return changed
