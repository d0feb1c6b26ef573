"""Variables of docker-compose: what docker compose makes of a text, of `.env` and of `env_file`.

The cases of syntax are those of "Interpolation" and "Syntax for environment files" on docs.docker.com.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_chart_import.compose.env_file import EnvFileError, variables_of
from rasa_chart_import.compose.interpolation import TemplateError, interpolated
from rasa_chart_import.findings import Outcome
from rasa_chart_import.loading import ValuesError
from rasa_chart_import.report import report
from rasa_chart_import.sources import Imported

from .cases import environments, finding, from_compose, secret_key

SET = {"HOST": "db", "EMPTY": "", "A": "HOST"}
VARIABLES = "services.a.environment."


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$HOST", "db"),
        ("${HOST}:5432", "db:5432"),
        ("${HOST}${HOST}", "dbdb"),
        ("${GONE:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${GONE-x}", "x"),
        ("${HOST:-x}", "db"),
        ("${GONE:-${HOST}-1}", "db-1"),
        ("${GONE:-${AWAY:-x}}y", "xy"),
        ("${GONE:-}", ""),
        ("${GONE:-a:-b}", "a:-b"),
        ("${HOST:+set}", "set"),
        ("${EMPTY:+set}", ""),
        ("${EMPTY+set}", "set"),
        ("${GONE+set}", ""),
        ("${HOST:?say it}", "db"),
        ("${EMPTY?say it}", ""),
        ("$$HOST", "$HOST"),
        ("pa$$$$word", "pa$$word"),
        ("5$", "5$"),
        ("$5", "$5"),
        ("nothing", "nothing"),
    ],
)
def test_a_variable_is_replaced_as_docker_compose_does(text: str, result: str) -> None:
    found = interpolated(text, SET.get)

    assert (found.text, found.unset) == (result, [])


@pytest.mark.parametrize("text", ["$GONE", "${GONE}", "a ${GONE} b", "${GONE:?say it}", "${GONE?say it}"])
def test_a_variable_that_is_set_nowhere_stays_and_is_named(text: str) -> None:
    found = interpolated(text, SET.get)

    assert found.unset == ["GONE"]
    assert "GONE" in found.text


@pytest.mark.parametrize("text", ["${", "${HOST", "${}", "${1}", "${HOST!}", "${GONE:-${HOST}"])
def test_what_docker_compose_refuses_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        interpolated(text, SET.get)


@given(st.text())
def test_a_text_without_a_dollar_stays(text: str) -> None:
    plain = text.replace("$", "")

    assert interpolated(plain, SET.get).text == plain


@given(st.text())
def test_doubled_dollars_protect_any_text(text: str) -> None:
    assert interpolated(text.replace("$", "$$"), SET.get).text == text


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("V=VAL", "VAL"),
        ('V="VAL"', "VAL"),
        ("V='VAL'", "VAL"),
        ("V: VAL", "VAL"),
        ("V = VAL  ", "VAL"),
        ("export V=VAL", "VAL"),
        ("V=VAL # comment", "VAL"),
        ("V=VAL# not a comment", "VAL# not a comment"),
        ('V="VAL # not a comment"', "VAL # not a comment"),
        ('V="VAL" # comment', "VAL"),
        ("V='$HOST'", "$HOST"),
        ("V=$HOST", "db"),
        ('V="${HOST}:${GONE:-1}"', "db:1"),
        ("V=${GONE}", ""),
        ("V=a$$b", "a$b"),
        (r"V='Let\'s go!'", "Let's go!"),
        (r'V="{\"hello\": \"json\"}"', '{"hello": "json"}'),
        (r'V="some\tvalue\n"', "some\tvalue\n"),
        (r"V='some\tvalue'", r"some\tvalue"),
        (r'V="a\\b \$HOST \0101"', r"a\b $HOST A"),
        ("V='SOME\nVALUE'", "SOME\nVALUE"),
        ("V=", ""),
        ("V=a=b", "a=b"),
        ("V=VAL\r", "VAL"),
        ("\ufeffV=VAL", "VAL"),
        ("# V=no\n\n  # V=no\nV=VAL", "VAL"),
        ("V=1\nV=2", "2"),
        ("W=x\nV=${W}y", "xy"),
        ("HOST=mine\nV=$HOST", "db"),
    ],
)
def test_a_line_of_an_env_file_means_what_it_means_to_docker_compose(line: str, value: str) -> None:
    assert variables_of(".env", line, SET.get)["V"].value == value


def test_a_name_alone_takes_what_is_set_outside() -> None:
    assert {name: each.value for name, each in variables_of(".env", "HOST\nGONE\n", SET.get).items()} == {"HOST": "db"}


@pytest.mark.parametrize("line", ["V='hunter2", 'V="hunter2', "{hunter2}", "V=${hunter2", "my key=hunter2"])
def test_a_bad_line_is_refused_with_its_number_and_not_repeated(line: str) -> None:
    with pytest.raises(EnvFileError) as raised:
        variables_of(".env", f"A=1\n\n{line}\n", SET.get)

    assert str(raised.value).startswith(".env:3: ")
    assert "hunter2" not in str(raised.value)


def compose(variables: str, rest: str = "") -> str:
    """A file with one Rasa server, with these variables."""
    return f"services: {{a: {{image: 'rasa/rasa:2.8.15-full', environment: {{{variables}}}{rest}}}}}"


def plain(result: Imported) -> dict[str, str]:
    """The variables of the pod."""
    env = environments(result)["a"]["podTemplate"]["spec"]["containers"][0]["env"]
    return {each["name"]: each["value"] for each in env}


def test_the_environment_comes_before_env() -> None:
    text = compose("ONE: '${ONE}', TWO: '${TWO}', THREE: '${THREE:-default}'")

    result = from_compose(text, environment={"ONE": "outside"}, files={".env": "ONE=inside\nTWO=2\n"})

    assert plain(result) == {"ONE": "outside", "TWO": "2", "THREE": "default"}
    assert {each.outcome for each in result.findings} == {Outcome.MAPPED}


def test_env_files_that_are_named_replace_env_and_the_last_counts() -> None:
    files = {".env": "ONE=1\n", "a.env": "ONE=a\nTWO=a\n", "b.env": "TWO=b$ONE\n"}

    result = from_compose(compose("ONE: $ONE, TWO: $TWO"), files=files, options="a.env b.env")

    assert plain(result) == {"ONE": "a", "TWO": "ba"}


def test_an_env_file_that_is_named_and_not_there_ends_the_import() -> None:
    with pytest.raises(ValuesError, match=r"--env-file gone\.env not found"):
        from_compose(compose("ONE: 1"), options="gone.env")


def test_a_variable_without_a_value_takes_it_from_the_project() -> None:
    text = "services: {a: {image: 'rasa/rasa:2.8.15-full', environment: [ONE, TWO]}}"

    result = from_compose(text, files={".env": "ONE=1\n"})

    assert plain(result) == {"ONE": "1"}
    assert any("TWO of service a has no value here" in remark for remark in result.remarks)


def test_env_file_of_a_service_is_below_its_environment_and_told_by_its_own_lines() -> None:
    files = {"one.env": "A=1\nB=1\nC=1\n", "two.env": "B=2\nD='$X'\n", "raw.env": "# x\nE='$X'\n"}
    rest = ", env_file: [one.env, {path: two.env}, {path: absent.env, required: false}, {path: raw.env, format: raw}]"

    result = from_compose(compose("C: 3", rest), files=files)

    assert plain(result) == {"A": "1", "B": "2", "C": "3", "D": "$X", "E": "'$X'"}
    assert finding(result, f"{VARIABLES}B").outcome is Outcome.MAPPED
    assert [each.path for each in result.findings if "env_file" in each.path] == []


def test_an_env_file_of_a_service_that_is_not_there_is_told() -> None:
    told = finding(from_compose(compose("A: 1", ", env_file: gone.env")), "services.a.env_file")

    assert told.outcome is Outcome.BY_HAND
    assert "not found in .: gone.env" in told.text


def test_files_of_services_that_stay_are_not_read() -> None:
    text = "services: {a: {image: 'rasa/rasa:2.8.15-full'}, db: {image: postgres, env_file: db.env}}"

    assert finding(from_compose(text, files={"db.env": "'"}), "services.db.env_file").outcome is Outcome.NOT_NEEDED


def test_what_is_set_nowhere_is_told_with_where_it_was_looked_for() -> None:
    variables = "DB_HOST: db, DB_USER: '${DB_USER}', DB_PASSWORD: '${DB_PASSWORD:?}'"

    result = from_compose(compose(variables), files={".env": "A=1"})

    user, password = (finding(result, f"{VARIABLES}{name}") for name in ("DB_USER", "DB_PASSWORD"))
    assert user.outcome is Outcome.BY_HAND
    assert "DB_USER is set neither in the environment nor in .env" in user.text
    assert password.outcome is Outcome.PARTLY
    assert result.secrets.wanted == {"my-imported": ["DB_PASSWORD"]}


def test_secrets_of_env_files_go_into_secrets_and_nowhere_else() -> None:
    files = {".env": "PASSWORD=hunter1\nTOKEN=hunter2\n", "a.env": "SMTP_PASSWORD=hunter3\nJWT_SECRET=hunter4\n"}
    rest = ", env_file: a.env, command: 'run --enable-api --auth-token ${TOKEN}'"

    result = from_compose(compose("DB_HOST: db, DB_PASSWORD: '${PASSWORD}'", rest), files=files)

    made = environments(result)["a"]
    assert made["trackerStore"]["sql"]["password"] == secret_key("my-imported", "DB_PASSWORD")
    assert made["authToken"] == secret_key("my-imported", "RASA_TOKEN")
    assert {*result.secrets.contents["my-imported"].values()} == {"hunter1", "hunter2", "hunter3", "hunter4"}
    assert "hunter" not in f"{result.resources}{report(result, {}, with_secrets=True)}{result!r}"


def test_a_template_that_docker_compose_refuses_is_refused_with_its_line() -> None:
    with pytest.raises(ValuesError, match=r"docker-compose\.yml:1: services\.a\.environment\.ONE: .* write \$\$"):
        from_compose(compose("ONE: '${1hunter2}'"))
