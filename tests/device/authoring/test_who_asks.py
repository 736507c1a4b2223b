from __future__ import annotations

from sereno import Device, command
from sereno.access.actor import ROLES, Actor
from sereno.client import ASKED_BY, ASKER, Asker, done
from sereno.testing import DeviceTest, JumpingClock, jumping


class Lodge(Device):
    """Says who is at the door."""

    @command
    async def who(self) -> str:
        return words(ASKER.get()) + ASKED_BY.get()

    @command
    def who_blocking(self) -> str:
        return words(ASKER.get()) + ASKED_BY.get()


def words(asker: Asker) -> str:
    return f"{asker.person} {asker.kind} {','.join(asker.roles)} "


@jumping
async def test_a_command_knows_who_asks_also_one_that_blocks(clock: JumpingClock) -> None:
    vera = Actor("vera:key", (ROLES["operator"], ROLES["admin"]), "token", bound=(ROLES["operator"],))
    async with DeviceTest(Lodge, clock=clock) as lodge:
        client = lodge.client.as_actor(vera)
        for name in ("who", "who_blocking"):
            assert done(await client.call(lodge.path, name)).value == "vera token operator vera:key"
    assert ASKER.get() == Asker()
