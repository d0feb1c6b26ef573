"""The object store: models, tags and environments as objects, and nothing else that replicas share."""

from rasa_model_server.storage.adopted.adoption import Adoption, NotReadYetError
from rasa_model_server.storage.adopted.reading import ReadingLimits
from rasa_model_server.storage.catalogue import AdoptedModelError, Catalogue, TaggedModel
from rasa_model_server.storage.opening import Storage, StorageError, open_storage
from rasa_model_server.storage.records import EnvironmentRecord, ModelRecord, TagRecord

__all__ = [
    "AdoptedModelError",
    "Adoption",
    "Catalogue",
    "EnvironmentRecord",
    "ModelRecord",
    "NotReadYetError",
    "ReadingLimits",
    "Storage",
    "StorageError",
    "TagRecord",
    "TaggedModel",
    "open_storage",
]
