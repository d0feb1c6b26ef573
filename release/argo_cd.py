"""The part of Argo CD's configuration for our resources: Lua scripts, embedded in YAML as it requires."""

import sys
from pathlib import Path
from typing import Any

import yaml

from local.installation import MANIFESTS

SCRIPTS = MANIFESTS / "gitops" / "argocd" / "lua"
"""health.lua for all kinds, and for each kind with actions a folder: discovery.lua, and a file for each action."""

CONFIG_MAP = MANIFESTS / "gitops" / "argocd" / "argocd-cm.yaml"
"""The generated ConfigMap."""

KINDS = ("ModelServer", "DeploymentEnvironment", "ModelTag")
DISCOVERY = "discovery"
HEADER = """\
# Made by `make generate` from lua/: change that. It is added to what Argo CD's own ConfigMap holds:
# kubectl patch configmap argocd-cm -n argocd --patch-file manifests/gitops/argocd/argocd-cm.yaml
"""


def config_map(scripts: Path = SCRIPTS) -> dict[str, Any]:
    """Return the keys of argocd-cm for health and actions, as in its manual.

    https://argo-cd.readthedocs.io/en/stable/operator-manual/health/#custom-health-checks
    https://argo-cd.readthedocs.io/en/stable/operator-manual/resource_actions/#custom-resource-actions
    """
    health = (scripts / "health.lua").read_text()
    data = {f"resource.customizations.health.rasa-environments.io_{kind}": health for kind in KINDS}
    for folder in sorted(path for path in scripts.iterdir() if path.is_dir()):
        data[f"resource.customizations.actions.rasa-environments.io_{folder.name}"] = dumped(actions(folder))
    labels = {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"}
    metadata = {"name": "argocd-cm", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def actions(folder: Path) -> dict[str, Any]:
    """Return the actions of a kind: the script that discovers available ones, and a script for each."""
    scripts = {path.stem: path.read_text() for path in sorted(folder.glob("*.lua"))}
    discovery = scripts.pop(DISCOVERY)
    definitions = [{"name": name, "action.lua": script} for name, script in scripts.items()]
    return {"discovery.lua": discovery, "definitions": definitions}


class _Dumper(yaml.SafeDumper):
    """Writes scripts as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dumped(document: object) -> str:
    """Return the document as YAML, with multi-line text kept as it is."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=1000)


def main(arguments: list[str]) -> int:
    """Write the ConfigMap, or compare it with --check; return the exit code."""
    wanted = HEADER + dumped(config_map())
    if "--check" not in arguments:
        CONFIG_MAP.write_text(wanted)
    elif not CONFIG_MAP.exists() or CONFIG_MAP.read_text() != wanted:
        sys.stderr.write(f"{CONFIG_MAP} differs from lua/ beside it; run `make generate` and commit the result\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
