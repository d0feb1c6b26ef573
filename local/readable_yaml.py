"""YAML for people: repeated values are written in full, and multi-line text over several lines."""

from collections.abc import Iterable
from typing import Any

import yaml


class Dumper(yaml.CSafeDumper):
    """Writes plain data in that format."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Return True for every value, so that there are no anchors."""
        return True

    def represent_text(self, value: str) -> yaml.ScalarNode:
        """Represent a string, over several lines if it has them."""
        return self.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, Dumper.represent_text)


def readable(objects: Iterable[object]) -> str:
    """Return the objects as YAML documents; equal objects give equal text."""
    return yaml.dump_all(objects, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
