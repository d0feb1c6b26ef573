"""Values files, read and merged as Helm does it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from rasa_chart_import.findings import Path, shown

NAMES_A_VALUE = re.compile("alias|anchor|tag")
"""Words after which the parser repeats what may be a password: `password: *secret`."""
ALIAS = re.compile("^found undefined alias")
MERGE = "tag:yaml.org,2002:merge"
"""The key `<<`, of which a mapping may have several: parsers of docker-compose take each."""
DEEPEST = 100
"""Maximum nesting of mappings and lists; deeper values refer to themselves."""


class ValuesError(ValueError):
    """A file that cannot be read; the message has problem, place and remedy."""


@dataclass(frozen=True)
class Values:
    """The values of one or more files."""

    values: Mapping[str, Any] = field(repr=False)
    places: Mapping[Path, str]
    """Position of each value, as file:line."""
    notes: Mapping[Path, str] = field(default_factory=dict)
    """What else the report says about a value, which is then carried over in part at most."""


def unchanged(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values as they are."""
    return values


def merged(
    files: Iterable[tuple[str, str]], form: Callable[[Mapping[str, Any]], Mapping[str, Any]] = unchanged
) -> Values:
    """Return the merged values of files, each a name and a text; later files take precedence.

    `form` brings the values of each file into the form in which they are merged.

    Mappings are merged, everything else is replaced, and null removes what it overrides (Helm's documentation, "Values
    Files" and "Deleting a default key"). Raises ValuesError where a file is not a mapping in YAML.
    """
    values: dict[str, Any] = {}
    places: dict[Path, str] = {}
    for name, text in files:
        loaded = loaded_from(name, text)
        values = _over(values, form(loaded.values))
        places.update(loaded.places)
    return Values(values, places)


def loaded_from(name: str, text: str) -> Values:
    """Return the values of one file, called `name` in messages. Raises ValuesError."""
    try:
        documents = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if not _is_blank(node)]
        if not documents:
            return Values({}, {})
        if len(documents) > 1:
            raise ValuesError(
                f"{name}:{documents[1].start_mark.line + 1}: begins another document, as Kubernetes manifests do: a "
                "values file has one; give what helm get values RELEASE prints"
            )
        node = documents[0]
        if not isinstance(node, yaml.MappingNode):
            raise ValuesError(f"{name}:1: is no mapping: a values file has keys such as rasax: and rasa: at its top")
        reading = _Reading(name)
        return Values(reading.mapping(node, (), 0), reading.places)
    except yaml.YAMLError as error:
        raise ValuesError(_not_yaml(name, error)) from None
    except RecursionError:
        raise ValuesError(f"{name}: goes deeper than can be read: is this the values file of the chart?") from None


def _is_blank(node: yaml.Node) -> bool:
    """Return whether a document is empty, as one after a last `---` is."""
    return isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~")


def _not_yaml(name: str, error: yaml.YAMLError) -> str:
    """Return the position and message of a parser error, without the line itself, which may hold a password."""
    mark = getattr(error, "problem_mark", None)
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name
    if ALIAS.search(str(getattr(error, "problem", ""))):
        return (
            f"{place}: refers by * to an anchor that is not above it: move the part with the anchor up, or put the "
            "value in quotes if it is text"
        )
    problem = getattr(error, "problem", None) or "it holds characters that YAML does not know"
    if NAMES_A_VALUE.search(problem):
        problem = "a value begins with * or &, and is no anchor: put it in quotes"
    return f"{place}: is not YAML: {problem}; correct the line, or check the file with helm lint"


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            result[key] = _over(under, value)
        else:
            result[key] = value
    return result


class _Reading:
    """Turns YAML nodes into JSON values, and records the line of each key."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[Path, str] = {}
        self._scalars = yaml.SafeLoader("")
        self._flat: set[int] = set()

    def mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        """Return a mapping, whose keys become strings, as in Helm."""
        self._flatten(node, path)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            place = (*path, key)
            self.places[place] = f"{self.name}:{key_node.start_mark.line + 1}"
            result[key] = self._value(value_node, place, depth + 1)
        return result

    def _flatten(self, node: yaml.MappingNode, path: Path) -> None:
        """Resolve `<<` merge keys, once. Raises ValuesError for duplicate keys."""
        if id(node) in self._flat:
            return
        self._flat.add(id(node))
        own: set[str] = set()
        for key_node, _ in node.value:
            key = self._key(key_node)
            if key in own and key_node.tag != MERGE:
                line = key_node.start_mark.line + 1
                raise ValuesError(f"{self.name}:{line}: {shown((*path, key))} is there twice: leave one of them")
            own.add(key)
        self._scalars.flatten_mapping(node)

    def _key(self, node: yaml.Node) -> str:
        return str(node.value) if isinstance(node, yaml.ScalarNode) else str(node.tag)

    def _value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        if depth > DEEPEST:
            raise ValuesError(
                f"{self.name}:{node.start_mark.line + 1}: {shown(path[:3])} refers to itself, or goes deeper than "
                f"{DEEPEST} levels: Helm cannot use it, write it out"
            )
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, path, depth + 1) for item in node.value]
        if node.tag in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:binary"):
            return node.value
        try:
            return self._scalars.construct_object(node)
        except yaml.YAMLError:
            raise ValuesError(
                f"{self.name}:{node.start_mark.line + 1}: {shown(path)} begins with !, which makes it a tag that Helm "
                "does not know: put the value in quotes; of docker-compose, import what `docker compose config` prints"
            ) from None
        except ValueError:
            return str(node.value)
