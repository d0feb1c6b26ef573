"""The object store: models, tags and environments as objects, and nothing else that replicas share."""

from rasa_model_server.storage.catalogue import Catalogue, TaggedModel
from rasa_model_server.storage.opening import Storage, StorageError, open_storage
from rasa_model_server.storage.records import EnvironmentRecord, ModelRecord, TagRecord

__all__ = [
    "Catalogue",
    "EnvironmentRecord",
    "ModelRecord",
    "Storage",
    "StorageError",
    "TagRecord",
    "TaggedModel",
    "open_storage",
]
