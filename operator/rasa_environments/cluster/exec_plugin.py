"""Credentials from an external program: `exec` of a kubeconfig's user, as managed clusters use it.

Source: kubernetes.io, "client-go credential plugins", and client-go (plugin/pkg/client/auth/exec).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.errors import ConfigurationError

_API_GROUP: Final = "client.authentication.k8s.io/"
_EXTENSION: Final = "client.authentication.k8s.io/exec"
_SILENT_SECONDS: Final = 60.0
"""Seconds that a non-interactive plugin may take."""
_PASSED_ON: Final = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority-data",
    "proxy-url",
    "disable-compression",
)


@dataclass(frozen=True)
class ExecPlugin:
    """The program, and its settings in the kubeconfig."""

    settings: JsonObject
    folder: Path
    """Directory of the kubeconfig, which relative paths of the program refer to."""
    cluster: JsonObject
    """The cluster, for a plugin that requests it (`provideClusterInfo`)."""

    async def credentials(self) -> JsonObject:
        """Return the `status` that the plugin prints, with a token, a client certificate, or both.

        Its stderr goes to ours, for the user to read. Raises ConfigurationError.
        """
        output = await self._output()
        try:
            answer = json.loads(output)
            version, status = answer["apiVersion"], answer["status"]
        except (ValueError, TypeError, KeyError):
            raise self._failed("does not print an ExecCredential with apiVersion and status") from None
        if version != self.settings.get("apiVersion"):
            raise self._failed(f"prints apiVersion {version}, and the kubeconfig says {self.settings['apiVersion']}")
        certificate, key = (bool(status.get(name)) for name in ("clientCertificateData", "clientKeyData"))
        if certificate != key or not (certificate or status.get("token")):
            raise self._failed("prints neither a token nor clientCertificateData with clientKeyData")
        return dict(status)

    async def _output(self) -> bytes:
        interactive = self._interactive()
        try:
            process = await asyncio.create_subprocess_exec(
                self._program(),
                *(str(each) for each in self.settings.get("args") or ()),
                env=self._environment(interactive=interactive),
                stdin=None if interactive else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            hint = str(self.settings.get("installHint") or "install it, or choose another --context").strip()
            raise self._failed(f"cannot be run: {error.strerror}; {hint}") from None
        try:
            async with asyncio.timeout(None if interactive else _SILENT_SECONDS):
                output, _ = await process.communicate()
        except TimeoutError:
            raise self._failed(f"printed nothing within {_SILENT_SECONDS:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            raise self._failed(f"ends with exit code {process.returncode}; run it by hand, or log in again")
        return output

    def _program(self) -> str:
        command = str(self.settings.get("command") or "")
        if not command or not str(self.settings.get("apiVersion")).startswith(_API_GROUP):
            raise self._failed(f"needs `command` and an `apiVersion` of {_API_GROUP[:-1]} in the kubeconfig")
        return str(self.folder / command) if os.sep in command else command

    def _interactive(self) -> bool:
        """Return whether the plugin may prompt the user on the terminal."""
        mode = self.settings.get("interactiveMode") or "IfAvailable"
        terminal = sys.stdin is not None and sys.stdin.isatty()
        if mode == "Always" and not terminal:
            raise self._failed("requires user input (interactiveMode: Always), but there is no terminal")
        return mode != "Never" and terminal

    def _environment(self, *, interactive: bool) -> Mapping[str, str]:
        spec: JsonObject = {"interactive": interactive}
        if self.settings.get("provideClusterInfo"):
            spec["cluster"] = self._cluster()
        info = {"apiVersion": self.settings["apiVersion"], "kind": "ExecCredential", "spec": spec}
        added = {str(each["name"]): str(each["value"]) for each in self.settings.get("env") or ()}
        return {**os.environ, **added, "KUBERNETES_EXEC_INFO": json.dumps(info)}

    def _cluster(self) -> JsonObject:
        known = {name: self.cluster[name] for name in _PASSED_ON if self.cluster.get(name)}
        authority = self.cluster.get("certificate-authority")
        if authority and "certificate-authority-data" not in known:
            content = (self.folder / str(authority)).read_bytes()
            known["certificate-authority-data"] = base64.b64encode(content).decode()
        extensions = self.cluster.get("extensions") or ()
        config = next((each["extension"] for each in extensions if each.get("name") == _EXTENSION), None)
        return known if config is None else {**known, "config": config}

    def _failed(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"the exec plugin {self.settings.get('command')} of the kubeconfig {what}")
