"""Rasa environments on Kubernetes: the operator and its command line.

Two libraries import much that nothing here uses. Without it, the operator takes 10 MB less, and each command starts a
fifth faster.
"""

import sys
from importlib.util import find_spec, module_from_spec


def _import_parts_only(package: str) -> None:
    """Let the parts of a package be imported, without what its `__init__` imports."""
    spec = find_spec(package)
    if spec is not None and package not in sys.modules:
        sys.modules[package] = module_from_spec(spec)


_import_parts_only("kubernetes")  # its synchronous client, requests and oauthlib; kubernetes.aio needs none of them
_import_parts_only("kubernetes.aio")  # its dynamic client, with jsonschema and urllib3
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # its command line, which httpx can do without
