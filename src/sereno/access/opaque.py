"""Random secrets for sessions, sign-in links and tokens. Only digests are ever stored."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "srn_"  # noqa: S105 - a prefix that secret scanners can look for
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # without 0, 1, i, l, o: it is read from a terminal and typed


def new_secret() -> str:
    """256 random bits as URL-safe text."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a secret: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_password() -> str:
    """A random password of 79 bits that a person can type."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
