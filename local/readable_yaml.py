"""YAML that people read: what is repeated is written again, and text over several lines is over several lines."""

from collections.abc import Iterable
from typing import Any

import yaml


class Dumper(yaml.CSafeDumper):
    """Writes plain data so."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Whether the value is written again: always."""
        return True

    def represent_text(self, value: str) -> yaml.ScalarNode:
        """A string, over several lines if it has them."""
        return self.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, Dumper.represent_text)


def readable(objects: Iterable[object]) -> str:
    """The objects as documents, the same text for the same objects."""
    return yaml.dump_all(objects, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
