"""TLS connections: Rasa's settings, its files, and what a release does not support."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from tests.desired.contexts import children_by_kind, context
from tests.desired.pages import container, files, plain_variables

OPEN_SOURCE: JsonObject = {"rasa": {"version": "3.6.21"}}
PRO: JsonObject = {"rasa": {"version": "3.21.0"}}
RASA_PRO = {"profile": "RasaPro"}
ENTERPRISE: JsonObject = {"rasa": {"version": "2.8.34"}}
RASA_X: JsonObject = {"rasa": {"version": "1.10.26"}}

PASSWORD = {"secretKeyRef": {"name": "passwords", "key": "password"}}
BY_TLS = {"mode": "Required"}
PLAIN = {"mode": "Disabled"}
WITH_CERTIFICATES = {"mode": "Required", "certSecretRef": {"name": "certificates"}}
FILES = ("ca.crt", "tls.crt", "tls.key")


def certificates(connection: str, *keys: str) -> dict[str, str]:
    """The files of a connection, as the environment's Secret holds them."""
    return {f"{connection}-{key}": f"{key} of {connection}" for key in keys}


def endpoints(spec: JsonObject, **details: Any) -> JsonObject:
    """What endpoints.yml says."""
    found: JsonObject = files(children_by_kind(context(spec, **details)))["endpoints.yml"]
    return found


class TestRabbitMQ:
    def spec(self, rasa: JsonObject = OPEN_SOURCE, **more: Any) -> JsonObject:
        described = {"host": "broker.example.com", "username": "bot", "password": PASSWORD, "tls": WITH_CERTIFICATES}
        return {**rasa, "eventBroker": {"rabbitmq": {**described, **more}}}

    def test_it_is_reached_by_amqps_with_the_files_in_the_address(self) -> None:
        broker = endpoints(self.spec(), certificates=certificates("event-broker", *FILES))["event_broker"]

        assert broker["url"] == (
            "amqps://broker.example.com:5671?cafile=/app/tls/event-broker/ca.crt"
            "&certfile=/app/tls/event-broker/tls.crt&keyfile=/app/tls/event-broker/tls.key"
        )
        assert (broker["port"], broker["username"], broker["password"]) == (5671, "bot", "${RABBITMQ_PASSWORD}")

    def test_the_authorities_of_the_image_need_no_file(self) -> None:
        assert endpoints(self.spec(tls=BY_TLS))["event_broker"]["url"] == "amqps://broker.example.com:5671"

    def test_a_port_of_its_own_stays(self) -> None:
        broker = endpoints(self.spec(tls=BY_TLS, port=5999))["event_broker"]

        assert (broker["url"], broker["port"]) == ("amqps://broker.example.com:5999", 5999)

    def test_an_address_of_ipv6_stands_in_brackets(self) -> None:
        assert endpoints(self.spec(tls=BY_TLS, host="fd00::1"))["event_broker"]["url"] == "amqps://[fd00::1]:5671"

    def test_a_user_is_escaped_for_the_address(self) -> None:
        assert endpoints(self.spec(tls=BY_TLS, username="bot@example"))["event_broker"]["username"] == "bot%40example"

    @pytest.mark.parametrize("tls", [None, PLAIN])
    def test_plain_text_is_as_ever(self, tls: JsonObject | None) -> None:
        broker = endpoints(self.spec(tls=tls))["event_broker"]

        assert (broker["url"], broker["port"]) == ("broker.example.com", 5672)

    @pytest.mark.parametrize(
        ("rasa", "server"),
        [(ENTERPRISE, {}), ({"rasa": {"version": "3.5.17"}}, {}), (RASA_X, {"profile": "RasaX-0.2"})],
    )
    def test_an_older_rasa_would_log_the_password(self, rasa: JsonObject, server: JsonObject) -> None:
        with pytest.raises(SpecError, match=r"spec\.eventBroker\.rabbitmq\.tls requires Rasa 3\.6 or later.*logs"):
            endpoints(self.spec(rasa), server=server)


class TestKafka:
    BROKERS = ("kafka-1:9093", "kafka-2:9093")

    def spec(self, rasa: JsonObject = OPEN_SOURCE, **more: Any) -> JsonObject:
        return {**rasa, "eventBroker": {"kafka": {"bootstrapServers": list(self.BROKERS), **more}}}

    @pytest.mark.parametrize(
        ("more", "protocol"),
        [
            ({}, "PLAINTEXT"),
            ({"tls": PLAIN}, "PLAINTEXT"),
            ({"tls": BY_TLS}, "SSL"),
            ({"username": "bot", "password": PASSWORD}, "SASL_PLAINTEXT"),
            ({"username": "bot", "password": PASSWORD, "tls": BY_TLS}, "SASL_SSL"),
        ],
    )
    def test_tls_and_a_user_decide_the_protocol(self, more: JsonObject, protocol: str) -> None:
        assert endpoints(self.spec(**more))["event_broker"]["security_protocol"] == protocol

    def test_the_certificates_are_files_and_the_host_name_is_verified(self) -> None:
        spec = self.spec(tls=WITH_CERTIFICATES)
        broker = endpoints(spec, certificates=certificates("event-broker", *FILES))["event_broker"]

        assert {key: value for key, value in broker.items() if key.startswith("ssl_")} == {
            "ssl_cafile": "/app/tls/event-broker/ca.crt",
            "ssl_certfile": "/app/tls/event-broker/tls.crt",
            "ssl_keyfile": "/app/tls/event-broker/tls.key",
            "ssl_check_hostname": True,
        }

    @pytest.mark.parametrize("version", ["3.6.21", "3.4.0"])
    def test_a_newer_rasa_gets_the_brokers_as_one_text(self, version: str) -> None:
        assert endpoints(self.spec({"rasa": {"version": version}}))["event_broker"]["url"] == ",".join(self.BROKERS)

    @pytest.mark.parametrize("version", ["2.8.34", "3.3.7"])
    def test_an_older_rasa_gets_a_list(self, version: str) -> None:
        assert endpoints(self.spec({"rasa": {"version": version}}))["event_broker"]["url"] == list(self.BROKERS)


class TestSqlTrackerStore:
    def spec(self, rasa: JsonObject = OPEN_SOURCE, **more: Any) -> JsonObject:
        return {**rasa, "trackerStore": {"sql": {"host": "db.example.com", **more}}}

    def query(self, keys: tuple[str, ...] = (), **more: Any) -> JsonObject | None:
        found: JsonObject | None = endpoints(self.spec(**more), certificates=certificates("tracker-store", *keys))[
            "tracker_store"
        ].get("query")
        return found

    def test_postgresql_verifies_certificate_and_host_name(self) -> None:
        assert self.query(FILES, tls=WITH_CERTIFICATES) == {
            "sslmode": "verify-full",
            "sslrootcert": "/app/tls/tracker-store/ca.crt",
            "sslcert": "/app/tls/tracker-store/tls.crt",
            "sslkey": "/app/tls/tracker-store/tls.key",
        }

    def test_without_a_file_of_authorities_those_of_the_image_are_named(self) -> None:
        expected = {"sslmode": "verify-full", "sslrootcert": "/etc/ssl/certs/ca-certificates.crt"}

        assert self.query(tls=BY_TLS) == expected

    def test_disabled_is_plain_text(self) -> None:
        assert self.query(tls=PLAIN) == {"sslmode": "disable"}

    def test_without_tls_the_driver_decides(self) -> None:
        assert self.query() is None

    def test_parameters_reach_the_connection(self) -> None:
        assert self.query(query={"sslmode": "require", "connect_timeout": "10"}) == {
            "sslmode": "require",
            "connect_timeout": "10",
        }

    def test_parameters_win_where_they_verify(self) -> None:
        query = self.query(("ca.crt",), tls=WITH_CERTIFICATES, query={"sslmode": "verify-ca"})

        assert query == {"sslmode": "verify-ca", "sslrootcert": "/app/tls/tracker-store/ca.crt"}

    @pytest.mark.parametrize(
        ("tls", "query"),
        [
            (BY_TLS, {"sslmode": "require"}),
            (BY_TLS, {"sslmode": "disable"}),
            (PLAIN, {"sslmode": "verify-full"}),
            (PLAIN, {"sslrootcert": "/etc/ca.crt"}),
        ],
    )
    def test_parameters_that_contradict_are_refused(self, tls: JsonObject, query: JsonObject) -> None:
        with pytest.raises(SpecError, match=r"spec\.trackerStore\.sql\.query\.ssl\w+ contradicts"):
            endpoints(self.spec(tls=tls, query=query))

    def test_mysql_has_words_of_its_own(self) -> None:
        assert self.query(FILES, dialect="MySQL", tls=WITH_CERTIFICATES) == {
            "ssl_ca": "/app/tls/tracker-store/ca.crt",
            "ssl_cert": "/app/tls/tracker-store/tls.crt",
            "ssl_key": "/app/tls/tracker-store/tls.key",
        }
        assert endpoints(self.spec(dialect="MySQL"))["tracker_store"]["dialect"] == "mysql+pymysql"

    def test_a_name_with_hyphens_is_left_alone_where_nothing_creates_the_database(self) -> None:
        assert endpoints(self.spec(database="rasa-tracker-prod"))["tracker_store"]["db"] == "rasa-tracker-prod"


class TestDatabaseOfEvents:
    def spec(self, **more: Any) -> JsonObject:
        return {**OPEN_SOURCE, "eventBroker": {"sql": {"host": "db", **more}}}

    def test_libpq_reads_from_variables_what_rasa_does_not_hand_on(self) -> None:
        children = children_by_kind(
            context(self.spec(tls=WITH_CERTIFICATES), certificates=certificates("event-broker", *FILES))
        )

        assert "query" not in files(children)["endpoints.yml"]["event_broker"]
        assert {k: v for k, v in plain_variables(children).items() if k.startswith("PG")} == {
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "/app/tls/event-broker/ca.crt",
            "PGSSLCERT": "/app/tls/event-broker/tls.crt",
            "PGSSLKEY": "/app/tls/event-broker/tls.key",
        }

    def test_they_do_not_decide_for_the_tracker_store(self) -> None:
        spec = {**self.spec(tls=WITH_CERTIFICATES), "trackerStore": {"sql": {"host": "db"}}}

        assert endpoints(spec)["tracker_store"]["query"] == {"sslmode": "prefer"}

    def test_parameters_are_refused(self) -> None:
        with pytest.raises(SpecError, match=r"spec\.eventBroker\.sql\.query: Rasa takes no parameters"):
            endpoints(self.spec(query={"connect_timeout": "10"}))

    def test_mysql_by_tls_is_refused(self) -> None:
        with pytest.raises(SpecError, match=r"spec\.eventBroker\.sql\.tls: .*only with PostgreSQL"):
            endpoints(self.spec(dialect="MySQL", tls=BY_TLS))


STORES = {"trackerStore": "tracker_store", "lockStore": "lock_store"}
CONNECTIONS = {"trackerStore": "tracker-store", "lockStore": "lock-store"}


@pytest.mark.parametrize("field", STORES)
class TestRedis:
    def spec(self, field: str, rasa: JsonObject = OPEN_SOURCE, **more: Any) -> JsonObject:
        return {**rasa, field: {"redis": {"host": "redis", "password": PASSWORD, **more}}}

    def test_user_and_certificates(self, field: str) -> None:
        spec = self.spec(field, username="bots", tls=WITH_CERTIFICATES)
        store = endpoints(spec, certificates=certificates(CONNECTIONS[field], *FILES))[STORES[field]]

        assert store["username"] == "bots"
        assert store["use_ssl"] is True
        assert store["ssl_ca_certs"] == f"/app/tls/{CONNECTIONS[field]}/ca.crt"
        assert store["ssl_certfile"] == f"/app/tls/{CONNECTIONS[field]}/tls.crt"
        assert store["ssl_keyfile"] == f"/app/tls/{CONNECTIONS[field]}/tls.key"

    @pytest.mark.parametrize("rasa", [OPEN_SOURCE, ENTERPRISE])
    def test_every_release_connects_by_tls_with_the_authorities_of_its_image(
        self, field: str, rasa: JsonObject
    ) -> None:
        store = endpoints(self.spec(field, rasa, tls=BY_TLS))[STORES[field]]

        assert store["use_ssl"] is True
        assert not {"ssl_ca_certs", "username"} & store.keys()

    @pytest.mark.parametrize(
        ("more", "place"), [({"username": "bots"}, "username"), ({"tls": WITH_CERTIFICATES}, "tls.certSecretRef")]
    )
    @pytest.mark.parametrize("version", ["2.8.34", "3.6.5"])
    def test_an_older_rasa_takes_neither_user_nor_certificates(
        self, field: str, version: str, more: JsonObject, place: str
    ) -> None:
        with pytest.raises(SpecError, match=rf"spec\.{field}\.redis\.{place} requires Rasa 3\.6\.7 or later"):
            endpoints(self.spec(field, {"rasa": {"version": version}}, **more))

    def test_sentinels_of_rasa_pro(self, field: str) -> None:
        sentinel = {"endpoints": ["sentinel-1:26379", "sentinel-2:26379"], "masterName": "bots"}
        spec = self.spec(field, PRO, host=None, sentinel=sentinel)

        store = endpoints(spec, server=RASA_PRO)[STORES[field]]

        assert store["deployment_mode"] == "sentinel"
        assert store["endpoints"] == sentinel["endpoints"]
        assert store["sentinel_service"] == "bots"
        assert "port" not in store

    def test_a_cluster_of_rasa_pro_has_the_database_0(self, field: str) -> None:
        nodes = ["node-1:6379", "node-2:6379"]
        spec = self.spec(field, PRO, host=None, cluster={"endpoints": nodes})

        store = endpoints(spec, server=RASA_PRO)[STORES[field]]

        assert (store["deployment_mode"], store["endpoints"], store["db"]) == ("cluster", nodes, 0)

    def test_a_cluster_with_another_database_is_refused(self, field: str) -> None:
        spec = self.spec(field, PRO, host=None, database=3, cluster={"endpoints": ["node-1:6379"]})

        with pytest.raises(SpecError, match=rf"spec\.{field}\.redis\.database 3: a Redis Cluster has only database 0"):
            endpoints(spec, server=RASA_PRO)

    def test_open_source_rasa_knows_one_server_alone(self, field: str) -> None:
        spec = self.spec(field, host=None, cluster={"endpoints": ["node-1:6379"]})

        with pytest.raises(SpecError, match=rf"spec\.{field}\.redis\.cluster requires Rasa Pro"):
            endpoints(spec)

    def test_an_earlier_rasa_pro_knows_one_server_alone(self, field: str) -> None:
        spec = self.spec(field, {"rasa": {"version": "3.13.25"}}, host=None, cluster={"endpoints": ["node-1:6379"]})

        with pytest.raises(SpecError, match=rf"spec\.{field}\.redis\.cluster requires Rasa 3\.14"):
            endpoints(spec, server=RASA_PRO)


class TestLockStoreOfRasaPro:
    def redis(self, version: str, host: str = "redis") -> JsonObject:
        spec = {"rasa": {"version": version}, "lockStore": {"redis": {"host": host, "password": PASSWORD}}}
        found: JsonObject = endpoints(spec, server=RASA_PRO)["lock_store"]
        return found

    @pytest.mark.parametrize(("version", "host"), [("3.21.0", "redis"), ("3.14.0", "redis"), ("3.13.25", "localhost")])
    def test_the_server_is_a_host_and_a_password_has_a_user(self, version: str, host: str) -> None:
        store = self.redis(version, host)

        assert (store["type"], store["host"], store["username"]) == ("redis", host, "default")
        assert "url" not in store

    def test_an_earlier_one_has_an_address_as_ever(self) -> None:
        store = self.redis("3.12.20")

        assert store["url"] == "redis"
        assert not {"host", "username"} & store.keys()

    def test_3_13_takes_no_host_but_its_own(self) -> None:
        with pytest.raises(SpecError, match=r"spec\.lockStore\.redis\.host redis is not supported by Rasa Pro 3\.13"):
            self.redis("3.13.25")

    def test_concurrent_redis(self) -> None:
        spec = {**PRO, "lockStore": {"concurrentRedis": {"host": "redis", "password": PASSWORD}}}

        store = endpoints(spec, server=RASA_PRO)["lock_store"]

        assert (store["type"], store["host"], store["db"]) == ("concurrent_redis", "redis", 1)
        assert store["password"] == "${LOCK_STORE_PASSWORD}"

    def test_concurrent_redis_is_refused_elsewhere(self) -> None:
        spec = {**OPEN_SOURCE, "lockStore": {"concurrentRedis": {"host": "redis"}}}

        with pytest.raises(SpecError, match=r"spec\.lockStore\.concurrentRedis requires Rasa Pro"):
            endpoints(spec)


class TestActionServer:
    def spec(self, url: str, rasa: JsonObject = OPEN_SOURCE, tls: JsonObject | None = None) -> JsonObject:
        return {**rasa, "actionEndpoint": {"url": url, "tls": tls or WITH_CERTIFICATES}}

    def test_its_certificate_is_verified_with_the_file(self) -> None:
        spec = self.spec("https://actions/webhook")
        action = endpoints(spec, certificates=certificates("action-endpoint", "ca.crt"))["action_endpoint"]

        assert action["cafile"] == "/app/tls/action-endpoint/ca.crt"

    @pytest.mark.parametrize(("url", "tls"), [("http://actions/webhook", BY_TLS), ("https://actions/webhook", PLAIN)])
    def test_a_scheme_that_contradicts_is_refused(self, url: str, tls: JsonObject) -> None:
        with pytest.raises(SpecError, match=r"spec\.actionEndpoint\.tls\.mode \w+ contradicts"):
            endpoints(self.spec(url, tls=tls))

    def test_rasa_1_takes_no_file(self) -> None:
        with pytest.raises(SpecError, match=r"spec\.actionEndpoint\.tls\.certSecretRef requires Rasa 2\.0 or later"):
            endpoints(self.spec("https://actions/webhook", RASA_X), server={"profile": "RasaX-0.2"})


class TestModelServer:
    def test_pods_trust_the_authority_of_the_server(self) -> None:
        server = {"url": "https://models", "tls": WITH_CERTIFICATES}
        found = context(OPEN_SOURCE, server=server, certificates=certificates("model-server", "ca.crt"))

        assert plain_variables(children_by_kind(found))["SSL_CERT_FILE"] == "/app/tls/model-server/ca.crt"

    def test_without_one_they_are_as_ever(self) -> None:
        assert "SSL_CERT_FILE" not in plain_variables(children_by_kind(context(OPEN_SOURCE)))


class TestRasaX032:
    @pytest.mark.parametrize(
        ("spec", "place"),
        [
            ({"eventBroker": {"kafka": {"bootstrapServers": ["kafka:9093"], "tls": BY_TLS}}}, "eventBroker.kafka.tls"),
            ({"trackerStore": {"sql": {"host": "db", "tls": BY_TLS}}}, "trackerStore.sql.tls"),
            ({"trackerStore": {"sql": {"host": "db", "query": {"sslmode": "require"}}}}, "trackerStore.sql.query"),
            ({"lockStore": {"redis": {"host": "redis", "tls": BY_TLS}}}, "lockStore.redis.tls"),
        ],
    )
    def test_what_rasa_x_does_not_write_is_refused(self, spec: JsonObject, place: str) -> None:
        with pytest.raises(SpecError, match=rf"spec\.{place}: not supported with the profile RasaX-0\.32"):
            endpoints({**RASA_X, **spec}, server={"profile": "RasaX-0.32"})


class TestFiles:
    HELD = certificates("event-broker", "ca.crt") | certificates("tracker-store", *FILES)

    def children(self) -> dict[str, JsonObject]:
        return children_by_kind(context(OPEN_SOURCE, certificates=self.HELD))

    def test_they_are_in_the_environments_own_secret(self) -> None:
        data = self.children()["Secret"]["data"]

        assert {key: b64decode(data[key]).decode() for key in self.HELD} == self.HELD

    def test_they_are_mounted_from_it_read_only(self) -> None:
        pod = self.children()["Deployment"]["spec"]["template"]["spec"]
        volume = next(volume for volume in pod["volumes"] if volume["name"] == "tls")

        assert {"name": "tls", "mountPath": "/app/tls", "readOnly": True} in container(self.children())["volumeMounts"]
        assert volume["secret"]["secretName"] == "support-rasa"
        assert [(item["key"], item["path"], oct(item["mode"])) for item in volume["secret"]["items"]] == [
            ("event-broker-ca.crt", "event-broker/ca.crt", "0o444"),
            ("tracker-store-ca.crt", "tracker-store/ca.crt", "0o444"),
            ("tracker-store-tls.crt", "tracker-store/tls.crt", "0o444"),
            ("tracker-store-tls.key", "tracker-store/tls.key", "0o440"),
        ]

    def test_a_changed_certificate_rolls_the_pods(self) -> None:
        changed = {**self.HELD, "event-broker-ca.crt": "another"}

        before = self.children()["Deployment"]["spec"]["template"]
        after = children_by_kind(context(OPEN_SOURCE, certificates=changed))["Deployment"]["spec"]["template"]

        assert before != after

    def test_without_any_there_is_no_volume(self) -> None:
        pod = children_by_kind(context(OPEN_SOURCE))["Deployment"]["spec"]["template"]["spec"]

        assert "tls" not in [volume["name"] for volume in pod["volumes"]]
