"""What is wrong with the CRDs, the operator and the admission policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rasa_environments.api.base import VERSION
from rasa_environments.api.shapes import mapping, mappings
from rasa_environments.cli.diagnosis.facts import Facts, Finding, Importance, Lease, Operator

PLACEHOLDER: Final = "rasa-environments:"
"""How the image in manifests/ begins, before it names a registry."""
NESTED: Final = {"items": "[]", "additionalProperties": ".*"}
"""Parts of a schema that have no name of their own, and how a path names them."""
NAMED: Final = 3
"""Fields that a finding names."""


def of_definitions(facts: Facts) -> Iterator[Finding]:
    """Yield the CRDs that are missing, not served, or older than this command."""
    for name, installed in (facts.definitions or {}).items():
        if installed is None:
            problem = "the CRD is not installed: kubectl apply --server-side -f crds/, or upgrade the chart"
            yield Finding(Importance.NOTHING_WORKS, problem, (f"CRD {name}",))
            continue
        version = _version(installed)
        if version is None or not version.get("served"):
            problem = f"the CRD does not serve {VERSION}, which this version needs: apply crds/ of this version"
            yield Finding(Importance.NOTHING_WORKS, problem, (f"CRD {name}",))
            continue
        lacking = sorted(_fields(_version(facts.expected_definitions[name])) - _fields(version))
        if lacking:
            more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
            problem = (
                f"the CRD is older than this command, so the API server drops {', '.join(lacking[:NAMED])}{more}: "
                "apply crds/ of this version, then upgrade the operator"
            )
            yield Finding(Importance.NOTHING_WORKS, problem, (f"CRD {name}",))


def _version(definition: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the part of a CRD that describes our version."""
    versions = mappings(mapping(definition.get("spec")).get("versions"))
    return next((each for each in versions if each.get("name") == VERSION), None)


def _fields(version: Mapping[str, object] | None) -> frozenset[str]:
    """Return the paths of all fields of a version's schema."""
    found: set[str] = set()
    waiting = [("", mapping(mapping((version or {}).get("schema")).get("openAPIV3Schema")))]
    while waiting:
        path, schema = waiting.pop()
        parts = {f"{path}.{name}" if path else name: part for name, part in mapping(schema.get("properties")).items()}
        found.update(parts)
        parts |= {path + suffix: schema[key] for key, suffix in NESTED.items() if key in schema}
        waiting += [(place, mapping(part)) for place, part in parts.items()]
    return frozenset(found)


def of_operator(facts: Facts) -> Iterator[Finding]:
    """Yield that no operator works, that several do, and Deployments that are not available."""
    for operator in facts.operators or ():
        if not operator.available:
            yield Finding(Importance.NOTHING_WORKS, _unavailable(operator), (f"Deployment {operator.key}",))
    if facts.leases is None or facts.operators is None:
        return
    renewed = [lease for lease in facts.leases if lease.renewed]
    alone = [operator for operator in facts.operators if operator.available and not operator.elects]
    if not renewed and not alone:
        problem = (
            f"no operator was found at work: no Deployment of one is available, and {_last_seen(facts.leases)}. "
            "Install it, or see why its pod does not run: kubectl get pods -A -l "
            "app.kubernetes.io/name=rasa-environments,app.kubernetes.io/component=operator. One that runs outside the "
            "cluster is only found with --leader-elect"
        )
        yield Finding(Importance.NOTHING_WORKS, problem)
    unlimited = [operator for operator in facts.operators if not operator.limited]
    if len(renewed) + len(alone) > 1 and (unlimited or not facts.operators):
        problem = (
            "several operators are at work, and not all of them are limited to namespaces of their own, so they undo "
            "each other's changes: uninstall all but one, or limit each (--namespaces)"
        )
        subjects = (
            *(f"Lease {lease.key}" for lease in renewed),
            *(f"Deployment {operator.key}" for operator in alone),
        )
        yield Finding(Importance.NOTHING_WORKS, problem, subjects)


def _last_seen(leases: Sequence[Lease]) -> str:
    last = max(leases, key=lambda lease: lease.renewed_at, default=None)
    if last is None:
        return "no Lease of one exists"
    return f"the Lease {last.key} was last renewed at {last.renewed_at or 'no known time'} by {last.holder or 'nobody'}"


def _unavailable(operator: Operator) -> str:
    if operator.image.startswith(PLACEHOLDER):
        return (
            f"the operator is not available, and its image {operator.image} names no registry: none is published, so "
            "build it, push it to your registry, and name it (docs/how-to/install.md)"
        )
    namespace = operator.key.namespace
    return (
        f"the operator is not available: kubectl describe pods -n {namespace} -l "
        "app.kubernetes.io/component=operator says why"
    )


def of_policies(facts: Facts) -> Iterator[Finding]:
    """Yield the admission policies that do not exist, and those that refuse nothing."""
    policies = facts.policies
    if policies is None:
        return
    missing = tuple(f"ValidatingAdmissionPolicy {name}" for name in sorted(policies.expected - policies.existing))
    if missing:
        problem = (
            "the admission policy is not installed, so nobody is refused what it guards: apply manifests/promotion and "
            "manifests/account, or upgrade the chart"
        )
        yield Finding(Importance.UNPROTECTED, problem, missing)
    idle = sorted((policies.expected & policies.existing) - policies.denying)
    if idle:
        problem = (
            "no binding with the action Deny enforces the admission policy, so nobody is refused what it guards: apply "
            "manifests/promotion and manifests/account, or upgrade the chart"
        )
        yield Finding(Importance.UNPROTECTED, problem, tuple(f"ValidatingAdmissionPolicy {name}" for name in idle))


def of_monitoring(facts: Facts) -> Iterator[Finding]:
    """Yield that Prometheus does not know the operator."""
    if facts.pod_monitors == 0:
        problem = (
            "Prometheus Operator is installed, but no PodMonitor or ServiceMonitor selects the operator, so no alert "
            "fires: set metrics.podMonitor of the chart (docs/how-to/monitor.md)"
        )
        yield Finding(Importance.ADVICE, problem)
