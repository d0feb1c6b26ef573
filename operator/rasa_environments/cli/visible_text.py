"""Text from elsewhere, made safe for a terminal and for XML."""


def visible(text: str) -> str:
    """Return text from elsewhere on one line; characters that would steer a terminal are escaped as in Python.

    XML may hold the result, since what it must not hold is not printable either (Extensible Markup Language 1.0, 2.2).
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else " " if char.isspace() else char.encode("unicode_escape").decode()
        for char in text
    )
