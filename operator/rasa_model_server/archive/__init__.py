"""What is in an uploaded model file: a gzip'd tar, checked while it streams by, never held in memory or unpacked."""

from rasa_model_server.archive.inspection import ArchiveFacts, ArchiveInspector, ArchiveLimits
from rasa_model_server.archive.problems import BadArchiveError

__all__ = ["ArchiveFacts", "ArchiveInspector", "ArchiveLimits", "BadArchiveError"]
