"""Impersonation: users from the kubeconfig and --as reach the API server as they do from kubectl."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.errors import ConfigurationError
from rasa_environments.cluster.impersonation import NOBODY_ELSE, Impersonation
from rasa_environments.cluster.resources import SELF_SUBJECT_REVIEWS
from tests.cluster.kubectl import kubectl

if TYPE_CHECKING:
    from local.cluster import ClusterFacts

PAM = {
    "as": "pam",
    "as-groups": ["bots", "owners of büros"],
    "as-uid": "4711",
    "as-user-extra": {"example.org/Team%": ["a", "b"], "reason": ["on call"]},
}


def kubeconfig_as(cluster: ClusterFacts, folder: Path, words: JsonObject) -> Path:
    """Return the administrator's kubeconfig with more fields for its user."""
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    content["users"][0]["user"].update(words)
    path = folder / "config"
    path.write_text(yaml.safe_dump(content))
    return path


async def who(source: CredentialSource) -> Any:
    """Return who the API server takes the client for."""
    async with await Client.by(source) as client:
        return (await client.review(SELF_SUBJECT_REVIEWS))["userInfo"]


async def test_the_user_of_a_kubeconfig_acts_as_it_says(cluster: ClusterFacts, tmp_path: Path) -> None:
    path = kubeconfig_as(cluster, tmp_path, PAM)

    info = await who(CredentialSource(str(path)))

    assert info["username"] == "pam"
    assert info["uid"] == "4711"
    assert info["groups"] == ["bots", "owners of büros", "system:authenticated"]
    assert info["extra"] == {"example.org/team%": ["a", "b"], "reason": ["on call"]}


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ([], NOBODY_ELSE),
        (["--as", "bob"], Impersonation("bob")),
        (["--as-group", "a", "--as-group", "b"], Impersonation(groups=("a", "b"))),
        (["--as", "bob", "--as-uid", "1"], Impersonation("bob", uid="1")),
    ],
    ids=["none", "as", "as-group", "as-uid"],
)
@pytest.mark.parametrize("words", [PAM, {"as": "pam"}], ids=["all", "as"])
async def test_it_acts_as_whom_kubectl_acts(
    cluster: ClusterFacts, tmp_path: Path, words: JsonObject, flags: list[str], options: Impersonation
) -> None:
    path = kubeconfig_as(cluster, tmp_path, words)
    info = kubectl(cluster, "--kubeconfig", str(path), *flags, "auth", "whoami")["status"]["userInfo"]

    assert await who(CredentialSource(str(path), impersonation=options)) == info


async def test_whom_to_act_as_is_part_of_what_changes_with_the_kubeconfig(
    cluster: ClusterFacts, tmp_path: Path
) -> None:
    source = CredentialSource(str(kubeconfig_as(cluster, tmp_path, {"as": "pam"})))
    before = (await source.load()).identity

    kubeconfig_as(cluster, tmp_path, {"as": "bob"})

    assert (await source.load()).identity != before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"as-groups": ["bots"]}, "no user: add --as, or `as` to the kubeconfig's user"),
        ({"as": "pam", "as-groups": "bots"}, "`as-groups` of the kubeconfig's user must be a list of strings"),
        ({"as": ["pam"]}, "`as` of the kubeconfig's user must be a string"),
        ({"as": "pam", "as-user-extra": {"a": "b"}}, "`as-user-extra.a` of the kubeconfig's user must be a list"),
        ({"as": "pam", "as-user-extra": "b"}, "`as-user-extra` of the kubeconfig's user must be a map"),
        ({"as": "pam\nX-Other: 1"}, "has a control character"),
    ],
)
async def test_what_names_nobody_is_reported_and_nothing_is_sent(
    cluster: ClusterFacts, tmp_path: Path, words: JsonObject, told: str
) -> None:
    path = kubeconfig_as(cluster, tmp_path, words)

    with pytest.raises(ConfigurationError, match=rf"the kubeconfig .*/config cannot be used: .*{told}"):
        await CredentialSource(str(path)).load()


@given(st.text(min_size=1))
def test_every_key_of_an_extra_field_becomes_the_name_of_a_header(key: str) -> None:
    (_, (name, value)) = Impersonation("pam", extra=((key, ("x",)),)).headers()

    assert unquote(name.removeprefix("Impersonate-Extra-")) == key
    assert name.isascii()
    assert not set(name) & set(' "(),/:;<=>?@[\\]{}\t\r\n')
    assert value == "x"
