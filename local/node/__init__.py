"""A cluster of one real node, with real pods, that needs no Docker: for Linux, as root."""
