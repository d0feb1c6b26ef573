"""Tests of the model server, over HTTP on loopback, and of its pure parts."""
