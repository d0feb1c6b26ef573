"""`render`: the children of a manifest, or every mistake in it, one per line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from rasa_environments.api.base import JsonObject

from .conftest import Ran, command

API = "apiVersion: rasa-environments.io/v1alpha1\n"
SERVER = f"""{API}kind: ModelServer
metadata: {{name: default}}
spec: {{url: "http://models:5002", credentialsSecretRef: {{name: credentials}}}}
"""
RASA = "spec: {rasa: {version: 3.6.21}}"
ENVIRONMENT = f"""{API}kind: DeploymentEnvironment
metadata: {{name: production}}
{RASA}
"""
DATABASE = f"""{API}kind: DeploymentEnvironment
metadata: {{name: production}}
spec:
  rasa: {{version: 3.6.21}}
  trackerStore: {{sql: {{host: db, username: rasa, password: {{secretKeyRef: {{name: database, key: password}}}}}}}}
"""


def render(*documents: str, options: str = "") -> Ran:
    """Renders documents from standard input."""
    return command(f"render -f - {options}", stdin="---\n".join(documents))


def by_kind(ran: Ran) -> dict[str, JsonObject]:
    """The rendered objects."""
    assert ran.exit_code == 0, ran.errors
    return {child["kind"]: child for child in yaml.safe_load_all(ran.output)}


def errors(ran: Ran) -> list[str]:
    """The lines on stderr, of a run that failed and wrote nothing else."""
    assert (ran.exit_code, ran.output) == (1, "")
    return ran.errors.splitlines()


def test_an_environment_and_its_server_become_all_children() -> None:
    children = by_kind(render(SERVER, ENVIRONMENT))

    assert list(children) == ["ServiceAccount", "Secret", "ConfigMap", "Service", "Deployment"]
    assert {child["metadata"]["name"] for child in children.values()} == {"production-rasa"}
    assert {child["metadata"]["namespace"] for child in children.values()} == {"default"}
    assert (
        "http://models:5002/api/projects/default/models/tags/production"
        in children["ConfigMap"]["data"]["endpoints.yml"]
    )


def test_secret_values_are_placeholders() -> None:
    secret = by_kind(render(SERVER, DATABASE))["Secret"]

    assert secret["stringData"] == {
        "token": "<generated>",
        "model-server-token": "<key token of Secret default/credentials>",
        "db-password": "<key password of Secret default/database>",
        "salt": "<generated>",
    }
    assert "data" not in secret


RASA_X = SERVER.replace("spec: {", "spec: {profile: RasaX-0.2, ")
RASA_1 = ENVIRONMENT.replace("3.6.21", "1.10.26")
CREDENTIALS = """apiVersion: v1
kind: Secret
metadata: {name: credentials}
stringData: {token: one, jwtSecret: two}
"""


def test_the_jwt_secret_is_the_environment_s_own() -> None:
    children = by_kind(render(RASA_X, RASA_1, CREDENTIALS))

    assert children["Secret"]["stringData"]["jwt-secret"] == "<generated>"
    assert "$(JWT_SECRET)" in children["Deployment"]["spec"]["template"]["spec"]["containers"][0]["args"]


def test_nothing_is_made_for_a_server_that_runs_elsewhere() -> None:
    external = (
        'spec: {external: {url: "https://rasa.example.com", authToken: {secretKeyRef: {name: partner, key: token}}}}'
    )
    elsewhere = ENVIRONMENT.replace("name: production", "name: partner").replace(RASA, external)

    ran = render(SERVER, ENVIRONMENT, elsewhere)

    assert {child["metadata"]["name"] for child in by_kind(ran).values()} == {"production-rasa"}
    assert ran.errors == "note: DeploymentEnvironment default/partner runs elsewhere: it has no objects to render\n"


def test_no_child_names_an_owner_that_only_a_cluster_knows() -> None:
    assert "ownerReferences" not in render(SERVER, ENVIRONMENT).output


def test_documents_without_a_namespace_get_the_one_that_is_named() -> None:
    children = by_kind(render(SERVER, ENVIRONMENT, options="-n bots"))

    assert {child["metadata"]["namespace"] for child in children.values()} == {"bots"}


def test_a_list_is_as_good_as_documents() -> None:
    items = [yaml.safe_load(document) for document in (SERVER, ENVIRONMENT)]

    assert "Deployment" in by_kind(render(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})))


def test_a_file_is_read_and_named_in_errors(tmp_path: Path) -> None:
    file = tmp_path / "environments.yaml"
    file.write_text(f"{ENVIRONMENT}---\n{API}kind: DeploymentEnvironment\nmetadata: {{name: x}}\n")

    ran = command(f"render -f {file}")

    assert f"error: {file}: document 2 (DeploymentEnvironment x): spec: is missing" in errors(ran)


def test_every_mistake_is_reported_at_once_with_what_was_meant() -> None:
    ran = render(
        SERVER,
        f"""{API}kind: DeploymentEnvironment
metadata: {{name: production, lables: {{}}}}
spec:
  rasa: {{verson: 3.6.21}}
  replica: 2
  actionEndpoint: {{url: nowhere}}
  trackerStore: {{sql: {{host: db, databse: x, database: "rasa production"}}}}
""",
    )

    where = "error: standard input: document 2 (DeploymentEnvironment production)"
    told = errors(ran)
    assert f"{where}: metadata.lables: is not a field; did you mean labels?" in told
    assert f"{where}: spec.rasa.verson: is not a field; did you mean version?" in told
    assert f"{where}: spec.replica: is not a field; did you mean replicas?" in told
    assert f"{where}: spec.trackerStore.sql.databse: is not a field; did you mean database?" in told
    assert any(line.startswith(f"{where}: spec.actionEndpoint.url: must be an http(s) URL") for line in told)
    assert any(line.startswith(f"{where}: spec.trackerStore.sql.database: ") for line in told)
    assert len(told) == 6


def test_an_unknown_field_that_is_like_nothing_gets_the_list_of_what_there_is() -> None:
    ran = render(SERVER.replace("spec: {", "spec: {zzz: 1, "), ENVIRONMENT)

    (told,) = errors(ran)
    assert "spec.zzz: is not a field; there are accessFrom, authToken, credentialsSecretRef" in told


def test_free_form_fields_may_hold_anything() -> None:
    free = ENVIRONMENT.replace(
        "spec: {",
        "spec: {channels: [{name: slack, config: {anything: 1}}], podTemplate: {spec: {hostNetwork: false}}, ",
    )

    assert "hostNetwork: false" in render(SERVER, free).output


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (ENVIRONMENT.replace("DeploymentEnvironment", "DeploymentEnviroment"), "did you mean DeploymentEnvironment?"),
        (ENVIRONMENT.replace("v1alpha1", "v1"), "apiVersion: must be rasa-environments.io/v1alpha1, not"),
        (ENVIRONMENT.replace("name: production", ""), "metadata.name: is missing"),
        ("just text", "document 2: is not an object with apiVersion, kind and metadata"),
        ("{", "standard input is not YAML: "),
        ("a: b: c", "standard input is not YAML: mapping values are not allowed here"),
    ],
)
def test_what_is_no_resource_is_refused(document: str, told: str) -> None:
    assert told in errors(render(SERVER, document))[0]


def test_a_missing_model_server_is_asked_for() -> None:
    (told,) = errors(render(ENVIRONMENT))

    assert told == (
        "error: DeploymentEnvironment default/production: refers to ModelServer default/default, which is not in the "
        "file: add it, since the pods need its url"
    )


def test_a_server_that_does_not_allow_the_namespace_is_reported() -> None:
    elsewhere = ENVIRONMENT.replace("spec: {", "spec: {modelServerRef: {namespace: platform}, ")

    (told,) = errors(render(SERVER.replace("name: default", "name: default, namespace: platform"), elsewhere))

    assert "does not allow namespace default" in told


PLATFORM = SERVER.replace("name: default", "name: default, namespace: platform")
SELECTIVE = PLATFORM.replace("spec: {", "spec: {accessFrom: {namespaceSelectors: [{matchLabels: {team: bots}}]}, ")
OF_THE_PLATFORM = ENVIRONMENT.replace("spec: {", "spec: {modelServerRef: {namespace: platform}, ")
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {team: bots}}\n"


def test_a_namespace_that_the_server_admits_by_its_labels_is_read_from_the_file() -> None:
    ran = render(SELECTIVE, OF_THE_PLATFORM, NAMESPACE)

    assert "Deployment" in by_kind(ran)
    assert ran.errors == ""


@pytest.mark.parametrize("others", [[], [NAMESPACE.replace("team: bots", "team: others")]])
def test_a_namespace_with_other_labels_or_unknown_ones_is_not_admitted(others: list[str]) -> None:
    (told,) = errors(render(SELECTIVE, OF_THE_PLATFORM, *others))

    assert "does not allow namespace default" in told


CONNECTED = f"""{API}kind: DeploymentEnvironment
metadata: {{name: production}}
spec:
  rasa: {{version: 3.6.21}}
  trackerStore: {{sql: {{host: db, tls: {{mode: Required, certSecretRef: {{name: certificates}}}}}}}}
"""


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ([], {"ca.crt"}),
        (["{ca.crt: a, tls.crt: b, tls.key: c, other: d}"], {"ca.crt", "tls.crt", "tls.key"}),
        (["{tls.crt: b, tls.key: c}"], {"tls.crt", "tls.key"}),
    ],
)
def test_certificates_are_placeholders_of_what_the_secret_in_the_file_holds(
    secret: list[str], expected: set[str]
) -> None:
    secrets = [
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: certificates}}\nstringData: {data}\n" for data in secret
    ]

    shown = by_kind(render(SERVER, CONNECTED, *secrets))["Secret"]["stringData"]

    found = {key: value for key, value in shown.items() if key.startswith("tracker-store-")}
    assert found == {f"tracker-store-{key}": f"<key {key} of Secret default/certificates>" for key in expected}


def test_certificates_that_are_not_in_the_secret_are_asked_for() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: certificates}\nstringData: {ca.pem: x}\n"

    (told,) = errors(render(SERVER, CONNECTED, secret))

    assert told.endswith(
        "spec.trackerStore.sql.tls.certSecretRef: key ca.crt is not in Secret default/certificates (it holds ca.pem); "
        "add it"
    )


def test_what_neither_the_environment_nor_the_defaults_set_is_asked_for() -> None:
    (told,) = errors(render(SERVER, ENVIRONMENT.replace("spec: {", "spec: {trackerStore: {sql: {database: a}}, ")))

    assert told.endswith("spec.trackerStore.sql.host: must be set, here or in spec.defaults of the ModelServer")


def test_a_channel_without_a_configuration_is_there() -> None:
    named = ENVIRONMENT.replace("spec: {", "spec: {channels: [{name: rest}], ")

    assert by_kind(render(SERVER, named))["ConfigMap"]["data"]["credentials.yml"] == "rest: null\n"


def test_two_environments_of_one_name_are_reported() -> None:
    twin = ENVIRONMENT.replace("name: production", "name: twin").replace("spec: {", "spec: {environment: production, ")

    (told,) = errors(render(SERVER, ENVIRONMENT, twin))

    assert "is already used by environment default/production" in told


def test_a_secret_in_the_file_must_hold_the_key() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: database}\nstringData: {pasword: x}\n"

    (told,) = errors(render(SERVER, secret, DATABASE))

    assert told.endswith(
        "spec.trackerStore.sql.password: key password is not in Secret default/database (it holds pasword); add it"
    )


def test_a_value_in_a_secret_of_the_file_is_not_shown() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: database}\nstringData: {password: very-secret}\n"

    assert "very-secret" not in render(SERVER, secret, DATABASE).output


def test_other_kinds_are_left_out_and_named() -> None:
    ran = render(SERVER, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bots}\n", ENVIRONMENT)

    assert ran.exit_code == 0
    assert (
        ran.errors
        == "note: standard input: document 2 (ConfigMap bots) is not a resource of rasa-environments.io; ignored\n"
    )


def test_a_file_without_an_environment_renders_nothing() -> None:
    assert errors(render(SERVER)) == [
        "error: standard input: holds no DeploymentEnvironment, so there is nothing to render"
    ]


def test_without_a_file_the_usage_is_shown() -> None:
    ran = command("render")

    assert ran.exit_code == 2
    assert "--file" in ran.errors


def test_objects_are_rendered_for_programs() -> None:
    as_yaml, as_json, names = (render(SERVER, ENVIRONMENT, options=f"-o {each}") for each in ("yaml", "json", "name"))

    objects = list(yaml.safe_load_all(as_yaml.output))
    assert json.loads(as_json.output) == {"apiVersion": "v1", "kind": "List", "items": objects}
    assert "deployment.apps/production-rasa" in names.output.splitlines()
