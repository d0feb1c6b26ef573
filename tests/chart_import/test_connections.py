"""Event broker, tracker store, lock store and action server: the chart's own, or those that a file names."""

from __future__ import annotations

from rasa_chart_import.findings import Outcome

from .cases import ENTERPRISE, RASA_X_0_2, RASA_X_0_4, defaults, environments, finding, from_yaml, secret_key


def test_a_file_that_names_no_service_gets_the_chart_s_own() -> None:
    shared = defaults(from_yaml(""))

    assert shared["eventBroker"]["rabbitmq"] == {
        "host": "my-rabbit",
        "port": 5672,
        "username": "user",
        "password": secret_key("my-rabbit", "rabbitmq-password"),
    }
    assert shared["trackerStore"]["sql"] == {
        "host": "my-postgresql",
        "port": 5432,
        "username": "postgres",
        "password": secret_key("my-postgresql", "postgresql-password"),
        "loginDatabase": "rasa",
    }
    assert shared["lockStore"]["redis"] == {
        "host": "my-redis-master",
        "port": 6379,
        "database": 1,
        "password": secret_key("my-redis", "redis-password"),
    }
    assert shared["actionEndpoint"] == {"url": "http://my-rasa-x-app.bots.svc:5055/webhook"}


def test_each_environment_keeps_its_database() -> None:
    result = from_yaml("rasa: {versions: {rasaWorker: {trackerDatabase: trained}}}")

    assert environments(result)["production"]["trackerStore"] == {"sql": {"database": "tracker"}}
    assert environments(result)["worker"]["trackerStore"] == {"sql": {"database": "trained"}}


def test_services_of_one_s_own_are_connected_with_their_secrets() -> None:
    shared = defaults(
        from_yaml("""
        rabbitmq:
          install: false
          existingHost: rabbit.example.com
          service: {port: 5671}
          auth: {username: bot, existingPasswordSecret: brokers}
          existingPasswordSecretKey: rabbit
        postgresql: {install: false, existingHost: db.example.com, existingSecretKey: pg}
        global: {postgresql: {existingSecret: databases, postgresqlUsername: rasa, servicePort: 5433}}
        redis:
          install: false
          external: true
          existingHost: redis.example.com
          auth: {existingSecret: caches, existingSecretPasswordKey: pw}
        app: {existingUrl: "https://actions.example.com/webhook"}
        """)
    )

    assert shared["eventBroker"]["rabbitmq"] == {
        "host": "rabbit.example.com",
        "port": 5671,
        "username": "bot",
        "password": secret_key("brokers", "rabbit"),
    }
    assert shared["trackerStore"]["sql"] == {
        "host": "db.example.com",
        "port": 5433,
        "username": "rasa",
        "password": secret_key("databases", "pg"),
        "loginDatabase": "rasa",
    }
    assert shared["lockStore"]["redis"]["host"] == "redis.example.com"
    assert shared["lockStore"]["redis"]["password"] == secret_key("caches", "pw")
    assert shared["actionEndpoint"] == {"url": "https://actions.example.com/webhook"}


def test_the_layout_before_chart_4_means_the_same() -> None:
    shared = defaults(
        from_yaml(
            """
            rabbitmq: {rabbitmq: {username: bot, existingPasswordSecret: brokers}}
            redis: {redisPort: 6380, existingSecret: caches, existingSecretPasswordKey: pw}
            """,
            RASA_X_0_4,
        )
    )

    assert shared["eventBroker"]["rabbitmq"]["username"] == "bot"
    assert shared["eventBroker"]["rabbitmq"]["password"] == secret_key("brokers", "rabbitmq-password")
    assert (shared["lockStore"]["redis"]["port"], shared["lockStore"]["redis"]["password"]) == (
        6380,
        secret_key("caches", "pw"),
    )


def test_a_user_of_the_chart_s_database_has_the_password_under_another_key() -> None:
    shared = defaults(from_yaml("global: {postgresql: {postgresqlUsername: rasa}}"))

    assert shared["trackerStore"]["sql"]["password"] == secret_key("my-postgresql", "postgresql-postgres-password")


def test_without_a_broker_there_is_none() -> None:
    result = from_yaml("rabbitmq: {enabled: false, service: {port: 5671}}")

    assert "eventBroker" not in defaults(result)
    assert finding(result, "rabbitmq.service.port").outcome is Outcome.NOT_NEEDED


def test_without_redis_there_is_no_lock_store() -> None:
    result = from_yaml("redis: {install: false}")

    assert "lockStore" not in defaults(result)
    assert "set one before there is more than one replica" in finding(result, "redis.install").text


def test_a_service_of_one_s_own_without_a_host_is_told() -> None:
    result = from_yaml("postgresql: {install: false}")

    assert "trackerStore" not in defaults(result)
    assert any("postgresql.existingHost names no host" in remark for remark in result.remarks)


def test_a_database_that_rasa_cannot_create_is_used_as_it_is() -> None:
    result = from_yaml("rasa: {useLoginDatabase: true, versions: {rasaProduction: {trackerDatabase: rasa-tracker}}}")

    assert environments(result)["production"]["trackerStore"]["sql"]["database"] == "rasa-tracker"
    assert "loginDatabase" not in defaults(result)["trackerStore"]["sql"]
    told = finding(result, "rasa.useLoginDatabase")
    assert told.outcome is Outcome.BY_HAND
    assert "create those that are not there" in told.text


def test_more_queues_go_to_all_environments() -> None:
    shared = defaults(from_yaml("rasa: {additionalRabbitQueues: [analytics]}"))

    assert shared["eventBroker"]["rabbitmq"]["queues"] == ["rasa_production_events", "analytics"]


def test_with_rasa_x_0_2_the_common_queue_is_production_s_alone() -> None:
    result = from_yaml("rasa: {rabbitQueue: events}", RASA_X_0_2)

    assert environments(result)["production"]["eventBroker"] == {"rabbitmq": {"queues": ["events"]}}
    assert "eventBroker" not in environments(result)["worker"]


def test_a_managed_database_keeps_its_query_and_the_names_of_its_databases() -> None:
    result = from_yaml(
        """
        rasa:
          useLoginDatabase: false
          trackerStore: {query: {sslmode: require, connect_timeout: 10}}
          versions: {rasaProduction: {trackerDatabase: rasa-tracker-prod}}
        """,
        ENTERPRISE,
    )

    shared = defaults(result)["trackerStore"]["sql"]
    assert shared["query"] == {"sslmode": "require", "connect_timeout": "10"}
    assert "loginDatabase" not in shared
    assert environments(result)["production"]["trackerStore"] == {"sql": {"database": "rasa-tracker-prod"}}
    assert finding(result, "rasa.trackerStore.query.sslmode").outcome is Outcome.MAPPED


def test_a_broker_at_an_address_of_amqps_is_reached_by_tls() -> None:
    result = from_yaml("""
        rasa: {version: 3.6.21}
        rabbitmq:
          install: false
          existingHost: "amqps://b-0000.mq.example.com"
          existingPasswordSecretKey: rabbit-password
          service: {port: 5671}
          auth: {username: bot, existingPasswordSecret: broker}
        """)

    assert defaults(result)["eventBroker"]["rabbitmq"] == {
        "host": "b-0000.mq.example.com",
        "port": 5671,
        "username": "bot",
        "password": secret_key("broker", "rabbit-password"),
        "tls": {"mode": "Required"},
    }
    assert "tls.certSecretRef" in finding(result, "rabbitmq.existingHost").text


def test_the_port_in_an_address_goes_before_the_value() -> None:
    result = from_yaml("""
        rasa: {version: 3.6.21}
        rabbitmq: {install: false, existingHost: "amqps://b.example.com:5671/", service: {port: 5672}}
        """)

    broker = defaults(result)["eventBroker"]["rabbitmq"]
    assert (broker["host"], broker["port"], broker["tls"]) == ("b.example.com", 5671, {"mode": "Required"})


def test_an_address_with_a_user_or_a_virtual_host_is_kept_whole_in_a_secret() -> None:
    address = "amqps://bot:hunter2@b.example.com:5671/bots"

    result = from_yaml(f"rabbitmq: {{install: false, existingHost: '{address}'}}")

    assert "eventBroker" not in defaults(result)
    assert defaults(result)["endpoints"]["event_broker"]["url"] == secret_key("my-imported", "event-broker-url")
    assert result.secrets.contents["my-imported"]["event-broker-url"] == address


def test_a_broker_at_an_address_of_amqp_is_reached_in_plain_text() -> None:
    shared = defaults(from_yaml("rabbitmq: {install: false, existingHost: 'amqp://rabbit.example.com'}"))

    assert shared["eventBroker"]["rabbitmq"]["host"] == "rabbit.example.com"
    assert "tls" not in shared["eventBroker"]["rabbitmq"]


def test_an_address_with_a_query_is_not_carried_over() -> None:
    result = from_yaml("app: {existingUrl: 'http://actions/webhook?token=hunter2'}")

    assert finding(result, "app.existingUrl").outcome is Outcome.BY_HAND
    assert "hunter2" not in str(result.resources) + str(result.findings)
