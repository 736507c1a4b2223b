"""LinkKeeper: the reconnection machine's actions, performed on a link."""

from __future__ import annotations

from sereno.device import Environment, Link, LinkKeeper, RetryConfig
from sereno.model import LinkState, NotConnectedError
from sereno.testing import JumpingClock, jumping

RETRY = RetryConfig(jitter=0.0)


class SlowLink(Link):
    """Writes down what is done to it and when; connecting and closing take their time."""

    def __init__(self, clock: JumpingClock, *, connect: float = 0.0, close: float = 0.0) -> None:
        super().__init__("slow", Environment(clock=clock))
        self.log: list[tuple[str, float]] = []
        self.error = ""
        self._times = {"connect": connect, "close": close}

    async def _does(self, what: str) -> None:
        clock = self.environment.clock
        self.log.append((what, clock.monotonic()))
        await clock.sleep(self._times[what])
        self.log.append((f"{what} ends", clock.monotonic()))

    async def connect(self) -> None:
        await self._does("connect")
        if self.error:
            raise NotConnectedError(self.error)

    async def close(self) -> None:
        await self._does("close")


@jumping
async def test_it_does_not_connect_before_it_has_closed(clock: JumpingClock) -> None:
    link = SlowLink(clock, close=3.0)
    keeper = LinkKeeper(link, RETRY)
    keeper.start()
    await clock.sleep(10)
    link.lost("gone")
    await clock.sleep(10)
    assert link.log == [
        ("connect", 0),
        ("connect ends", 0),
        ("close", 10),
        ("close ends", 13),
        ("connect", 13),
        ("connect ends", 13),
    ]
    await keeper.stop()
    assert link.log[-1] == ("close ends", 23)


@jumping
async def test_stopping_ends_an_attempt_and_closes(clock: JumpingClock) -> None:
    link = SlowLink(clock, connect=8.0)
    keeper = LinkKeeper(link, RETRY)
    keeper.start()
    await clock.sleep(1)
    await keeper.stop()
    await clock.sleep(20)
    assert link.log == [("connect", 0), ("close", 1), ("close ends", 1)]
    assert (keeper.state, keeper.error) == (LinkState.DOWN, "stopped")


@jumping
async def test_starting_again_forgets_the_old_wait(clock: JumpingClock) -> None:
    link = SlowLink(clock)
    link.error = "no"
    keeper = LinkKeeper(link, RETRY)
    keeper.start()
    await clock.sleep(0.25)
    await keeper.stop()
    keeper.start()
    await clock.sleep(0.4)
    assert [t for what, t in link.log if what == "connect"] == [0, 0.25]
    await clock.sleep(0.2)
    assert [t for what, t in link.log if what == "connect"] == [0, 0.25, 0.75]
    await keeper.stop()


@jumping
async def test_what_a_listener_does_follows_in_order(clock: JumpingClock) -> None:
    link = SlowLink(clock)
    keeper = LinkKeeper(link, RETRY)
    seen: list[tuple[LinkState, str]] = []

    def hang_up(state: LinkState, error: str) -> None:
        if state is LinkState.UP and len(seen) < 5:
            link.lost("not wanted")

    keeper.add(hang_up, "a/d")
    keeper.add(lambda state, error: seen.append((state, error)), "a/e")
    keeper.start()
    await clock.sleep(0.25)
    assert seen == [(LinkState.CONNECTING, ""), (LinkState.UP, ""), (LinkState.DOWN, "not wanted")]
    await clock.sleep(10)
    assert keeper.state is link.state is LinkState.UP
    await keeper.stop()
