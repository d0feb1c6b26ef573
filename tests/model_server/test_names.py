"""Names of models and tags."""

from __future__ import annotations

import posixpath
import string
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from rasa_model_server.names import MAXIMUM_NAME_LENGTH, model_name_of_file, name_problem

ALLOWED = string.ascii_letters + string.digits + "._-"


@given(st.text(ALLOWED, min_size=1, max_size=MAXIMUM_NAME_LENGTH).filter(lambda name: name[0] not in ".-"))
def test_letters_digits_dots_underscores_and_hyphens_make_a_name(name: str) -> None:
    assert name_problem("model", name) is None


@given(st.text())
@example("..")
@example("a/b")
@example("a\n")
def test_whatever_is_a_name_is_one_segment_of_a_url_and_of_a_key(name: str) -> None:
    if name_problem("tag", name) is None:
        assert quote(name, safe="") == name
        assert posixpath.normpath(f"tags/{name}") == f"tags/{name}"
        assert len(name) <= MAXIMUM_NAME_LENGTH


@given(st.text(min_size=MAXIMUM_NAME_LENGTH + 1))
def test_a_long_name_is_refused_with_a_short_message(name: str) -> None:
    problem = name_problem("model", name)

    assert problem is not None
    assert len(problem) < 10 * MAXIMUM_NAME_LENGTH + 300


@given(st.text(min_size=1))
def test_the_name_of_a_model_is_that_of_its_file_without_tar_gz(name: str) -> None:
    assert model_name_of_file(f"{name}.tar.gz") == name


def test_a_file_of_another_kind_has_no_model_name() -> None:
    assert [model_name_of_file(name) for name in ("a.zip", "a.gz", ".tar.gz", "")] == [None] * 4
