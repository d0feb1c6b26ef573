"""Reading the YAML files that the server is configured with."""

from __future__ import annotations

from pathlib import Path

import yaml

MAXIMUM_YAML_BYTES = 1024 * 1024
MAXIMUM_YAML_VALUES = 100_000
"""In a file, those counted again that an alias stands for: a few of them, nested, stand for more than memory holds."""


class YamlFileError(Exception):
    """The file cannot be read. The message is one line and quotes nothing from the file."""


def read_yaml(file: Path) -> object:
    """Return the content of the file.

    Raises YamlFileError if it cannot be read, is larger than 1 MiB, is not YAML, or expands to too many values.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAXIMUM_YAML_BYTES + 1)
        if len(content) > MAXIMUM_YAML_BYTES:
            raise YamlFileError("it is larger than 1 MiB")
        loaded = _load(content.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise YamlFileError(f"it cannot be read ({type(error).__name__})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # The error's own text quotes the line, which may hold a secret.
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if isinstance(mark, yaml.Mark) else ""
        raise YamlFileError(f"it is not YAML{where}") from None
    return loaded


def _load(text: str) -> object:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _values(node, {}) > MAXIMUM_YAML_VALUES:
            raise YamlFileError(f"it stands for more than {MAXIMUM_YAML_VALUES:,} values")
        loaded: object = loader.construct_document(node)
        return loaded
    finally:
        loader.dispose()


def _values(node: yaml.Node, counted: dict[yaml.Node, int]) -> int:
    """Return how many values a node expands to. One that contains itself has no end."""
    if node in counted:
        return counted[node]
    counted[node] = MAXIMUM_YAML_VALUES + 1
    children: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        children = node.value
    elif isinstance(node, yaml.MappingNode):
        children = [child for pair in node.value for child in pair]
    counted[node] = 1 + sum(_values(child, counted) for child in children)
    return counted[node]
