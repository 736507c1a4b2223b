"""The driver on a jumping clock, hearing datagrams of a network in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sereno.device import DeviceConfig, DeviceSet, DeviceTag, DriverTag, Environment, GroupConfig
from sereno.drivers.udp.driver import UdpDriver
from sereno.drivers.udp.protocol import make_datagram
from sereno.drivers.udp.tags import UdpConfig, UdpTagConfig
from sereno.model import Access, LinkState, OperationalState, Quality, RefusedError, TagSpec, severity
from sereno.testing import JumpingClock, MemoryTransports, RecordingIngest, jumping

PORT = 5000
DEVICE = "lab/sensors"
KEY = b"a key of sixteen bytes or more"


def tag(name: str, device: str = DEVICE, **config: Any) -> DriverTag:
    made = UdpTagConfig.model_validate(config)
    return DriverTag(TagSpec(path=f"{device}/{name}", type=made.default_type), made)


class Room:
    """Devices that listen at one port, and what they published."""

    def __init__(self, clock: JumpingClock, network: MemoryTransports, ingest: RecordingIngest, devices: DeviceSet):
        self.clock, self.network, self.ingest, self.devices = clock, network, ingest, devices

    def send(self, *data: bytes, source: tuple[str, int] = ("127.0.0.1", 4000)) -> None:
        for one in data:
            self.network.send(one, PORT, source=source)

    async def turn(self, seconds: float = 0.01) -> None:
        await self.clock.sleep(seconds)

    def values(self, name: str) -> list[float]:
        """What was published of a tag since the room was opened, repeats of the same sample left out."""
        path = f"{DEVICE}/{name}"
        handle = next(n for n, spec in enumerate(self.ingest.tags) if spec.path == path)
        found: list[tuple[int, float]] = []
        for batch in self.ingest.batches:
            if handle in batch.handles:
                row = batch.handles.tolist().index(handle)
                one = int(batch.t_source[row]), float(batch.values[row])
                if int(batch.quality[row]) == 0 and one not in found:
                    found.append(one)
        return [value for _, value in found]

    def quality(self, name: str) -> int:
        sample = self.ingest.latest(f"{DEVICE}/{name}")
        assert sample is not None
        return sample.quality

    def count(self, name: str) -> int:
        return int(self.devices.handlers[DEVICE].status().counters[name])


@asynccontextmanager
async def room(clock: JumpingClock, *tags: DriverTag, **config: Any) -> AsyncIterator[Room]:
    network, ingest = MemoryTransports(), RecordingIngest(clock)
    made = UdpConfig.model_validate({"url": f"udp://127.0.0.1:{PORT}", "insecure": True, **config})
    device = DeviceConfig(
        path=DEVICE,
        driver=UdpDriver,
        config=made,
        groups={"default": GroupConfig(1.0, 0.0)},
        tags=tuple(DeviceTag(one) for one in tags),
    )
    devices = DeviceSet([device], ingest, Environment(clock=clock, transports=network))
    await devices.start()
    try:
        await clock.sleep(0.01)
        yield Room(clock, network, ingest, devices)
    finally:
        await devices.stop()


@jumping
async def test_before_the_first_datagram_a_value_is_waited_for(clock: JumpingClock) -> None:
    async with room(clock, tag("level")) as r:
        assert r.quality("level") == Quality.WAITING
        assert "nothing has come" in r.ingest.reasons[f"{DEVICE}/level"]
        r.send(b"0.5")
        await r.turn()
        assert r.values("level") == [0.5]
        assert r.ingest.reasons == {}


@jumping
async def test_every_sample_is_published_also_of_one_burst(clock: JumpingClock) -> None:
    async with room(clock, tag("level")) as r:
        for first in (0, 20, 40):
            for n in range(20):
                r.send(str(float(first + n)).encode())
                await r.turn(0.0001)
        await r.turn()
        assert r.values("level") == [float(n) for n in range(60)]
        assert len(r.ingest.batches) < 70


@jumping
async def test_the_number_of_readings_goes_with_each_of_them(clock: JumpingClock) -> None:
    async with room(clock, tag("steps"), tag("steps_received", count="received")) as r:
        r.send(*[b"1"] * 5)
        await r.turn()
        handles = r.ingest.batches[-1].handles.tolist()
        assert len(handles) == 2
        assert [batch.values.tolist() for batch in r.ingest.batches[-5:]] == [[1.0, float(n)] for n in range(1, 6)]


@jumping
async def test_many_sensors_share_a_batch(clock: JumpingClock) -> None:
    tags = [tag(f"t{n}", sensor=f"t{n}") for n in range(50)]
    async with room(clock, *tags) as r:
        await r.turn()
        before = len(r.ingest.batches)
        for turn in range(3):
            r.send(*(f"t{n} {turn + 1}.5".encode() for n in range(50)))
        await r.turn()
        assert len(r.ingest.batches) - before <= 5
        assert all(r.values(f"t{n}") == [1.5, 2.5, 3.5] for n in range(50))


@jumping
async def test_sensors_by_name_by_source_and_any(clock: JumpingClock) -> None:
    tags = (tag("a", sensor="a"), tag("b", source="127.0.0.2"), tag("c", source="127.0.0.2:77"), tag("d"))
    async with room(clock, *tags) as r:
        r.send(b"a 1")
        r.send(b"2", source=("127.0.0.2", 5))
        r.send(b"3", source=("127.0.0.2", 77))
        r.send(b"4", source=("127.0.0.3", 77))
        r.send(b"nobody 5")
        await r.turn()
        assert [r.values(name) for name in "abcd"] == [[1.0], [2.0], [3.0], [4.0]]
        assert r.count("unknown") == 1


@jumping
async def test_two_boxes_with_one_name_are_told_apart_by_their_source(clock: JumpingClock) -> None:
    tags = [tag(name, sensor="temp", source=source) for name, source in (("a", "127.0.0.2"), ("b", "127.0.0.3"))]
    async with room(clock, *tags) as here:
        for source, value in (("127.0.0.2", b"temp 1"), ("127.0.0.3", b"temp 2"), ("127.0.0.4", b"temp 3")):
            here.send(value, source=(source, 4000))
        await here.turn()
        assert (here.values("a"), here.values("b")) == ([1.0], [2.0])


@jumping
async def test_what_is_wrong_is_counted_and_shown(clock: JumpingClock) -> None:
    tags = (tag("a", sensor="a"), tag("lost", sensor="a", count="lost"), tag("b", source="127.0.0.2"))
    async with room(clock, *tags) as r:
        r.send(b"a 1 1", b"a 4 4", b"a 4 4", b"a 2 2", b"what is this")
        r.send(b"neither this", source=("127.0.0.2", 5))
        r.send(b"a 6", source=("10.0.0.1", 5))
        await r.turn()
        wanted = {"a received": 2, "a lost": 1, "a late": 1, "a duplicates": 1, "127.0.0.2 malformed": 1}
        assert {name: r.count(name) for name in wanted} == wanted
        assert (r.count("malformed"), r.count("outside"), r.count("datagrams")) == (1, 1, 7)
        await r.turn(1.0)
        assert r.ingest.latest(f"{DEVICE}/lost").value == 1  # type: ignore[union-attr]
        assert r.values("a") == [1.0, 4.0]


@jumping
async def test_a_name_from_elsewhere_or_without_its_key_is_spoofed(
    clock: JumpingClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NORTH_KEY", KEY.decode())
    (tmp_path / "key").write_bytes(KEY + b"\n")
    tags = (
        tag("a", sensor="a", source="127.0.0.2"),
        tag("b", sensor="b", key="env:NORTH_KEY"),
        tag("c", sensor="c", key=f"file:{tmp_path / 'key'}"),
    )
    async with room(clock, *tags) as r:
        r.send(b"a 1", b"b 2", b"b 2 2", make_datagram(2.0, "b", 2, KEY + b"x"))
        r.send(b"a 3", source=("127.0.0.2", 5))
        genuine = make_datagram(4.0, "b", 7, KEY)
        r.send(genuine, genuine, make_datagram(5.0, "c", 1, KEY))
        await r.turn()
        assert [r.values(name) for name in "abc"] == [[3.0], [4.0], [5.0]]
        assert (r.count("a spoofed"), r.count("b spoofed"), r.count("b duplicates")) == (1, 3, 1)


@jumping
async def test_a_key_that_is_not_there_is_a_fault_of_the_device(clock: JumpingClock) -> None:
    async with room(clock, tag("a", sensor="a", key="env:NO_SUCH_KEY")) as r:
        status = r.devices.handlers[DEVICE].status()
        assert status.state is OperationalState.FAULT
        assert "NO_SUCH_KEY" in status.last_error


@jumping
async def test_a_silent_sensor_is_stale_and_the_others_are_not(clock: JumpingClock) -> None:
    async with room(clock, tag("fast", sensor="fast", rate=10.0), tag("slow", sensor="slow", rate=0.1)) as r:
        r.send(b"fast 1", b"slow 1")
        await r.turn(4.0)
        assert r.quality("fast") == Quality.STALE
        assert "silent" in r.ingest.reasons[f"{DEVICE}/fast"]
        assert severity(r.quality("slow")) == "good"
        assert not r.ingest.batches[-1].complete
        r.send(b"fast 2")
        await r.turn()
        assert r.quality("fast") == 0
        assert r.ingest.batches[-1].complete


@jumping
async def test_infinite_and_no_numbers_are_told_as_bad(clock: JumpingClock) -> None:
    async with room(clock, tag("a")) as r:
        r.send(b"nan")
        await r.turn()
        assert r.quality("a") == Quality.NOT_A_NUMBER
        r.send(b"inf")
        await r.turn()
        assert r.quality("a") == Quality.NOT_A_NUMBER
        r.send(b"1")
        await r.turn()
        assert r.quality("a") == 0


@jumping
async def test_a_flood_that_nobody_takes_up_is_bounded_and_counted(
    clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sereno.drivers.udp.feed.MOST_WAITING", 10)
    async with room(clock, tag("a")) as r:
        r.send(*(str(n).encode() for n in range(25)))
        await r.turn()
        assert r.count("crowded_out") == 15
        assert r.values("a") == [float(n) for n in range(15, 25)]


@jumping
async def test_a_taken_port_is_told_and_tried_again(clock: JumpingClock) -> None:
    network, ingest = MemoryTransports(), RecordingIngest(clock)
    other = await network.datagrams(lambda: __import__("asyncio").DatagramProtocol(), "127.0.0.1", PORT)
    config = UdpConfig.model_validate({"url": f"udp://127.0.0.1:{PORT}", "insecure": True})
    device = DeviceConfig(path=DEVICE, driver=UdpDriver, config=config, tags=(DeviceTag(tag("a")),))
    devices = DeviceSet([device], ingest, Environment(clock=clock, transports=network))
    await devices.start()
    await clock.sleep(1)
    assert "in use" in devices.handlers[DEVICE].status().last_error
    await other.close()
    await clock.sleep(60)
    assert devices.handlers[DEVICE].status().link is LinkState.UP
    with pytest.raises(RefusedError, match="read only"):
        await devices.handlers[DEVICE].write(f"{DEVICE}/a", 1.0)
    await devices.stop()


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ([tag("a"), tag("b")], "same sensor"),
        ([tag("a", sensor="x"), tag("n", sensor="y", count="lost")], "no tag of this device"),
        ([DriverTag(TagSpec(path="d/a", access=Access.READ_WRITE), UdpTagConfig())], "only sends"),
        ([DriverTag(TagSpec(path="d/a", type="string"), UdpTagConfig())], "send numbers"),  # type: ignore[arg-type]
    ],
)
def test_faults_that_show_without_a_sensor(tags: list[DriverTag], words: str) -> None:
    config = UdpConfig.model_validate({"url": "udp://127.0.0.1:5000", "insecure": True})
    ((_, text),) = UdpDriver.check(config, tags)
    assert words in text


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"url": "tcp://127.0.0.1:5000", "insecure": True}, "udp://"),
        ({"url": "udp://127.0.0.1:70000", "insecure": True}, "udp://"),
        ({"url": "udp://127.0.0.1:5000"}, "no authentication.*send readings"),
        ({"url": "udp://127.0.0.1:5000", "insecure": True, "allow": ["0.0.0.0/0"]}, "everybody"),
    ],
)
def test_faults_of_the_address(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        UdpConfig.model_validate(keys)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"sensor": "no name"}, "no name of a sensor"),
        ({"source": "somewhere"}, "no source"),
        ({"source": "10.0.0.1:99999"}, "no source"),
        ({"key": "secret"}, "not written into the plant file"),
        ({"count": "lost", "rate": 5}, "belong to the tag of the value"),
    ],
)
def test_faults_of_a_tag(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        UdpTagConfig.model_validate(keys)
