"""Where the API server is and how to authenticate to it: a kubeconfig file, or the pod's own ServiceAccount."""

from __future__ import annotations

import contextlib
import os
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from rasa_environments.cluster.errors import ConfigurationError

_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_HOME_KUBECONFIG: Final = Path("~/.kube/config")


@dataclass(frozen=True)
class Access:
    """How to reach the API server, as loaded at one moment."""

    configuration: Configuration
    namespace: str
    """The namespace of the current context, or of the pod."""

    identity: tuple[object, ...] = field(repr=False)
    """Equal where the server, the credentials and the authority are the same; files count by their content."""


@dataclass(frozen=True)
class CredentialSource:
    """Where access is loaded from. Loading again picks up rotated tokens, certificates and exec plugins."""

    kubeconfig: str | None = None
    context: str | None = None

    @property
    def in_cluster(self) -> bool:
        """Whether access is that of the pod's own ServiceAccount."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG")
        return not named and bool(os.environ.get("KUBERNETES_SERVICE_HOST"))

    def version(self) -> object:
        """What changes when somebody writes the kubeconfig; None in a pod, and where there is none."""
        with contextlib.suppress(ConfigException, OSError):
            files = [Path(name).expanduser() for name in (self._kubeconfig_files() or "").split(os.pathsep) if name]
            written = [file.stat() for file in files if file.is_file()]
            return [(each.st_ino, each.st_mtime_ns, each.st_size) for each in written] or None
        return None

    async def load(self) -> Access:
        """Read the kubeconfig (the given or $KUBECONFIG), the pod's ServiceAccount, or ~/.kube/config, in this order.

        Raises `ConfigurationError` if there is none or it cannot be used.
        """
        configuration = Configuration()
        try:
            namespace = await self._load_into(configuration)
        except (ConfigException, OSError, ValueError, yaml.YAMLError) as error:
            raise self.unusable(error) from error
        except (TypeError, AttributeError) as error:  # what the library makes of a file of another shape
            raise self.unusable("it is not a kubeconfig") from error
        configuration.proxy = configuration.proxy or _proxy_from_environment(configuration.host)
        configuration.client_session_kwargs = {
            "trust_env": False,  # it costs a hop to another thread per request; the proxy is looked up here instead
            "cookie_jar": aiohttp.DummyCookieJar(),
        }
        return Access(configuration, namespace, _identity(configuration))

    async def _load_into(self, configuration: Configuration) -> str:
        files = self._kubeconfig_files()
        if files is None:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            return _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.exists() else "default"
        loader = await load_kube_config(  # type: ignore[no-untyped-call]
            config_file=files, context=self.context, client_configuration=configuration, persist_config=False
        )
        return str(loader.current_context["context"].get("namespace") or "default")

    def _kubeconfig_files(self) -> str | None:
        """The kubeconfig files, joined as in $KUBECONFIG; None inside a pod."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG")
        if named:
            if not any(Path(name).expanduser().is_file() for name in named.split(os.pathsep) if name):
                raise ConfigException(f"no such file: {named}")
            return named
        if self.in_cluster:
            return None
        home = _HOME_KUBECONFIG.expanduser()
        if home.is_file():
            return str(home)
        raise ConfigException(
            f"neither --kubeconfig nor $KUBECONFIG is set, there is no {_HOME_KUBECONFIG}, and this is not a pod; "
            "name a kubeconfig file"
        )

    def unusable(self, why: object) -> ConfigurationError:
        """The error that says what cannot be used, and why."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG")
        return ConfigurationError(
            f"{f'the kubeconfig {named}' if named else 'the access to Kubernetes'} cannot be used: {why}"
        )


def _identity(configuration: Configuration) -> tuple[object, ...]:
    files = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
    return (
        configuration.host,
        configuration.proxy,
        configuration.tls_server_name,
        configuration.verify_ssl,
        dict(configuration.api_key),
        *(Path(file).read_bytes() if file and Path(file).is_file() else b"" for file in files),
    )


def _proxy_from_environment(host: str) -> str | None:
    """The proxy that HTTPS_PROXY and NO_PROXY name for `host`, as kubectl follows them."""
    address = urllib.parse.urlsplit(host)
    if urllib.request.proxy_bypass(address.hostname or ""):
        return None
    return urllib.request.getproxies().get(address.scheme)
