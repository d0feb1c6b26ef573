"""Text from elsewhere, made safe for a terminal."""


def visible(text: str) -> str:
    """Return text from elsewhere on one line; characters that would steer a terminal are escaped as in Python."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else " " if char.isspace() else char.encode("unicode_escape").decode()
        for char in text
    )
