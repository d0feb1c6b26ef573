"""The link of a cluster is identified by its address."""

from hypothesis import given
from hypothesis import strategies as st

from local.node.network import LINKS, link_of


@given(st.integers(0, LINKS.num_addresses // 4 - 1))
def test_each_link_has_a_name_of_its_own_that_the_kernel_takes(number: int) -> None:
    name = link_of(str(LINKS[4 * number + 2]))

    assert name == f"rasa-node-{number}"
    assert len(name) < 16
