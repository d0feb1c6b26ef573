"""Traffic to the Rasa servers: the Ingress for their channels, and who may connect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_chart_import import kinds
from rasa_chart_import.reader import Reader
from rasa_environments.api.base import JsonObject
from rasa_environments.api.traffic import Ingress, IpBlock
from rasa_environments.desired.entries import present

CALLERS = ("rasa-x", "nginx")
"""Components of the chart that connect to Rasa servers (templates/network-policy.yaml)."""
PARTS = ("annotations", "annotationsRasa", "annotationsRasaChannels", "hosts", "tls", "ingressClassName")


def ingress(reader: Reader, *, there: bool) -> JsonObject | None:
    """Return the Ingress for the channels of production, which the chart creates if its own nginx is disabled."""
    enabled = reader.take("ingress.enabled", kinds.FLAG) is True
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
        **(reader.take("ingress.annotationsRasaChannels", kinds.TEXTS) or {}),
    }
    hosts = _hosts(reader.take("ingress.hosts", kinds.OBJECTS) or [])
    made = present(
        hosts=[{"host": host} for host in hosts],
        tls=_tls(reader, hosts) or None,
        className=reader.take("ingress.ingressClassName", kinds.NAME),
        annotations=annotations or None,
    )
    try:
        Ingress.model_validate(made)
    except ValueError:
        reader.refuse("ingress", "its hosts and annotations make no Ingress: set spec.ingress of production")
        return None
    return made


def _left(reader: Reader, *, enabled: bool, there: bool) -> None:
    """Record why an Ingress is not carried over."""
    if not enabled:
        reader.unused("nginx.enabled", "the chart's Ingress is not enabled")
        for part in ("enabled", *PARTS):
            reader.unused(f"ingress.{part}", "the chart's Ingress is not enabled")
    elif there:
        for part in ("enabled", *PARTS):
            reader.unused(f"ingress.{part}", "the Ingress to the chart's nginx goes on")
    else:
        for part in ("enabled", *PARTS):
            reader.by_hand(f"ingress.{part}", "no environment is deployed here: let it lead where production runs")


def _hosts(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the hosts without duplicates.

    The chart's paths expose all of Rasa, while ours expose the channels only.
    """
    return list(dict.fromkeys(entry["host"] for entry in entries if isinstance(entry.get("host"), str)))


def _tls(reader: Reader, hosts: Sequence[str]) -> list[JsonObject]:
    """Return the certificates; one without hosts applies to all of them."""
    return [
        present(hosts=_hosts_of(entry) or list(hosts), secretName=entry.get("secretName"))
        for entry in reader.take("ingress.tls", kinds.OBJECTS) or []
    ]


def _hosts_of(entry: Mapping[str, Any]) -> list[Any]:
    hosts = entry.get("hosts")
    return (
        list(dict.fromkeys(hosts)) if isinstance(hosts, list) and all(isinstance(host, str) for host in hosts) else []
    )


def network_policy(reader: Reader) -> JsonObject | None:
    """Return who may connect: Rasa X and nginx of the chart, and the addresses in the file."""
    if reader.take("networkPolicy.enabled", kinds.FLAG) is not True:
        for part in ("enabled", "nodeCIDR"):
            reader.unused(f"networkPolicy.{part}", "the chart's NetworkPolicies are not enabled")
        return None
    callers = [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": name}}} for name in CALLERS]
    blocks = [_block(entry) for entry in reader.take("networkPolicy.nodeCIDR", kinds.OBJECTS) or []]
    if None in blocks:
        reader.partly("networkPolicy.nodeCIDR", "carried over without entries that are no ipBlock")
    found = [block.model_dump(by_alias=True, exclude_none=True) for block in blocks if block is not None]
    return {"from": "None", "allowFrom": [*callers, *({"ipBlock": block} for block in found)][:64]}


def _block(entry: Mapping[str, Any]) -> IpBlock | None:
    try:
        return kinds.IP_BLOCK.validate_python(entry.get("ipBlock"))
    except ValueError:
        return None
