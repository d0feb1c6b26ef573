"""Errors of images."""


class ImageUnavailable(RuntimeError):
    """An image can neither be built nor fetched here; the message has cause and remedy."""
