"""Reading the YAML files that the server is configured with."""

from __future__ import annotations

from pathlib import Path

import yaml

MAXIMUM_YAML_BYTES = 1024 * 1024


class YamlFileError(Exception):
    """The file cannot be read. The message is one line, without anything of what is in the file."""


class _AliasError(yaml.YAMLError):
    """An alias stands for a list or a mapping."""


class _Loader(yaml.SafeLoader):
    """Loads without aliases of lists and mappings: a few of them, nested, stand for more than any memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        alias: object = self.peek_event() if self.check_event(yaml.AliasEvent) else None  # type: ignore[no-untyped-call]
        if isinstance(alias, yaml.AliasEvent) and not isinstance(self.anchors.get(alias.anchor), yaml.ScalarNode):
            raise _AliasError
        return super().compose_node(parent, index)


def read_yaml(file: Path) -> object:
    """Return the content of the file.

    Raises:
        YamlFileError: it cannot be read, is larger than 1 MiB, is not YAML, or has an alias of a list or a mapping.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAXIMUM_YAML_BYTES + 1)
        if len(content) > MAXIMUM_YAML_BYTES:
            raise YamlFileError("it is larger than 1 MiB")
        loaded: object = yaml.load(content.decode("utf-8"), _Loader)  # noqa: S506 - a subclass of the safe loader
    except (OSError, UnicodeDecodeError) as error:
        raise YamlFileError(f"it cannot be read ({type(error).__name__})") from None
    except _AliasError:
        raise YamlFileError("it has an alias of a list or a mapping: write that out") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # The error's own text quotes the line, which may hold a secret.
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if isinstance(mark, yaml.Mark) else ""
        raise YamlFileError(f"it is not YAML{where}") from None
    return loaded
