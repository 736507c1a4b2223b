"""The broker: in virtual time over a network in memory, and with a subscriber and an author that nobody here wrote."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest

from sereno.app.cli import run_cli
from sereno.model import ConfigurationError, NotConnectedError, SystemClock
from sereno.sim.scenario import parse_scenario, read_scenario
from sereno.testing import JumpingClock, MemoryTransports, jumping
from sereno_observatory.alerts.broker import Broker, Dropped, Published, Told
from sereno_observatory.alerts.command import submit
from sereno_observatory.alerts.events import Burst
from sereno_observatory.alerts.script import Story, makers_of, play
from sereno_observatory.alerts.session import Heard
from sereno_observatory.alerts.transport import Frames, Message, Role, VOEvent, frame, read, written
from sereno_observatory.simulators import SCENARIOS

ME = "ivo://listener"


class Subscriber(asyncio.Protocol):
    """Notes what comes and answers it, unless it is `mute`."""

    def __init__(self, *, mute: bool = False) -> None:
        self.found: list[Message | VOEvent] = []
        self.gone = False
        self._mute, self._frames = mute, Frames()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True

    def data_received(self, data: bytes) -> None:
        for document in self._frames.feed(data):
            one = read(document)
            self.found.append(one)
            if not self._mute:
                role, origin = (Role.ACK, one.ivorn) if isinstance(one, VOEvent) else (one.role, one.origin)
                self.transport.write(frame(written(Message(role, origin, ME, "now"))))


@asynccontextmanager
async def broker(clock: JumpingClock, *others: Subscriber) -> AsyncIterator[tuple[Broker, list[Told]]]:
    told: list[Told] = []
    transports = MemoryTransports()
    here = Broker(clock, told.append, transports=transports)
    await here.start(port=8099)
    try:
        for other in others:
            await transports.connect(lambda other=other: other, "127.0.0.1", 8099)  # type: ignore[misc]
        await clock.sleep(0.1)
        yield here, told
    finally:
        await here.close()


@jumping
async def test_the_scenario_reaches_who_listens_at_its_times(clock: JumpingClock) -> None:
    script = read_scenario(SCENARIOS / "alerts.json")
    one, two = Subscriber(), Subscriber()
    async with broker(clock, one, two) as (here, told):
        begun, moments = clock.monotonic(), list[float]()

        def publish(event: VOEvent) -> None:
            moments.append(clock.monotonic() - begun)
            here.publish(event)

        await play(makers_of(script, SCENARIOS), publish, clock, 2.0)
        await clock.sleep(0.1)
    assert moments == pytest.approx([2.0, 8.0, 38.0, 58.0])
    assert one.found == two.found
    events = [found for found in one.found if isinstance(found, VOEvent)]
    assert [event.role for event in events] == ["test", "observation", "observation", "observation"]
    assert b"<C1>83.633000</C1>" in events[2].document
    assert f'cite="retraction">{events[2].ivorn}<'.encode() in events[3].document
    assert len({event.ivorn for event in events}) == 4
    assert [what.subscribers for what in told if isinstance(what, Published)] == [2, 2, 2, 2]
    assert [what.role for what in told if isinstance(what, Heard)] == [Role.ACK] * 8


@jumping
async def test_who_is_mute_is_dropped_and_the_others_are_not(clock: JumpingClock) -> None:
    mute, well = Subscriber(mute=True), Subscriber()
    async with broker(clock, mute, well) as (here, told):
        event = Story(clock).tell("burst")
        assert here.publish(event) == 2
        await clock.sleep(200.0)
        assert (mute.gone, well.gone) == (True, False)
        assert [what for what in told if isinstance(what, Dropped)] == [
            Dropped("", f"no answer to {event.ivorn} in 30 s"),
        ]
        assert sum(isinstance(found, Message) and found.role is Role.ALIVE for found in well.found) == 3
        assert here.publish(Story(clock).tell("test")) == 1


@jumping
async def test_what_an_author_brings_goes_to_all_once(clock: JumpingClock) -> None:
    author, other = Subscriber(mute=True), Subscriber()
    async with broker(clock, author, other) as (_, told):
        event = Story(clock).tell("burst", Burst(ra=1.0, dec=2.0))
        author.transport.write(frame(event.document) * 2)
        await clock.sleep(1.0)
        assert other.found == [event]
        assert [found.role for found in author.found if isinstance(found, Message)] == [Role.ACK] * 2
        assert [what for what in told if isinstance(what, Published)] == [Published(event, 1)]


def test_faults_of_a_scenario_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "not.xml").write_text("<a/>", encoding="utf-8")
    actions = ["retraction", {"event": "burst", "ra": 400}, {"event": "bust"}, "none.xml", "not.xml"]
    events = [{"time": n, "alertSimulator": action} for n, action in enumerate(actions, 1)]
    with pytest.raises(ConfigurationError) as caught:
        makers_of(parse_scenario([9, *events, {"time": 10, "alertSimulator": "burst"}], "here"), tmp_path)
    faults = [fault.found for fault in caught.value.faults]
    assert [words[:24] for words in faults] == [
        "there is no burst before",
        "Expected `float` < 360.0",
        "{'event': 'bust'} is no ",
        "[Errno 2] No such file o",
        "<a>; expected a VOEvent ",
        "never comes",
    ]


@jumping
async def test_a_file_of_ones_own_is_sent_as_it_is(clock: JumpingClock) -> None:
    from tempfile import TemporaryDirectory

    event = Story(clock).tell("burst")
    with TemporaryDirectory() as folder:
        Path(folder, "mine.xml").write_bytes(event.document)
        makers = makers_of(parse_scenario([3, {"time": 2, "alertSimulator": "mine.xml"}], "here"), Path(folder))
    sent: list[VOEvent] = []
    await play(makers, sent.append, clock, 1.0)
    assert sent == [event]


async def test_nobody_to_send_to(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotConnectedError, match="no broker of alerts on port 9: "):
        await submit(9, Story(SystemClock()).tell("test"))
    assert await asyncio.to_thread(run_cli, ["sim", "alert", "retraction"]) == 2
    assert "--of" in capsys.readouterr().err


HEAR = """
import os, sys
import gcn
def heard(payload, root):
    print(root.attrib["ivorn"], flush=True)
    if root.attrib["ivorn"].endswith("-2"):
        os._exit(0)
gcn.listen(host="127.0.0.1", port=int(sys.argv[1]), handler=heard)
"""


async def test_with_a_subscriber_and_an_author_of_others(
    require_package: Callable[[str, str], ModuleType], tmp_path: Path
) -> None:
    require_package("gcn", "pygcn")
    require_package("comet", "comet")
    command = [sys.executable, "-m", "sereno", "sim", "alerts", "--port", "0", "--json", "--until-stdin-closes"]
    pipe = asyncio.subprocess.PIPE
    ours = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert ours.stdin is not None
    assert ours.stdout is not None
    port = json.loads(await ours.stdout.readline())["url"].rpartition(":")[2]
    theirs = await asyncio.create_subprocess_exec(sys.executable, "-c", HEAR, port, stdout=pipe)
    story, said = Story(SystemClock()), list[dict[str, object]]()

    async def next_of(what: str) -> dict[str, object]:
        assert ours.stdout is not None
        while not said or said[-1]["what"] != what:
            said.append(json.loads(await ours.stdout.readline()))
        return said.pop()

    first = story.tell("burst")
    for _ in range(200):  # until it listens
        await submit(int(port), first)
        if (await next_of("sent"))["subscribers"]:
            break
        story = Story(SystemClock())
        first = story.tell("burst")
        await asyncio.sleep(0.1)
    assert (await next_of("ack"))["by"] == "ivo://python_voeventclient/anonymous"

    second = story.tell("retraction")
    (tmp_path / "event.xml").write_bytes(second.document)
    script = str(Path(sys.executable).parent / "comet-sendvo")  # its first line names no Python whose path has a space
    sender = [sys.executable, script, "--host", "127.0.0.1", "--port", port]
    author = await asyncio.create_subprocess_exec(*sender, "--file", str(tmp_path / "event.xml"), env=dict(os.environ))
    assert await author.wait() == 0
    assert (await next_of("ack"))["ivorn"] == second.ivorn
    assert theirs.stdout is not None
    assert (await theirs.stdout.read()).decode().split() == [first.ivorn, second.ivorn]
    assert await theirs.wait() == 0
    ours.stdin.close()
    assert await ours.wait() == 0
