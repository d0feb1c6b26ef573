"""Errors of images."""


class ImageUnavailableError(RuntimeError):
    """An image can neither be built nor fetched here; the message has cause and remedy."""
