"""One or several kubeconfig files, read as kubectl reads them.

`kubernetes.aio` loads what is selected here. On its own it drops impersonation, uses the current context of the last
file where kubectl uses that of the first, and continues without credentials if an exec plugin fails. Source: client-go,
tools/clientcmd (loader.go, client_config.go).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config.kube_config import ConfigNode, KubeConfigLoader

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.errors import ConfigurationError
from rasa_environments.cluster.exec_plugin import ExecPlugin
from rasa_environments.cluster.impersonation import Impersonation

_CHOSEN: Final = "chosen"


@dataclass(frozen=True)
class Entry:
    """A named cluster, user or context, and the file that defines it."""

    name: str
    content: JsonObject
    file: Path

    @property
    def folder(self) -> Path:
        """The directory that its relative paths refer to."""
        return self.file.absolute().parent


NOBODY: Final = Entry("", {}, Path())
"""The user of a context without one: requests have no credentials."""


@dataclass(frozen=True)
class Kubeconfig:
    """The merged content of the files."""

    contexts: tuple[Entry, ...]
    clusters: tuple[Entry, ...]
    users: tuple[Entry, ...]
    current: str

    def chosen(self, context: str | None, cluster: str | None, user: str | None) -> Choice:
        """Return the cluster and user of the context, unless others are named. Raises ConfigurationError."""
        name = context or self.current
        if not name and not cluster:
            raise ConfigurationError("it has no current-context: set --context")
        of_context = _named("context", name, self.contexts).content if name else {}
        cluster_name, user_name = cluster or of_context.get("cluster"), user or of_context.get("user")
        if not cluster_name:
            raise ConfigurationError(f"context {name} has no cluster: add it, or set --cluster")
        return Choice(
            cluster=_named("cluster", str(cluster_name), self.clusters),
            user=_named("user", str(user_name), self.users) if user_name else NOBODY,
            namespace=str(of_context.get("namespace") or "default"),
        )


@dataclass(frozen=True)
class Choice:
    """The selected cluster, user and namespace."""

    cluster: Entry
    user: Entry
    namespace: str

    @property
    def impersonation(self) -> Impersonation:
        """The user to impersonate. Raises ConfigurationError for fields of the wrong type."""
        return Impersonation.of_user(self.user.content)

    async def load_into(self, configuration: Configuration) -> None:
        """Set server and credentials. Raises ConfigurationError, and the errors of kubernetes.aio."""
        node = ConfigNode(  # type: ignore[no-untyped-call]
            str(self.user.file),
            {
                "contexts": [{"name": _CHOSEN, "context": {"cluster": _CHOSEN, "user": _CHOSEN}}],
                "clusters": [_node(self.cluster, "cluster", self.cluster.content)],
                "users": [_node(self.user, "user", await self._credentials())],
            },
        )
        loader = KubeConfigLoader(  # type: ignore[no-untyped-call]
            config_dict=node, active_context=_CHOSEN, config_base_path=None
        )
        await loader.load_and_set(configuration)  # type: ignore[no-untyped-call]

    async def _credentials(self) -> JsonObject:
        """Return the user's content, with the output of its exec plugin instead of the plugin."""
        content = dict(self.user.content)
        if content.get("tokenFile"):
            content.pop("token", None)  # the file takes precedence over the token (client-go, api/types.go)
        plugin = content.pop("exec", None)
        if plugin is None:
            return content
        status = await ExecPlugin(plugin, self.user.folder, self.cluster.content).credentials()
        if status.get("token"):
            content["token"] = status["token"]
        for name, printed in (("client-certificate", "clientCertificateData"), ("client-key", "clientKeyData")):
            if status.get(printed):
                content[f"{name}-data"] = base64.b64encode(str(status[printed]).encode()).decode()
        return content


def read(files: Sequence[Path]) -> Kubeconfig:
    """Merge the files; the first definition of a name counts. Raises ConfigurationError and OSError."""
    contents = [(file, _content(file)) for file in files]
    if not any(content for _, content in contents):
        raise ConfigurationError("it is not a kubeconfig: it is empty")
    return Kubeconfig(
        contexts=_entries(contents, "contexts", "context"),
        clusters=_entries(contents, "clusters", "cluster"),
        users=_entries(contents, "users", "user"),
        current=next((str(each) for _, content in contents if (each := content.get("current-context"))), ""),
    )


def _content(file: Path) -> JsonObject:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict | None):
        raise ConfigurationError(f"it is not a kubeconfig: {file} holds no object with clusters, users and contexts")
    return content or {}


def _entries(contents: Sequence[tuple[Path, JsonObject]], section: str, kind: str) -> tuple[Entry, ...]:
    found: dict[str, Entry] = {}
    for file, content in contents:
        for item in content.get(section) or ():
            if not isinstance(item, dict) or not isinstance(item.get(kind) or {}, dict) or "name" not in item:
                raise ConfigurationError(f"it is not a kubeconfig: {section} of {file} must list `name` and `{kind}`")
            name = str(item["name"])
            found.setdefault(name, Entry(name, cast("JsonObject", item.get(kind) or {}), file))
    return tuple(found.values())


def _named(kind: str, name: str, entries: Sequence[Entry]) -> Entry:
    for entry in entries:
        if entry.name == name:
            return entry
    there = ", ".join(sorted(entry.name for entry in entries)) or "none"
    raise ConfigurationError(f"{kind} {name} not found (found: {there}); set another --{kind}")


def _node(entry: Entry, kind: str, content: JsonObject) -> ConfigNode:
    item = {"name": _CHOSEN, kind: content}
    return ConfigNode(f"{kind} {entry.name}", item, str(entry.file))  # type: ignore[no-untyped-call]
