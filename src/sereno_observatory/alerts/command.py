"""sim alerts and sim alert: a simulated alert network, and an alert that is sent now."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import click

from sereno.model import Clock, NotConnectedError, OperationError, RefusedError, SystemClock
from sereno.sim.lifeline import hold
from sereno.sim.scenario import read_scenario
from sereno_observatory.simulators import scenario_path

from .broker import Broker, Dropped, Published, Told
from .events import KINDS, Burst, iso
from .script import Maker, Story, makers_of, play
from .session import Heard
from .transport import Frames, Message, Role, VOEvent, frame, read

PORT = 8099


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 chooses.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; nothing is encrypted.")
@click.option("--scenario", default="", help="A scenario file, or one that comes with it: alerts.")
@click.option("--period", type=click.FloatRange(min=0.01), default=2.0, show_default=True, help="Of an iteration, s.")
@click.option("--alive", type=click.FloatRange(min=1), default=60.0, show_default=True, help="Between iamalive, s.")
@click.option("--authenticate", is_flag=True, help="Ask subscribers who they are before they get events.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output, one JSON value a line.")
def alerts(
    *, port: int, host: str, scenario: str, period: float, alive: float, authenticate: bool,
    seconds: float | None, tied: bool, as_json: bool,
) -> int:  # fmt: skip
    """A network of alerts: a broker that sends VOEvents to who subscribes (VTP), by scenario or `sereno sim alert`."""
    path = scenario_path(scenario)
    makers = [] if path is None else makers_of(read_scenario(path), path.parent)
    clock = SystemClock()
    broker = Broker(clock, lambda told: _show(told, as_json=as_json), alive=alive, authenticate=authenticate)

    async def work() -> None:
        try:
            await broker.start(host, port)
        except OSError as error:
            raise OperationError(f"cannot listen on {host}:{port}: {error.strerror}; another --port") from None
        try:
            url = f"vtp://{host}:{broker.port}"
            click.echo(json.dumps({"url": url}) if as_json else f"alerts  {url}")
            await _play_until_stopped(broker, makers, clock, period, seconds, tied=tied)
        finally:
            await broker.close()

    with suppress(KeyboardInterrupt):
        asyncio.run(work())
    return 0


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Port of the broker.")
@click.option("--ra", type=click.FloatRange(0, 360, max_open=True), default=Burst().ra, show_default=True, help="deg")
@click.option("--dec", type=click.FloatRange(-90, 90), default=Burst().dec, show_default=True, help="deg")
@click.option(
    "--error", type=click.FloatRange(0, 180, min_open=True), default=Burst().error, show_default=True, help="deg"
)
@click.option("--of", default="", help="The alert (IVORN) that a retraction takes back.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def alert(*, kind: str, port: int, ra: float, dec: float, error: float, of: str, as_json: bool) -> int:
    """Send an alert through the simulated network: a burst, a test, or the retraction of an alert."""
    if kind == "retraction" and not of:
        raise click.BadParameter("is needed: the IVORN that was printed when the burst was sent", param_hint="--of")
    event = Story(SystemClock()).tell(kind, Burst(ra=ra, dec=dec, error=error), of)
    asyncio.run(submit(port, event))
    click.echo(json.dumps({"ivorn": event.ivorn}) if as_json else event.ivorn)
    return 0


async def submit(port: int, event: VOEvent, *, timeout: float = 5.0) -> None:
    """Bring an event to a broker on this computer, as its author. Raises NotConnectedError, RefusedError."""
    try:
        async with SystemClock().timeout(timeout):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(frame(event.document))
                answer = await _answer(reader, event.ivorn)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        raise NotConnectedError(f"no broker of alerts on port {port}: {error or 'no answer'}; see --port") from None
    if answer.role is not Role.ACK:
        raise RefusedError(answer.result or f"{event.ivorn} was not taken")


async def _answer(reader: asyncio.StreamReader, ivorn: str) -> Message:
    frames = Frames()
    while data := await reader.read(65536):
        try:
            for document in frames.feed(data):
                found = read(document)
                if isinstance(found, Message) and found.role in (Role.ACK, Role.NAK) and found.origin == ivorn:
                    return found
        except ValueError as error:
            raise OperationError(f"this is no broker of alerts: {error}") from None
    raise OperationError("the broker hung up")


async def _play_until_stopped(
    broker: Broker, makers: list[tuple[int, Maker]], clock: Clock, period: float, seconds: float | None, *, tied: bool
) -> None:
    stopped = asyncio.Event()
    if tied:
        hold(stopped.set)
    playing = asyncio.create_task(play(makers, broker.publish, clock, period), name="scenario of alerts")
    try:
        await _until(stopped, clock, seconds)
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


async def _until(stopped: asyncio.Event, clock: Clock, seconds: float | None) -> None:
    if seconds is None:
        await stopped.wait()
        return
    with suppress(TimeoutError):
        async with clock.timeout(seconds):
            await stopped.wait()


def _show(told: Told, *, as_json: bool) -> None:
    entry = {"time": iso(SystemClock().wall_ns()), **_entry(told)}
    words = " ".join(str(value) for value in entry.values() if value != "")
    click.echo(json.dumps(entry) if as_json else words)


def _entry(told: Told) -> dict[str, Any]:
    if isinstance(told, Published):
        return {"what": "sent", "ivorn": told.event.ivorn, "role": told.event.role, "subscribers": told.subscribers}
    if isinstance(told, Dropped):
        return {"what": "dropped", "by": told.peer, "why": told.why}
    assert isinstance(told, Heard)
    return {"what": str(told.role), "ivorn": told.ivorn, "by": told.by, "why": told.why}
