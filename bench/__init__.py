"""Measures the project against a peer in Go, on one machine: `make bench`. Nothing imports this package."""
