"""The secrets of the server, from the environment or from files that may change while it runs."""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)


class Secret:
    """A secret that was given as a value, as a file, or not at all.

    A file is read again when it changes, as the files of a mounted Kubernetes Secret do when the Secret is rotated.
    """

    def __init__(self, value: str | None = None, file: Path | None = None) -> None:
        self._value = value or None
        self._file = file
        self._read_at: tuple[int, int, int] | None = None

    def __repr__(self) -> str:
        """Return where the secret comes from, never the secret."""
        return f"Secret({'file ' + str(self._file) if self._file else 'given' if self._value else 'none'})"

    @property
    def configured(self) -> bool:
        """Whether a value or a file was given."""
        return self._file is not None or self._value is not None

    def reveal(self) -> str | None:
        """Return the current secret, without surrounding space, or None while its file is empty or unreadable."""
        if self._file is not None:
            self._read_if_changed(self._file)
        return self._value

    def equals(self, candidate: str | None) -> bool:
        """Return whether the candidate is the secret, in a time that does not depend on how much of it is right."""
        secret = self.reveal()
        if secret is None or candidate is None:
            return False
        return same_secret(secret, candidate)

    def _read_if_changed(self, file: Path) -> None:
        try:
            status = file.stat()
            current = (status.st_ino, status.st_mtime_ns, status.st_size)
            if current != self._read_at:
                self._value = file.read_text(encoding="utf-8").strip() or None
                self._read_at = current
        except (OSError, UnicodeDecodeError) as error:
            if self._value is not None or self._read_at is None:
                logger.warning("%s cannot be read, so nothing is accepted for it: %s", file, type(error).__name__)
            self._value = None
            self._read_at = (0, 0, 0)


@dataclass(frozen=True)
class Credentials:
    """Who may do what: `token` pulls models, `api_token` also writes, a login does everything."""

    token: Secret = field(default_factory=Secret)
    api_token: Secret = field(default_factory=Secret)
    username: Secret = field(default_factory=Secret)
    password: Secret = field(default_factory=Secret)
    jwt_secret: Secret = field(default_factory=Secret)

    @property
    def login_configured(self) -> bool:
        """Whether somebody can log in with a username and a password."""
        return self.username.configured and self.password.configured

    @property
    def any_configured(self) -> bool:
        """Whether the server accepts any credential at all."""
        return self.token.configured or self.api_token.configured or self.login_configured


def same_secret(secret: str, candidate: str) -> bool:
    """Return whether both are equal, in a time that reveals neither how much is right nor the secret's length."""
    return hmac.compare_digest(_digest(secret), _digest(candidate))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
