"""Limits on the size and depth of a spec."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.kinds import InvalidObjectError, parse
from rasa_environments.api.limits import MAXIMUM_SPEC_BYTES, MAXIMUM_SPEC_DEPTH, exceeded_limit


def nested(levels: int, *, as_map: bool) -> object:
    """Return a value nested in this many maps or lists."""
    value: object = 1
    for _ in range(levels):
        value = {"a": value} if as_map else [value]
    return value


@given(st.integers(0, 3 * MAXIMUM_SPEC_DEPTH), st.booleans())
def test_a_spec_may_have_a_hundred_levels(levels: int, as_map: bool) -> None:
    problem = exceeded_limit(nested(levels, as_map=as_map))

    assert (problem is not None) == (levels > MAXIMUM_SPEC_DEPTH)


def test_a_nesting_that_python_cannot_recurse_over_is_measured_all_the_same() -> None:
    problem = exceeded_limit({"endpoints": nested(100_000, as_map=True)})

    assert problem == "spec: is nested more than 100 levels deep; flatten it"


@pytest.mark.parametrize(("surplus", "allowed"), [(0, True), (1, False)])
def test_a_spec_may_have_64_kib(surplus: int, allowed: bool) -> None:
    frame = len('{"x":""}')

    problem = exceeded_limit({"x": "x" * (MAXIMUM_SPEC_BYTES - frame + surplus)})

    assert (problem is None) == allowed


def test_an_object_over_the_limit_is_refused_with_its_size_and_what_to_do() -> None:
    obj = {"metadata": {"name": "a", "namespace": "b"}, "spec": {"endpoints": {"x": "x" * 100_000}}}

    with pytest.raises(InvalidObjectError) as refused:
        parse("DeploymentEnvironment", obj)

    assert str(refused.value).startswith("spec: has 98 KiB as JSON, but may have at most 64; put large content into")


@pytest.mark.parametrize("value", [2**70, "\ud800"], ids=["number", "text"])
def test_what_cannot_be_written_as_json_is_refused(value: object) -> None:
    assert exceeded_limit({"endpoints": {"x": value}}) is not None
