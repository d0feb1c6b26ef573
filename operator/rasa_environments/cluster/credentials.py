"""Address and credentials of the API server: from a kubeconfig file, or the pod's ServiceAccount."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config

from rasa_environments.cluster import kubeconfig
from rasa_environments.cluster.errors import ConfigurationError
from rasa_environments.cluster.impersonation import NOBODY_ELSE, Impersonation
from rasa_environments.cluster.kubeconfig import Kubeconfig
from rasa_environments.cluster.proxies import proxy_for, usable

_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_HOME_KUBECONFIG: Final = Path("~/.kube/config")


@dataclass(frozen=True)
class Access:
    """Address and credentials, as loaded at one moment."""

    configuration: Configuration
    namespace: str
    """The namespace of the current context, or of the pod."""
    impersonation: tuple[tuple[str, str], ...]
    """Headers that name the user to impersonate."""

    identity: tuple[object, ...] = field(repr=False)
    """Equal if the server, the credentials and the authority are the same; files are compared by content."""


@dataclass(frozen=True)
class CredentialSource:
    """Where access is loaded from. Loading again picks up rotated tokens, certificates and exec plugins."""

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    """Cluster of the kubeconfig; default that of the context."""
    user: str | None = None
    """User of the kubeconfig; default that of the context."""
    impersonation: Impersonation = NOBODY_ELSE
    """User to impersonate; unset fields are taken from the kubeconfig's user."""

    @property
    def in_cluster(self) -> bool:
        """Whether access is that of the pod's own ServiceAccount."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG") or _HOME_KUBECONFIG.expanduser().is_file()
        return not named and bool(os.environ.get("KUBERNETES_SERVICE_HOST"))

    def version(self) -> object:
        """Return a value that changes when the kubeconfig is written; None in a pod, and without a file."""
        with contextlib.suppress(ConfigurationError, OSError):
            written = [file.stat() for file in self._kubeconfig_files() or ()]
            return [(each.st_ino, each.st_mtime_ns, each.st_size) for each in written] or None
        return None

    def kubeconfig_entries(self) -> Kubeconfig | None:
        """Return what the kubeconfig defines; None inside a pod. Raises ConfigurationError and OSError."""
        files = self._kubeconfig_files()
        return None if files is None else kubeconfig.read(files)

    async def load(self) -> Access:
        """Read the given kubeconfig, $KUBECONFIG, ~/.kube/config, or the pod's ServiceAccount, in kubectl's order.

        Raises ConfigurationError if there is none or it cannot be used.
        """
        configuration = Configuration()
        try:
            namespace, impersonation = await self._load_into(configuration)
            headers = tuple(self.impersonation.over(impersonation).headers())
            configuration.proxy = configuration.proxy or proxy_for(configuration.host, os.environ)
            if configuration.proxy:
                usable(configuration.proxy)
        except (ConfigException, ConfigurationError, OSError, ValueError) as error:
            raise self.unusable(error) from error
        except (TypeError, AttributeError) as error:  # raised by the library for a file of the wrong structure
            raise self.unusable("it is not a kubeconfig") from error
        configuration.client_session_kwargs = {
            "trust_env": False,  # it costs a thread hop per request; the proxy is looked up here instead
            "cookie_jar": aiohttp.DummyCookieJar(),
        }
        return Access(configuration, namespace, headers, _identity(configuration, headers))

    async def _load_into(self, configuration: Configuration) -> tuple[str, Impersonation]:
        files = self._kubeconfig_files()
        if files is None:
            if self.context or self.cluster or self.user:
                raise ConfigurationError(
                    "--context, --cluster and --user select entries of a kubeconfig, but this pod has none: set "
                    "--kubeconfig, or leave them out to use the pod's ServiceAccount"
                )
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            namespace = _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.exists() else "default"
            return namespace, NOBODY_ELSE
        chosen = kubeconfig.read(files).chosen(self.context, self.cluster, self.user)
        await chosen.load_into(configuration)
        return chosen.namespace, chosen.impersonation

    def _kubeconfig_files(self) -> list[Path] | None:
        """Return the kubeconfig files that exist, in the order of $KUBECONFIG; None inside a pod."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG")
        if named:
            files = [Path(name).expanduser() for name in named.split(os.pathsep) if name]
            if there := [file for file in files if file.is_file()]:
                return there
            raise ConfigurationError(f"no such file: {named}")
        if self.in_cluster:
            return None
        home = _HOME_KUBECONFIG.expanduser()
        if home.is_file():
            return [home]
        raise ConfigurationError(
            f"neither --kubeconfig nor $KUBECONFIG is set, {_HOME_KUBECONFIG} does not exist, and this is not a "
            "pod; set --kubeconfig"
        )

    def unusable(self, why: object) -> ConfigurationError:
        """Return an error that says what cannot be used, and why."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG")
        return ConfigurationError(
            f"{f'the kubeconfig {named}' if named else 'the access to Kubernetes'} cannot be used: {why}"
        )


def _identity(configuration: Configuration, impersonation: tuple[tuple[str, str], ...]) -> tuple[object, ...]:
    files = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
    return (
        configuration.host,
        configuration.proxy,
        configuration.tls_server_name,
        configuration.verify_ssl,
        dict(configuration.api_key),
        impersonation,
        *(Path(file).read_bytes() if file and Path(file).is_file() else b"" for file in files),
    )
