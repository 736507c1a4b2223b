from __future__ import annotations

import asyncio

from sereno.sim.sensors.sender import Sensor, Words
from sereno.sim.sensors.signals import Shape
from sereno.testing import JumpingClock, jumping


@jumping
async def test_every_reading_is_sent_at_its_time_as_the_number_alone(clock: JumpingClock) -> None:
    sent: list[tuple[float, bytes]] = []
    signal = Shape().signal()
    sensor = Sensor(signal, lambda data: sent.append((clock.monotonic(), data)), 0.1, Words(), most=30)
    await sensor.run(clock)
    assert sensor.sent == 30
    assert [data for _, data in sent] == [str(signal(n * 0.1)).encode() for n in range(30)]
    assert all(abs(t - n * 0.1) < 1e-6 for n, (t, _) in enumerate(sent))


@jumping
async def test_names_and_numbers(clock: JumpingClock) -> None:
    sent: list[bytes] = []
    await Sensor(lambda t: 1.0, sent.append, 1.0, Words("north", 41), most=3).run(clock)
    assert sent == [b"north 1.0 41", b"north 1.0 42", b"north 1.0 43"]


@jumping
async def test_what_could_not_be_sent_in_time_is_sent_later_and_nothing_is_left_out(clock: JumpingClock) -> None:
    sent: list[bytes] = []

    def slow(data: bytes) -> None:
        sent.append(data)
        if len(sent) == 1:
            clock.advance(10.0)

    task = asyncio.create_task(Sensor(lambda t: t, slow, 0.5, Words()).run(clock))
    await clock.sleep(2.25)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sent == [str(n * 0.5).encode() for n in range(len(sent))]
    assert len(sent) >= 20
