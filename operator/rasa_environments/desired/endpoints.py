"""endpoints.yml, in the terms of Rasa (https://rasa.com/docs/rasa, endpoints.yml)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.api.connections import ActionEndpoint, TrackerStore
from rasa_environments.desired.action_server import webhook
from rasa_environments.desired.compose import refuse_for_rasa_x_0_32
from rasa_environments.desired.context import Context
from rasa_environments.desired.databases import sql_tracker_store
from rasa_environments.desired.entries import present, reference
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.event_broker import event_broker
from rasa_environments.desired.profiles import profile_of
from rasa_environments.desired.redis import lock_store, redis_tracker_store
from rasa_environments.desired.releases import want_release
from rasa_environments.desired.secret_variables import MODEL_SERVER_TOKEN_VARIABLE, with_variables
from rasa_environments.desired.tls import ACTION_ENDPOINT, agrees_with_scheme, certificate_paths, is_required

CAFILE_SINCE = (2, 0)
"""First release in which Rasa accepts certificate authorities for its action server (rasa/utils/endpoints.py)."""


def endpoints_yaml(context: Context) -> str:
    """Return the text of endpoints.yml. Raises SpecError as `endpoints` does."""
    return as_yaml(endpoints(context))


def endpoints(context: Context) -> JsonObject:
    """Return the content of endpoints.yml; entries of spec.endpoints take precedence over typed fields.

    Raises SpecError where the environment's Rasa does not support what the spec asks for.
    """
    spec = context.spec
    if profile_of(context).configured_by_server:
        refuse_for_rasa_x_0_32(spec)
    entries: JsonObject = {"models": models_endpoint(context)}
    if spec.event_broker is not None:
        entries["event_broker"] = event_broker(context, spec.event_broker)
    if spec.tracker_store is not None:
        entries["tracker_store"] = tracker_store(context, spec.tracker_store)
    if spec.lock_store is not None:
        entries["lock_store"] = lock_store(context, spec.lock_store)
    if spec.action_endpoint is not None:
        entries["action_endpoint"] = action_endpoint(context, spec.action_endpoint)
    elif spec.action_server is not None:
        entries["action_endpoint"] = {"url": webhook(context, spec.action_server)}
    elif (default := profile_of(context).action_endpoint) is not None:
        entries["action_endpoint"] = {"url": default}
    entries.update(with_variables(("endpoints",), spec.endpoints or {}))
    return entries


def models_endpoint(context: Context) -> JsonObject:
    """Return where to pull the model from; the interval is a literal, since Rasa misreads a variable there.

    With RollingUpdate, a server pulls once, when it starts (`wait_time_between_pulls: null`), and moving the tag starts
    new servers.
    """
    return {
        "url": context.model_url,
        **(
            {"token": f"${{{MODEL_SERVER_TOKEN_VARIABLE}}}"}
            if MODEL_SERVER_TOKEN_VARIABLE in context.secret_values
            else {}
        ),
        "wait_time_between_pulls": None if context.rolls_on_promotion else context.pull_period_seconds,
    }


def tracker_store(context: Context, store: TrackerStore) -> JsonObject:
    """Return where conversations are stored."""
    if store.sql is not None:
        return sql_tracker_store(context, store.sql)
    return redis_tracker_store(context, store.redis) if store.redis is not None else {}


def action_endpoint(context: Context, endpoint: ActionEndpoint) -> JsonObject:
    """Return the action server. Raises SpecError where `tls` contradicts the scheme of its URL."""
    tls, url = endpoint.tls, endpoint.url or ""
    if tls is not None and not agrees_with_scheme(tls, url):
        scheme = "https" if is_required(tls) else "http"
        raise SpecError(
            f"spec.actionEndpoint.tls.mode {tls.mode} contradicts spec.actionEndpoint.url {url}: make it {scheme}, or "
            "leave tls out"
        )
    if tls is not None and is_required(tls) and tls.cert_secret_ref is not None:
        why = "it verifies the action server only with the authorities of its image"
        want_release(context, CAFILE_SINCE, "spec.actionEndpoint.tls.certSecretRef", why)
    return present(
        url=endpoint.url,
        token=reference("ACTION_ENDPOINT_TOKEN", endpoint.token),
        cafile=certificate_paths(context, ACTION_ENDPOINT).authorities if is_required(tls) else None,
    )


def as_yaml(document: Mapping[str, Any]) -> str:
    """Return `document` as YAML, keeping its order."""
    return yaml.dump(
        dict(document), Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=10_000
    )


class _Dumper(yaml.CSafeDumper):
    """Writes repeated values in full instead of as anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True
