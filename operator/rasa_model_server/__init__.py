"""A model server for Rasa: models and tags over HTTP, kept in an object store."""

from importlib.metadata import version

__version__ = version("rasa-environments")
