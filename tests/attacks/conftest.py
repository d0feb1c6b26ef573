"""The long attacks, each with an operator and a cluster of its own: `make test-attacks` runs them."""

from tests.integration.conftest import *  # noqa: F403 - the same fixtures, for attacks that take minutes
