"""A cluster with one real node and real pods that needs no Docker; for Linux, as root."""
