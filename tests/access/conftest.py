from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from sereno.access.accounts import Accounts
from sereno.access.passwords import Passwords
from sereno.access.session_limits import SessionLimits
from sereno.store.engine import Store
from sereno.testing import JumpingClock

PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = Store.open("sqlite://")
    yield opened
    await opened.close()


@pytest.fixture
async def accounts(store: Store, clock: JumpingClock) -> Accounts:
    """Ann is an operator; hours and minutes are short."""
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    limits = SessionLimits(idle=600.0, absolute=3600.0, ticket=60.0)
    made = Accounts(store, clock, passwords=quick, limits=limits)
    await made.add_user("ann", PASSWORD, ["operator"], by="test")
    return made
