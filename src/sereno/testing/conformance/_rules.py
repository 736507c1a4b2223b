"""The rules. Each is an async function of a Bench whose name is the rule and whose docstring says what it asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import BaseModel

from sereno.client import TraceLine
from sereno.model import (
    DeliveryError,
    ExpiredError,
    LinkState,
    NoAnswerError,
    NotConnectedError,
    OperationalState,
    RefusedError,
)

from ._bench import DEVICE, Bench

SPEED = f"{DEVICE}/speed"
Rule = Callable[[Bench], Awaitable[None]]


async def reads_in_one_batch(bench: Bench) -> None:
    """A scan of a device is one complete batch with good values of all its tags."""
    batch = bench.ingest.batches[-1]
    assert len(batch) == 2, f"a batch of {len(batch)} rows, expected 2"
    assert batch.complete, "the batch is not complete"
    level = bench.sample("level")
    assert level is not None, "level never came"
    assert (level.value, level.quality) == (1.0, 0), (
        f"level is {level.value} of quality {level.quality:#x}, expected 1, good"
    )


async def follows_the_device(bench: Bench) -> None:
    """A value that changes there is seen with the next scan."""
    bench.subject.put(7)
    await bench.clock.sleep(1.5)
    level = bench.sample("level")
    assert level is not None, "level never came"
    assert level.value == 7.0, f"level is {level.value} after it became 7"


async def writes_and_reads_back(bench: Bench) -> None:
    """A write is at the device when it returns, and the next scan shows it."""
    await bench.runner.write(SPEED, 42)
    assert bench.subject.speed() == 42, f"the device holds {bench.subject.speed()} after 42 was written"
    await bench.clock.sleep(1.5)
    speed = bench.sample("speed")
    assert speed is not None, "speed never came"
    assert speed.value == 42.0, f"42 was written and {speed.value} is read"


async def tells_a_loss_once(bench: Bench) -> None:
    """A connection that cannot be had is told once, with the reason in words, until it changes."""
    bench.network.refuse = bench.network.silent = True
    await bench.clock.sleep(60)
    told = [report.error for report in bench.ingest.links if report.state is not LinkState.UP and report.error]
    assert told, "nothing was told of the loss"
    runs = sum(1 for before, after in zip(["", *told], told, strict=False) if before != after)
    assert runs <= 4, f"told {runs} times in a minute: {told[:6]}"
    assert bench.runner.state is not OperationalState.ENABLED, "the device still counts as enabled"


async def comes_back(bench: Bench) -> None:
    """After a loss the values come back by themselves once the device is there."""
    bench.network.refuse = bench.network.silent = True
    await bench.clock.sleep(20)
    bench.network.refuse = bench.network.silent = False
    seen = bench.batches()
    bench.subject.put(9)
    await bench.clock.sleep(20)
    level = bench.sample("level")
    assert bench.batches() > seen, "no scan within 20 s of its return"
    assert level is not None, "level never came"
    assert (level.value, level.quality) == (9.0, 0), (
        f"level is {level.value}, quality {level.quality:#x}, expected 9, good"
    )


async def publishes_nothing_unanswered(bench: Bench) -> None:
    """While the device is silent no scan is published: old values are not told as new ones."""
    bench.network.silent = True
    await bench.clock.sleep(2)
    seen = bench.batches()
    await bench.clock.sleep(10)
    assert bench.batches() == seen, f"{bench.batches() - seen} scans were published of a silent device"


async def refuses_late_answers(bench: Bench) -> None:
    """An answer that comes after its time is never taken for that of a later question."""
    bench.network.delay = 0.8  # there and back it is later than the time-out of a second
    await bench.clock.sleep(5)
    seen = bench.batches()
    bench.subject.put(11)
    await bench.clock.sleep(3)
    bench.network.delay = 0.0
    await bench.clock.sleep(20)
    level = bench.sample("level")
    late = [batch.values[0] for batch in bench.ingest.batches[seen:] if batch.values[0] != 11.0]
    assert not late, f"{late[0]} was published after the level had become 11"
    assert level is not None, "level never came"
    assert level.value == 11.0, f"level is {level.value}, expected 11"


async def sends_nothing_without_connection(bench: Bench) -> None:
    """A write without a connection is an error that says so, and is never sent later."""
    before = bench.subject.writes()
    bench.network.refuse = bench.network.silent = True
    await bench.clock.sleep(20)
    await _raises((NotConnectedError, RefusedError), bench.runner.write(SPEED, 5))
    bench.network.refuse = bench.network.silent = False
    await bench.clock.sleep(20)
    assert bench.subject.writes() == before, "it was sent after all"


async def sends_nothing_expired(bench: Bench) -> None:
    """A write whose time is over is not sent."""
    before = bench.subject.writes()
    await _raises((ExpiredError,), bench.runner.write(SPEED, 5, deadline=bench.clock.monotonic() - 1))
    await bench.clock.sleep(5)
    assert bench.subject.writes() == before, "it was sent after all"


async def leaves_a_lost_write_unknown(bench: Bench) -> None:
    """A write whose answer does not come ends as unknown, in bounded time, and is not repeated."""
    before, begun = bench.subject.writes(), bench.clock.monotonic()
    bench.network.delay = 2.0
    await _raises((NoAnswerError,), bench.runner.write(SPEED, 5))
    took = bench.clock.monotonic() - begun
    assert took < 10, f"it took {took:.1f} s, with a time-out of 1 s"
    bench.network.delay = 0.0
    await bench.clock.sleep(20)
    count = bench.subject.writes() - before
    assert count <= 1, f"it reached the device {count} times"


async def refuses_unknown_keys(bench: Bench) -> None:
    """Its configurations are frozen and refuse keys that they do not know, so that a typing error is seen."""
    for model in (bench.subject.driver.Config, bench.subject.driver.TagConfig):
        assert issubclass(model, BaseModel), f"{model.__name__} is no pydantic model"
        settings = model.model_config
        assert settings.get("extra") == "forbid", f"{model.__name__} takes unknown keys"
        assert settings.get("frozen"), f"{model.__name__} can be changed"


async def shares_links_by_key(bench: Bench) -> None:
    """Equal configurations have one link, and what is fine passes `check` without a fault."""
    config = bench.runner.config.config
    driver = bench.subject.driver
    again = config.model_copy() if isinstance(config, BaseModel) else config
    assert driver.link_key(config) == driver.link_key(again), "two keys for one configuration"
    faults = driver.check(config, bench.subject.tags(DEVICE))
    assert not faults, f"check finds {faults[0][1]}"


async def can_be_watched(bench: Bench) -> None:
    """Every frame of its link passes the taps, in both directions, with words."""
    lines: list[TraceLine] = []
    bench.runner.link.taps.add(lines.append)
    await bench.clock.sleep(2)
    bench.runner.link.taps.clear()
    found = {line.direction for line in lines}
    assert {"tx", "rx"} <= found, f"only {', '.join(sorted(found)) or 'nothing'} was traced"
    assert all(line.text for line in lines), "a frame without words"


RULES: tuple[Rule, ...] = (
    reads_in_one_batch,
    follows_the_device,
    writes_and_reads_back,
    tells_a_loss_once,
    comes_back,
    publishes_nothing_unanswered,
    refuses_late_answers,
    sends_nothing_without_connection,
    sends_nothing_expired,
    leaves_a_lost_write_unknown,
    refuses_unknown_keys,
    shares_links_by_key,
    can_be_watched,
)


async def _raises(kinds: tuple[type[Exception], ...], write: Awaitable[None]) -> None:
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        await write
    except kinds:
        return
    except (DeliveryError, RefusedError) as error:
        raise AssertionError(f"it ended with {type(error).__name__}: {error}, expected {names}") from error
    raise AssertionError(f"it was done, expected {names}")
