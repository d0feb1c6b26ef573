"""A new version of the operator restarts no pod by itself."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.children import Children, with_digest
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.connection import Connection
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.projections import DESIRED_ANNOTATION
from rasa_environments.cluster.resources import DEPLOYMENTS
from rasa_environments.desired.deployment import without_drain
from rasa_environments.reconcile.settling import spared
from tests.desired.contexts import children_by_kind
from tests.desired.golden_cases import given_context

DIGESTS_OF_0_1_0 = {"shortest": "03daf0cd70870e51", "rolling_update": "6583be108a64b77d"}
"""What version 0.1.0 wrote into the annotation of the Deployments of these environments."""


def deployment(case: str = "shortest") -> JsonObject:
    """The Deployment as it is asked for now."""
    return children_by_kind(given_context(case))["Deployment"]


def children_with(live: JsonObject | None) -> Children:
    """Children that know of one Deployment, or of none."""
    cache = ObjectCache()
    if live is not None:
        cache.put({**live, "metadata": {**live["metadata"], "resourceVersion": "1"}})
    return Children(Client(Connection(CredentialSource(None, None), "tests")), {DEPLOYMENTS: cache})


@pytest.mark.parametrize("case", DIGESTS_OF_0_1_0)
def test_the_wish_of_0_1_0_is_known_to_the_letter(case: str) -> None:
    before = with_digest(without_drain(deployment(case)))

    assert before["metadata"]["annotations"][DESIRED_ANNOTATION] == DIGESTS_OF_0_1_0[case]


def test_a_deployment_as_0_1_0_asked_for_it_stays_as_it_is() -> None:
    before = without_drain(deployment())

    assert spared(children_with(with_digest(before)), deployment()) == before


def test_it_gets_the_rest_with_whatever_rolls_its_pods() -> None:
    before = with_digest(without_drain(deployment()))
    now = deployment()
    now["spec"]["template"]["metadata"]["annotations"]["rasa-environments.io/config-digest"] = "another"

    assert spared(children_with(before), now) == now


@pytest.mark.parametrize("live", [None, with_digest(deployment())], ids=["new", "of this version"])
def test_any_other_deployment_is_as_this_version_asks(live: JsonObject | None) -> None:
    assert spared(children_with(live), deployment()) == deployment()
