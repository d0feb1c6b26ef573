"""Objects created together arrive by different watches, in any order, and nothing false is reported meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rasa_environments.api.conditions import Reason
from tests.chaos.calls import Call
from tests.chaos.conftest import NUMBERS, NewOperator
from tests.chaos.operators import ProxiedOperator
from tests.integration.conftest import TAGGED, Installation, furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space

TAG = "ModelTag"


@pytest.fixture
def late(new_operator: NewOperator) -> ProxiedOperator:
    """Return a running operator that receives nothing more about ModelServers."""
    operator = new_operator()
    operator.process.start()
    operator.process.wait_until(lambda: "everything is listed" in operator.process.logged(), "at work")
    operator.proxy.freeze(watches_model_servers)
    return operator


@pytest.fixture
def space(breakable: Installation, late: ProxiedOperator) -> Iterator[Space]:
    space = Space(breakable.api, f"late-{next(NUMBERS)}", late.process)
    space.create_namespace()
    yield space
    space.remove()


def watches_model_servers(call: Call) -> bool:
    """Wait until the watch is open or reopened."""
    return call.is_watch and call.place.resource == "modelservers"


def test_a_model_server_that_no_watch_has_brought_yet_is_not_said_to_be_missing(
    space: Space, late: ProxiedOperator, model_server: ModelServerProcess
) -> None:
    environments, tags = late.process.passes(ENVIRONMENT), late.process.passes(TAG)
    furnish(space, model_server)
    space.apply(model_tag(TAGGED[0]), environment())
    space.eventually(
        lambda: late.process.passes(ENVIRONMENT) > environments and late.process.passes(TAG) > tags,
        "both to be reconciled without their ModelServer",
    )

    late.proxy.recover()

    space.wait_until_ready()
    assert Reason.MODEL_SERVER_NOT_FOUND not in late.process.logged()


def test_a_model_server_that_is_missing_is_asked_for_once(space: Space, late: ProxiedOperator) -> None:
    start = late.proxy.mark()
    space.apply(environment())
    space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason=Reason.MODEL_SERVER_NOT_FOUND)

    late.process.wait_for_passes(ENVIRONMENT, 2)

    def asks(call: Call) -> bool:
        return call.is_get and call.place.resource == "modelservers"

    assert late.proxy.count(asks, start) == 1
