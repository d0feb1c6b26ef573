"""The token that moves tags stays with the ModelServer, even if its environments are in other namespaces."""

from __future__ import annotations

import base64

from tests.integration.conftest import furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import API_TOKEN, TOKEN, ModelServerProcess
from tests.integration.space import Space


def test_only_the_token_to_pull_comes_to_an_environment_in_another_namespace(
    empty_space: Space, another_space: Space, model_server: ModelServerProcess
) -> None:
    furnish(empty_space, model_server, accessFrom={"namespaces": [another_space.namespace]})
    another_space.apply(environment(modelServerRef={"namespace": empty_space.namespace}))
    another_space.wait_until_ready()

    values = {
        base64.b64decode(value).decode()
        for secret in another_space.list("Secret")
        for value in (secret.get("data") or {}).values()
    }

    assert TOKEN in values
    assert API_TOKEN not in values
