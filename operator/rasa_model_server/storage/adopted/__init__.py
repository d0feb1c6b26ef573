"""The model files that others write: found, read once, and served as they are. They are never written or deleted."""
