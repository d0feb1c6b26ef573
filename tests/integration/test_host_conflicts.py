"""The host of an Ingress: no namespace gets that of another, whichever is older."""

from __future__ import annotations

import pytest

from tests.integration.conftest import furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space

REFUSED = (
    "host {} is already used by an environment in another namespace: set another host in spec.ingress, one that no "
    "wildcard of another environment covers"
)


@pytest.mark.parametrize("wanted", ["chat.{}.example.com", "*.{}.example.com"], ids=["the host", "a wildcard"])
def test_the_host_of_another_namespace_is_refused_even_to_an_older_environment_until_it_is_free(
    space: Space, another_space: Space, model_server: ModelServerProcess, wanted: str
) -> None:
    furnish(another_space, model_server)
    another_space.apply(environment("support"))
    another_space.wait_until_ready("support")
    host, claimed = f"chat.{space.namespace}.example.com", wanted.format(space.namespace)
    space.apply(environment(ingress={"hosts": [{"host": host}]}))
    space.wait_until_ready()
    assert space.status(ENVIRONMENT, "production")["ingressHosts"] == [host]

    another_space.apply(environment("support", ingress={"hosts": [{"host": claimed}]}))

    another_space.wait_until_not_ready("HostConflict", REFUSED.format(claimed), "support")
    assert another_space.find_child("Ingress", "support") is None
    space.wait_until_ready()

    space.apply(environment())

    another_space.wait_until_ready("support")
    assert another_space.child("Ingress", "support")["spec"]["rules"][0]["host"] == claimed
