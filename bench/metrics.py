"""The operator's own metrics, as it serves them."""

import re

import httpx


def passes(url: str, kind: str) -> int:
    """How many reconciliations of objects of a kind have ended. Raises httpx.HTTPError."""
    parameters = {"name[]": "rasa_environments_reconcile_total"}
    return passes_in(httpx.get(f"{url}/metrics", params=parameters, trust_env=False, timeout=30).text, kind)


def passes_in(metrics: str, kind: str) -> int:
    """Return the sum over all results."""
    counted = re.findall(
        rf'^rasa_environments_reconcile_total{{kind="{kind}",[^}}]*}} ([0-9.e+]+)$', metrics, re.MULTILINE
    )
    return sum(int(float(number)) for number in counted)
