"""The chart rasa for Rasa Pro: its environment, its licence, and both forms of its files."""

from __future__ import annotations

from rasa_chart_import.findings import Outcome
from rasa_chart_import.loading import merged
from rasa_chart_import.rasa_pro.resources import SOURCE
from rasa_chart_import.sources import Imported
from rasa_environments.api.base import JsonObject

from .cases import finding, from_chart, secret_key
from .operated import operated

MODELS = "models: {url: 'http://models/models/production', token: abc, wait_time_between_pulls: 20}"


def imported(text: str, chart: tuple[int, ...] = (2, 4, 0)) -> Imported:
    """Return the result for a values file."""
    return from_chart(SOURCE, dict(merged([("values.yaml", text)]).values), chart)


def spec(result: Imported) -> JsonObject:
    """Return the spec of the only environment."""
    (environment,) = [each for each in result.resources if each["kind"] == "DeploymentEnvironment"]
    found: JsonObject = environment["spec"]
    return found


def test_the_licence_is_referred_to() -> None:
    made = spec(imported("rasaProLicense: {secretName: licence, secretKey: key}"))

    assert made["rasa"]["license"] == secret_key("licence", "key")


def test_the_first_releases_wrote_the_licence_otherwise() -> None:
    made = spec(imported("rasaProLicence: {secretName: licence, secretKey: key}", (0, 1, 24)))

    assert made["rasa"]["license"] == secret_key("licence", "key")


def test_the_secrets_of_the_chart_are_referred_to() -> None:
    made = spec(imported("rasa: {settings: {authToken: {secretName: tokens}, jwtMethod: HS512}}"))

    assert made["authToken"] == secret_key("tokens", "authToken")
    assert made["jwt"] == {"key": secret_key("rasa-secrets", "jwtSecret"), "method": "HS512"}


def test_the_environment_is_called_as_the_chart_calls_it() -> None:
    _, environment = imported(f"rasa: {{settings: {{environment: staging, endpoints: {{{MODELS}}}}}}}").resources

    assert environment["metadata"]["name"] == "staging"
    assert environment["spec"]["tag"] == "production"


def test_files_are_as_they_are_since_2_0_and_the_structured_one_goes_before_the_text() -> None:
    result = imported(f"""
        rasa:
          settings:
            credentials: {{rest: }}
            credentialsRaw: |
              slack: {{slack_token: "${{SLACK_TOKEN}}"}}
            endpoints: {{{MODELS}, nlg: {{url: "http://nlg"}}}}
            endpointsRaw: |
              nlg: {{url: "http://other"}}
              vector_store: {{type: qdrant}}
        """)

    assert spec(result)["endpoints"] == {"nlg": {"url": "http://nlg"}, "vector_store": {"type": "qdrant"}}
    assert [channel["name"] for channel in spec(result)["channels"]] == ["slack", "rest"]
    assert result.resources[0]["spec"]["modelPath"] == "/models/{tag}"
    assert spec(result)["model"] == {"pullPeriodSeconds": 20}
    assert result.secrets.contents["my-model-server"] == {"token": "abc"}


def test_files_before_2_0_had_a_form_of_their_own() -> None:
    result = imported(
        """
        rasa:
          settings:
            credentials: {enabled: true, additionalChannelCredentials: {rest: {}}}
            endpoints:
              models: {enabled: true, url: "http://models/models/production"}
              trackerStore: {enabled: true, type: sql, url: pg, db: rasa}
              lockStore: {enabled: true, url: redis, port: 6379}
              modelGroups: [{id: a, models: [{provider: openai, model: b}]}]
              additionalEndpoints: {nlg: {url: "http://nlg"}}
        """,
        (1, 3, 2),
    )

    assert spec(result)["endpoints"]["tracker_store"] == {"type": "sql", "url": "pg", "db": "rasa"}
    assert spec(result)["endpoints"]["lock_store"] == {"type": "concurrent_redis", "host": "redis", "port": 6379}
    assert spec(result)["endpoints"]["model_groups"] == [{"id": "a", "models": [{"provider": "openai", "model": "b"}]}]
    assert spec(result)["endpoints"]["nlg"] == {"url": "http://nlg"}
    assert spec(result)["channels"] == [{"name": "rest"}]


def test_switches_are_taken_out_of_security_contexts() -> None:
    result = imported("""
        rasa:
          podSecurityContext: {enabled: true, fsGroup: 1001}
          containerSecurityContext: {enabled: false, runAsUser: 1001}
        """)

    assert spec(result)["podTemplate"]["spec"] == {"securityContext": {"fsGroup": 1001}}
    assert finding(result, "rasa.podSecurityContext.enabled").outcome is Outcome.NOT_NEEDED


def test_where_the_chart_runs_no_rasa_server_there_is_nothing_to_import() -> None:
    result = imported("rasa: {enabled: false}\nactionServer: {enabled: true}")

    assert result.resources == ()


def test_no_model_server_is_made_up() -> None:
    result = imported("rasa: {additionalArgs: [--remote-storage, aws]}")

    assert [each["kind"] for each in result.resources] == ["DeploymentEnvironment"]
    assert any("create ModelServer default with profile RasaPro" in remark for remark in result.remarks)


def test_the_operator_runs_the_image_of_the_chart() -> None:
    result = imported(f"rasa: {{image: {{tag: 3.13.25-latest}}, settings: {{endpoints: {{{MODELS}}}}}}}")

    pod = operated(result)["development-rasa"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].endswith("/rasa-pro/rasa-pro:3.13.25-latest")
