"""Settings that Rasa 1.x, which the profiles of Rasa X run, would reject or ignore."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from tests.desired.contexts import children_by_kind, context

RASA = {"rasa": {"version": "1.10.26"}}
REDIS = {"host": "redis", "port": 6380, "database": 4}
SECRETS = {"JWT_SECRET": "a secret"}


def children(profile: str, **spec: Any) -> dict[str, JsonObject]:
    return children_by_kind(context({**RASA, **spec}, server={"profile": profile}, secret_values=SECRETS))


def variables(of: dict[str, JsonObject]) -> dict[str, str]:
    """Return the variables with their values in the pod spec."""
    container = of["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}


@pytest.mark.parametrize("store", ["lockStore", "trackerStore"])
def test_keys_of_redis_have_no_prefix(store: str) -> None:
    endpoints = yaml.safe_load(children("RasaX-0.2", **{store: {"redis": REDIS}})["ConfigMap"]["data"]["endpoints.yml"])

    found = endpoints["lock_store" if store == "lockStore" else "tracker_store"]
    assert found == {"type": "redis", "url": "redis", "port": 6380, "db": 4}


@pytest.mark.parametrize("store", ["lockStore", "trackerStore"])
def test_a_prefix_of_keys_is_refused(store: str) -> None:
    message = (
        rf"spec\.{store}\.redis\.keyPrefix is not supported by Rasa 1\.x, whose keys have no prefix: leave it out, "
        rf"and set "
        rf"spec\.{store}\.redis\.database to one of this environment's own"
    )

    with pytest.raises(SpecError, match=message):
        children("RasaX-0.2", **{store: {"redis": {**REDIS, "keyPrefix": "support"}}})


@pytest.mark.parametrize("profile", ["RasaX-0.2", "RasaX-0.32"])
def test_another_exchange_is_refused(profile: str) -> None:
    with pytest.raises(
        SpecError, match=r"rabbitmq\.exchange is not supported by Rasa 1\.x, which publishes to rasa-exchange"
    ):
        children(profile, eventBroker={"rabbitmq": {"host": "rabbit", "exchange": "support"}})


def test_what_endpoints_yml_of_rasa_x_may_name_comes_from_the_spec() -> None:
    broker = {"rabbitmq": {"host": "broker", "port": 5673}}

    found = variables(children("RasaX-0.32", eventBroker=broker, lockStore={"redis": REDIS}))

    assert {
        "RABBITMQ_HOST": "broker",
        "RABBITMQ_PORT": "5673",
        "REDIS_HOST": "redis",
        "REDIS_PORT": "6380",
        "REDIS_DB": "4",
        "REDIS_PASSWORD": "",
    }.items() <= found.items()


def test_without_a_lock_store_there_are_no_variables_of_one() -> None:
    assert not [name for name in variables(children("RasaX-0.32")) if name.startswith("REDIS")]
