"""Environments made known to their model server: through its API, or in environments.yml."""
