"""Impersonation: a promotion is permitted, refused and recorded for the user that the kubeconfig or --as names."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Ran, command
from tests.integration.conftest import Installation
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A, MODEL_B, ModelServerProcess
from tests.integration.operator_process import OperatorProcess
from tests.integration.people import Team
from tests.integration.test_model_tags import TAG

OPERATOR = "system:serviceaccount:rasa-environments:rasa-environments"


def kubeconfig_as(cluster: Path, folder: Path, **words: object) -> Path:
    """The administrator's kubeconfig, whose user acts as another."""
    content = yaml.safe_load(cluster.read_text())
    content["users"][0]["user"].update({name.replace("_", "-"): word for name, word in words.items()})
    path = folder / "as-another"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def breakable_kubeconfig(breakable: Installation) -> Path:
    """The administrator's, of the cluster where the people have their rights."""
    return breakable.facts.kubeconfig


def promote(team: Team, kubeconfig: Path, *options: str) -> Ran:
    """Promotes B to production without waiting."""
    line = f"promote {MODEL_B} production --no-wait -n {team.namespace}"
    return command(" ".join([line, *options]), kubeconfig)


@pytest.fixture
def production(team: Team) -> Team:
    """A team whose production has the tag on A."""
    team.given(environment(), model_tag(model=MODEL_A))
    return team


def test_who_acts_as_somebody_without_the_right_is_refused(
    production: Team, breakable_kubeconfig: Path, tmp_path: Path
) -> None:
    ran = promote(production, kubeconfig_as(breakable_kubeconfig, tmp_path, **{"as": "dave"}))

    assert ran.exit_code == 3
    assert ran.errors.startswith('error: user "dave" may not promote to "production": needs the verb "promote" on ')
    assert production.get(TAG, "production")["spec"]["model"] == MODEL_A


def test_who_acts_as_somebody_with_the_right_promotes_in_that_name(
    production: Team, breakable: Installation, breakable_kubeconfig: Path, tmp_path: Path
) -> None:
    start = breakable.audit.mark()

    ran = promote(production, kubeconfig_as(breakable_kubeconfig, tmp_path, **{"as": "alice"}))

    assert ran.exit_code == 0, ran.errors
    assert production.get(TAG, "production")["spec"]["model"] == MODEL_B
    assert production.promoted_by("production") == "alice"
    assert '"impersonatedUser":{"username":"alice"' in breakable.audit.text(start)


def test_the_option_goes_before_the_kubeconfig(production: Team, breakable_kubeconfig: Path, tmp_path: Path) -> None:
    as_dave = kubeconfig_as(breakable_kubeconfig, tmp_path, **{"as": "dave"})

    assert promote(production, as_dave, "--as alice").exit_code == 0
    assert production.promoted_by("production") == "alice"


def test_a_group_may_have_the_right(production: Team, breakable_kubeconfig: Path) -> None:
    ran = promote(production, breakable_kubeconfig, "--as", "nobody", "--as-group", "a", "--as-group", "system:masters")

    assert ran.exit_code == 0, ran.errors
    assert production.promoted_by("production") == "nobody"


def test_impersonation_without_the_right_is_reported(production: Team, breakable: Installation) -> None:
    ran = promote(production, breakable.kubeconfig, "--as alice")

    assert ran.exit_code == 3
    assert f'User "{OPERATOR}" cannot impersonate' in ran.errors
    assert production.get(TAG, "production")["spec"]["model"] == MODEL_A


def test_every_other_command_acts_as_another_too(production: Team, breakable_kubeconfig: Path) -> None:
    where = f"-n {production.namespace} --as stranger"

    refused = [
        command(f"{line} {where}", breakable_kubeconfig)
        for line in ("status", "rollback production", f"upload {__file__}")
    ]

    assert [ran.exit_code for ran in refused] == [3, 3, 3]
    assert all('User "stranger" cannot' in ran.errors for ran in refused)


def test_the_operator_acts_as_its_kubeconfig_says(
    breakable: Installation, breakable_kubeconfig: Path, model_server: ModelServerProcess, tmp_path: Path
) -> None:
    start = breakable.audit.mark()
    path = kubeconfig_as(breakable_kubeconfig, tmp_path, **{"as": OPERATOR})
    operator = OperatorProcess(path, tmp_path / "log", breakable.leash)
    try:
        operator.start()
    finally:
        operator.kill()

    assert f'"impersonatedUser":{{"username":"{OPERATOR}"' in breakable.audit.text(start)
