"""The Ingress: which hosts and paths are public."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import JsonObject
from tests.desired.contexts import children_by_kind, context

HOST: JsonObject = {"host": "chat.example.com"}
SOCKETIO: list[JsonObject] = [{"name": "rest"}, {"name": "socketio", "config": {"user_message_evt": "user_uttered"}}]
BACKEND = {"service": {"name": "support-rasa", "port": {"name": "http"}}}


def ingress(hosts: list[JsonObject], channels: list[JsonObject] | None = None, **more: Any) -> JsonObject:
    """What the Ingress asks for."""
    spec = {"rasa": {"version": "3.6.21"}, "ingress": {"hosts": hosts, **more}}
    made = children_by_kind(context({**spec, **({"channels": channels} if channels is not None else {})}))
    found: JsonObject = made["Ingress"]["spec"]
    return found


def paths(of: JsonObject) -> list[str]:
    """The paths of the first host."""
    return [entry["path"] for entry in of["rules"][0]["http"]["paths"]]


def test_only_the_webhooks_are_open() -> None:
    path = {"path": "/webhooks", "pathType": "Prefix", "backend": BACKEND}

    assert ingress([HOST]) == {"rules": [{**HOST, "http": {"paths": [path]}}]}


def test_sockets_are_open_where_there_is_a_channel_for_them() -> None:
    assert paths(ingress([HOST], SOCKETIO)) == ["/webhooks", "/socket.io"]


def test_paths_that_the_spec_names_are_the_only_ones() -> None:
    host: JsonObject = {**HOST, "paths": [{"path": "/chat"}, {"path": "/rest", "pathType": "Exact"}]}

    (rule,) = ingress([host], SOCKETIO)["rules"]

    assert [(entry["path"], entry["pathType"]) for entry in rule["http"]["paths"]] == [
        ("/chat", "Prefix"),
        ("/rest", "Exact"),
    ]


def test_each_host_has_a_rule() -> None:
    hosts: list[JsonObject] = [HOST, {"host": "*.example.org", "paths": [{"path": "/webhooks/rest"}]}]

    rules = ingress(hosts)["rules"]

    assert [rule["host"] for rule in rules] == ["chat.example.com", "*.example.org"]
    assert [rule["http"]["paths"][0]["path"] for rule in rules] == ["/webhooks", "/webhooks/rest"]


def test_a_certificate_may_be_left_to_the_controller() -> None:
    named = {"hosts": ["chat.example.com"], "secretName": "chat-tls"}

    assert ingress([HOST], tls=[named, {"hosts": ["chat.example.com"]}])["tls"] == [
        named,
        {"hosts": ["chat.example.com"]},
    ]
    assert "tls" not in ingress([HOST], tls=[])
