"""Pure functions from an environment to its desired objects, one file per kind."""
