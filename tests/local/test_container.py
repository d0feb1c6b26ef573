"""A container runs as a process in the same way as the kubelet would run it in a pod."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.rasa.container import ContainerRun, Pod, expand, plan_run

NAMES = st.from_regex(r"\A[A-Z_][A-Z0-9_]{0,8}\Z")


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(TOKEN)", "secret"),
        ("--auth-token=$(TOKEN)!", "--auth-token=secret!"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(TOKEN)", "$(TOKEN)"),
        ("$$$(TOKEN)", "$secret"),
        ("$$", "$"),
        ("$TOKEN ${TOKEN} $", "$TOKEN ${TOKEN} $"),
        ("$(TOKEN", "$(TOKEN"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expanded: str) -> None:
    assert expand(text, {"TOKEN": "secret"}) == expanded


@given(st.text())
def test_doubled_dollars_protect_any_text(text: str) -> None:
    assert expand(text.replace("$", "$$"), {"A": "b"}) == text


@given(NAMES, st.text())
def test_a_value_is_not_expanded_again(name: str, value: str) -> None:
    assert expand(f"$({name})", {name: value}) == value


def pod(**container: Any) -> Pod:
    return Pod(
        spec={
            "containers": [{"name": "rasa", **container}],
            "volumes": [
                {"name": "config", "configMap": {"name": "settings"}},
                {"name": "keys", "secret": {"secretName": "tokens"}},
                {"name": "tmp", "emptyDir": {}},
            ],
        },
        config_maps={"settings": {"endpoints.yml": "models: {url: http://models.example}", "mode": "calm"}},
        secrets={"tokens": {"token": "secret"}},
        fields={"status.podIP": "127.80.0.7"},
    )


def run(**container: Any) -> ContainerRun:
    return plan_run(pod(**container), "rasa", Path("/root-of-pod"), ["/venv/bin/rasa"])


def test_variables_come_from_values_secrets_config_maps_and_fields() -> None:
    variables = run(
        env=[
            {"name": "PLAIN", "value": "1"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "token"}}},
            {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
            {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "BOTH", "value": "$(PLAIN)$(TOKEN)$(LATER)"},
            {"name": "LATER", "value": "2"},
        ]
    ).environment

    assert variables == {
        "PLAIN": "1",
        "TOKEN": "secret",
        "MODE": "calm",
        "ADDRESS": "127.80.0.7",
        "BOTH": "1secret$(LATER)",
        "LATER": "2",
    }


def test_args_follow_the_images_entrypoint_and_are_expanded() -> None:
    token = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "token"}}}

    assert run(args=["run", "--auth-token", "$(TOKEN)"], env=[token]).command == [
        "/venv/bin/rasa",
        "run",
        "--auth-token",
        "secret",
    ]


def test_a_command_replaces_the_images_entrypoint() -> None:
    assert run(command=["python", "-m", "rasa"], args=["run"]).command == ["python", "-m", "rasa", "run"]


def test_a_sub_path_mounts_one_file_and_a_volume_all_of_its_keys() -> None:
    mounts = [
        {"name": "config", "mountPath": "/app/endpoints.yml", "subPath": "endpoints.yml"},
        {"name": "keys", "mountPath": "/etc/keys"},
        {"name": "tmp", "mountPath": "/tmp"},
    ]

    planned = run(volumeMounts=mounts)

    assert planned.files == {
        Path("/root-of-pod/app/endpoints.yml"): "models: {url: http://models.example}",
        Path("/root-of-pod/etc/keys/token"): "secret",
    }
    assert Path("/root-of-pod/tmp") in planned.directories
    assert planned.directory == Path("/root-of-pod/app")


def test_a_file_has_the_path_and_the_mode_that_its_volume_says() -> None:
    items = [{"key": "token", "path": "private/key", "mode": 0o440}]
    of = pod(volumeMounts=[{"name": "tls", "mountPath": "/app/tls"}])
    volumes = [*of.spec["volumes"], {"name": "tls", "secret": {"secretName": "tokens", "items": items}}]
    described = Pod({**of.spec, "volumes": volumes}, of.config_maps, of.secrets)

    planned = plan_run(described, "rasa", Path("/root-of-pod"), ["rasa"])

    path = Path("/root-of-pod/app/tls/private/key")
    assert (planned.files[path], planned.modes) == ("secret", {path: 0o440})


def test_the_containers_own_paths_move_below_the_root_and_others_stay() -> None:
    planned = run(
        args=["--endpoints", "/app/endpoints.yml", "/application", "http://models.example/tmp/x"],
        env=[{"name": "HOME", "value": "/tmp"}, {"name": "CACHE", "value": "/tmp/cache"}],
        volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}],
    )

    assert planned.command[1:] == [
        "--endpoints",
        "/root-of-pod/app/endpoints.yml",
        "/application",
        "http://models.example/tmp/x",
    ]
    assert planned.environment == {"HOME": "/root-of-pod/tmp", "CACHE": "/root-of-pod/tmp/cache"}


def test_names_of_the_cluster_are_replaced_in_args_variables_and_files() -> None:
    planned = plan_run(
        pod(
            args=["http://models.example/a"],
            env=[{"name": "URL", "value": "http://models.example"}],
            volumeMounts=[{"name": "config", "mountPath": "/app/endpoints.yml", "subPath": "endpoints.yml"}],
        ),
        "rasa",
        Path("/root-of-pod"),
        ["rasa"],
        {"models.example": "127.0.0.1:5002"},
    )

    assert planned.command == ["rasa", "http://127.0.0.1:5002/a"]
    assert planned.environment == {"URL": "http://127.0.0.1:5002"}
    assert list(planned.files.values()) == ["models: {url: http://127.0.0.1:5002}"]


def test_a_reference_to_a_missing_key_says_which() -> None:
    entry = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "other"}}}

    with pytest.raises(ValueError, match="TOKEN comes from tokens, key other: there is none"):
        run(env=[entry])


def test_an_optional_reference_to_a_missing_key_sets_nothing() -> None:
    reference = {"name": "absent", "key": "other", "optional": True}

    assert run(env=[{"name": "TOKEN", "valueFrom": {"secretKeyRef": reference}}]).environment == {}


def test_a_mount_of_an_unknown_volume_says_which() -> None:
    with pytest.raises(ValueError, match="the mount /data names the volume data, which the pod does not have"):
        run(volumeMounts=[{"name": "data", "mountPath": "/data"}])
