"""argon2 in threads: hashing holds neither the event loop nor the interpreter lock."""

from __future__ import annotations

import asyncio
import secrets
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 256


def check_password(password: str) -> str:
    """Return `password` if people may use it. Raises ValueError."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"password of {len(password)} characters, expected {SHORTEST} to {LONGEST}")
    return password


class Passwords:
    """argon2id with 19 MiB, 2 passes (OWASP's first choice); at most two at once, to bound memory."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
        self._turns = asyncio.Semaphore(2)

    async def hash(self, password: str) -> str:
        """A salted hash that carries its own parameters."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """True if `password` is the one behind `stored`. None (nobody of that name) takes as long as a wrong one."""
        async with self._turns:
            return await asyncio.to_thread(self._check, stored, password) and stored is not None

    def outdated(self, stored: str) -> bool:
        """True if `stored` was made with other parameters."""
        return self._hasher.check_needs_rehash(stored)

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(16))

    def _check(self, stored: str | None, password: str) -> bool:
        decoy = self._decoy  # made for the first who asks, whoever that is: its time tells nothing
        try:
            return self._hasher.verify(stored or decoy, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
