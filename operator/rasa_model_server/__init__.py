"""A model server for Rasa: models and tags over HTTP, kept in an object store."""

__version__ = "0.1.0"
