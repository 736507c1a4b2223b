"""Passwords: what is asked of nobody costs what is asked of somebody."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher

from sereno.access.passwords import Passwords


class Counted(PasswordHasher):
    """The real thing with the smallest parameters, and what it was asked for."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.asked: list[str] = []

    def hash(self, *args: Any, **more: Any) -> str:
        self.asked.append("hash")
        return super().hash(*args, **more)

    def verify(self, *args: Any, **more: Any) -> bool:
        self.asked.append("verify")
        return bool(super().verify(*args, **more))


@pytest.mark.parametrize("known", [True, False])
async def test_the_first_question_costs_the_same_for_somebody_and_for_nobody(known: bool) -> None:
    hasher = Counted()
    passwords = Passwords(hasher)
    assert hasher.asked == []  # a start hashes nothing
    stored = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("a long password") if known else None
    assert await passwords.verify(stored, "a long password") is known
    assert hasher.asked == ["hash", "verify"]
    assert await passwords.verify(stored, "another password") is False
    assert hasher.asked == ["hash", "verify", "verify"]
