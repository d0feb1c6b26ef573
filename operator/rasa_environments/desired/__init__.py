"""Pure: what should be there, as plain objects; one file per kind."""
