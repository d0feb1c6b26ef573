"""Which Service the URL of a model server leads to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.service_proxy import ServiceUrl, service_url

PROXY = "/api/v1/namespaces/team/services"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://models:5002", f"{PROXY}/http:models:5002/proxy"),
        ("http://models.team.svc:5002/", f"{PROXY}/http:models:5002/proxy"),
        ("https://models.team.svc.cluster.local", f"{PROXY}/https:models:443/proxy"),
        ("http://models.team.svc.another.domain/rasa/x", f"{PROXY}/http:models:80/proxy/rasa/x"),
        ("http://models.other.svc", "/api/v1/namespaces/other/services/http:models:80/proxy"),
    ],
)
def test_the_address_of_a_service_is_a_path_on_the_api_server(url: str, path: str) -> None:
    found = service_url(url, "team")

    assert found is not None
    assert (found.proxy_path, found.may_be_elsewhere) == (path, False)


def test_a_name_of_two_parts_may_also_be_a_domain() -> None:
    assert service_url("http://models.team", "bots") == ServiceUrl(
        ObjectKey("team", "models"), "http", 80, "", may_be_elsewhere=True
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://rasa.example.com",
        "http://10.1.2.3:5002",
        "http://[::1]:5002",
        "http://models.team.svc:99999",
        "ftp://models.team.svc",
        "http://user@models.team.svc",
        "http://models.team.svc?x=1",
        "http://models.team.svc#x",
        "http://models.team.svc/../../secrets",
        "http://models.team.svc/a/./b",
        "http://models.team.svc/%2e%2e/b",
        "http://models.team.svc//b",
        "http://Models_.team.svc",
        "http://",
        "models",
    ],
)
def test_no_other_address_leads_to_a_service(url: str) -> None:
    assert service_url(url, "team") is None


@given(st.text(alphabet="abc./:%~-_?#@[]", max_size=20))
def test_no_address_leads_out_of_the_proxy_of_its_service(rest: str) -> None:
    found = service_url(f"http://models.team.svc{rest}", "bots")

    if found is not None:
        service = found.service
        start = f"/api/v1/namespaces/{service.namespace}/services/http:{service.name}:{found.port}/proxy"
        assert found.proxy_path.startswith(start)
        assert not {"", ".", ".."} & set(found.proxy_path.removeprefix(start).split("/")[1:])
