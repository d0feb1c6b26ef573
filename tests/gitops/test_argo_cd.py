"""The part of Argo CD's ConfigMap that is generated from the scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from release import argo_cd
from release.argo_cd import CONFIG_MAP, KINDS, SCRIPTS, main

PREFIX = "resource.customizations."


def test_what_is_shipped_is_what_the_scripts_make() -> None:
    assert main(["--check"]) == 0


def test_a_changed_script_wants_it_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = tmp_path / "argocd-cm.yaml"
    shipped.write_text(CONFIG_MAP.read_text().replace("Degraded", "Healthy"))
    monkeypatch.setattr(argo_cd, "CONFIG_MAP", shipped)

    assert main(["--check"]) == 1
    assert "run `make generate`" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0


def test_each_kind_has_its_health_and_some_have_actions() -> None:
    data = yaml.safe_load(CONFIG_MAP.read_text())["data"]

    health = (SCRIPTS / "health.lua").read_text()
    for kind in KINDS:
        assert data.pop(f"{PREFIX}health.rasa-environments.io_{kind}") == health
    assert sorted(data) == [
        f"{PREFIX}actions.rasa-environments.io_{kind}" for kind in ("DeploymentEnvironment", "ModelTag")
    ]


@pytest.mark.parametrize("kind", ["DeploymentEnvironment", "ModelTag"])
def test_each_action_that_can_be_offered_is_defined(kind: str) -> None:
    actions = yaml.safe_load(
        yaml.safe_load(CONFIG_MAP.read_text())["data"][f"{PREFIX}actions.rasa-environments.io_{kind}"]
    )

    defined = {definition["name"]: definition["action.lua"] for definition in actions["definitions"]}

    assert actions["discovery.lua"] == (SCRIPTS / kind / "discovery.lua").read_text()
    assert defined == {
        path.stem: path.read_text() for path in (SCRIPTS / kind).glob("*.lua") if path.stem != "discovery"
    }
    for name in defined:
        assert f'actions["{name}"] =' in actions["discovery.lua"]
