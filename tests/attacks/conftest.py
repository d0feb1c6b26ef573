"""Long attacks, each on its own operator and cluster: `make test-attacks` runs them."""

from tests.integration.conftest import *  # noqa: F403 - the same fixtures, for attacks that take minutes
