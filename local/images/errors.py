"""What goes wrong with images."""


class ImageUnavailable(RuntimeError):
    """An image can neither be built nor fetched here; the message says why, and what to do."""
