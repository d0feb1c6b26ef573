"""What has to hold before anything is made for an environment."""

from __future__ import annotations

import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.checks import usable_server
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Lister
from tests.reconcile.objects import environment, server


def found(profile: str, chosen: str | None) -> object:
    """The server of an environment, or why it cannot be used."""
    lister, chooser = Lister(), environment("support", profile=chosen)
    lister.servers.put(server(profile=profile))
    lister.environments.put(chooser)
    return usable_server(chooser, lister)


@pytest.mark.parametrize("profile", ["OpenSource", "RasaPro"])
@pytest.mark.parametrize("chosen", ["OpenSource", "RasaPro", None])
def test_environments_choose_between_open_source_and_rasa_pro(profile: str, chosen: str | None) -> None:
    assert not isinstance(found(profile, chosen), Problem)


@pytest.mark.parametrize("profile", ["RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0"])
def test_the_servers_of_a_rasa_x_leave_no_choice(profile: str) -> None:
    problem = found(profile, "RasaPro")

    assert isinstance(problem, Problem)
    assert problem.reason is Reason.INVALID_SPEC
    assert problem.message == (
        f"spec.profile RasaPro does not go with ModelServer bots/default, whose profile {profile} decides what its "
        "environments run: leave spec.profile out, or refer to a ModelServer of the profile OpenSource or RasaPro"
    )
