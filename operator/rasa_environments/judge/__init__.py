"""Pure functions from observed facts to a status."""
