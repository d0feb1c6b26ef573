"""How requests reach the Rasa servers: the Ingress to their channels, and who may connect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_environments.api.base import JsonObject
from rasa_environments.api.workload import Ingress, IpBlock
from rasa_environments.migration import kinds
from rasa_environments.migration.chart import NOT_ALL_BY_DEFAULT, Version
from rasa_environments.migration.connections import present
from rasa_environments.migration.reader import Reader

CALLERS = ("rasa-x", "nginx")
"""Components of the chart that connect to Rasa servers (templates/network-policy.yaml)."""
PARTS = ("annotations", "annotationsRasa", "hosts", "tls", "ingressClassName")


def ingress(reader: Reader, chart: Version, *, there: bool) -> JsonObject | None:
    """The Ingress to the channels of production, which the chart makes where its own nginx is disabled."""
    enabled = reader.take("ingress.enabled", kinds.FLAG)
    enabled = chart < NOT_ALL_BY_DEFAULT if enabled is None else enabled
    behind_nginx = reader.take("nginx.enabled", kinds.FLAG) is not False
    if behind_nginx:
        reader.unused("nginx.enabled", "the chart's nginx goes on")
        reader.remarks.append(
            "the chart's nginx forwards /webhooks, /core and /socket.io to the chart's production: step 4 of "
            "docs/how-to/migrate-from-rasa-x-helm.md leads it to the operator's"
        )
    if not enabled or behind_nginx or not there:
        _left(reader, enabled=enabled, there=there)
        return None
    annotations = {
        **(reader.take("ingress.annotations", kinds.TEXTS) or {}),
        **(reader.take("ingress.annotationsRasa", kinds.TEXTS) or {}),
    }
    host = _host(reader)
    made = present(
        host=host,
        className=reader.take("ingress.ingressClassName", kinds.NAME),
        tlsSecretName=_tls(reader, host),
        annotations=annotations or None,
    )
    try:
        Ingress.model_validate(made)
    except ValueError:
        reader.refuse("ingress", "its hosts and annotations make no Ingress: set spec.ingress of production")
        return None
    return made


def _left(reader: Reader, *, enabled: bool, there: bool) -> None:
    """Notes what becomes of an Ingress that is not carried over."""
    if not enabled:
        for part in ("enabled", *PARTS):
            reader.unused(f"ingress.{part}", "the chart's Ingress is not enabled")
    elif there:
        for part in ("enabled", *PARTS):
            reader.unused(f"ingress.{part}", "the Ingress to the chart's nginx goes on")
    else:
        for part in ("enabled", *PARTS):
            reader.by_hand(f"ingress.{part}", "no environment is deployed here: let it lead where production runs")


def _host(reader: Reader) -> str | None:
    hosts = reader.take("ingress.hosts", kinds.OBJECTS) or []
    names = [host.get("host") for host in hosts]
    if len(names) > 1:
        reader.by_hand("ingress.hosts", "the first is spec.ingress.host of production; write Ingresses for the others")
    return names[0] if names and isinstance(names[0], str) else None


def _tls(reader: Reader, host: str | None) -> str | None:
    entries = reader.take("ingress.tls", kinds.OBJECTS) or []
    fitting = [entry for entry in entries if host in _hosts_of(entry)] or entries
    name = fitting[0].get("secretName") if fitting else None
    if len(entries) > 1:
        reader.by_hand("ingress.tls", "spec.ingress.tlsSecretName of production is the one for its host")
    return name if isinstance(name, str) else None


def _hosts_of(entry: Mapping[str, Any]) -> list[Any]:
    hosts = entry.get("hosts")
    return hosts if isinstance(hosts, list) else []


def network_policy(reader: Reader) -> JsonObject | None:
    """Who may connect: Rasa X and nginx of the chart, and the addresses that the file names."""
    if reader.take("networkPolicy.enabled", kinds.FLAG) is not True:
        for part in ("enabled", "nodeCIDR"):
            reader.unused(f"networkPolicy.{part}", "the chart's NetworkPolicies are not enabled")
        return None
    callers = [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": name}}} for name in CALLERS]
    blocks = [_block(entry) for entry in reader.take("networkPolicy.nodeCIDR", kinds.OBJECTS) or []]
    if None in blocks:
        reader.by_hand("networkPolicy.nodeCIDR", "carried over without entries that are no ipBlock of one cidr")
    addresses = [{"ipBlock": {"cidr": block.cidr}} for block in blocks if block is not None]
    return {"allowFrom": [*callers, *addresses][:64]}


def _block(entry: Mapping[str, Any]) -> IpBlock | None:
    try:
        return kinds.IP_BLOCK.validate_python(entry.get("ipBlock"))
    except ValueError:
        return None
