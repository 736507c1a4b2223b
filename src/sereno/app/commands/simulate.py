"""sim: simulated plants that speak the real protocols, and faults in them on demand."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from sereno.app.cli import EntryPointGroup
from sereno.app.stopping import run_until_stopped, until
from sereno.model import NotConnectedError, OperationError, SystemClock

from .options import json_option
from .show import json_line

CONTROL_PORT = 5022


@click.group(cls=EntryPointGroup, entries="sereno.simulators")
def sim() -> None:
    """Simulated plants that speak the real protocols, and faults in them on demand."""


@sim.command()
@click.option(
    "--port", default=5020, show_default=True, help="Port of river/plc1; town/plc2 and control follow. 0 chooses."
)
@click.option("--speed", default=1.0, show_default=True, help="Simulated seconds per second.")
@click.option("--seed", type=int, default=None, help="The same weather, demand and noise again.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option(
    "--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends (when the parent does)."
)
@json_option
def waterworks(*, port: int, speed: float, seed: int | None, seconds: float | None, tied: bool, as_json: bool) -> int:
    """The waterworks: two PLCs on Modbus/TCP, a river, a works, a town."""
    from sereno.sim.waterworks.run import run_waterworks

    ports = (port, port + 1, port + 2) if port else (0, 0, 0)

    async def work(stopped: asyncio.Event) -> None:
        try:
            async with run_waterworks(
                river_port=ports[0], town_port=ports[1], control_port=ports[2], speed=speed, seed=seed
            ) as running:
                if as_json:
                    json_line({"devices": running.urls, "control": running.control_port})
                else:
                    for path, url in running.urls.items():
                        click.echo(f"{path}  {url}")
                    click.echo(f"control port {running.control_port}: sereno sim fault river/plc1 silent 10s")
                await until(stopped, seconds)
        except OSError as error:
            raise OperationError(
                f"cannot listen on 127.0.0.1:{port}: {error.strerror}; choose another --port"
            ) from None
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return run_until_stopped(work, tied=tied)


@sim.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, metavar="SERVER KIND [...]")
@click.option("--control", default=CONTROL_PORT, show_default=True, help="Control port of the running simulator.")
@json_option
def fault(words: tuple[str, ...], control: int, *, as_json: bool) -> int:
    """Break a simulated server: `fault river/plc1 silent 10s`. Without words: how."""
    if not words:
        return _ask(control, "help")
    told = {"server": words[0], "fault": " ".join(words[1:])} if as_json else None
    return _ask(control, " ".join(("fault", *words)), told)


@sim.command()
@click.argument("server", required=False)
@click.option("--control", default=CONTROL_PORT, show_default=True)
@json_option
def clear(server: str | None, control: int, *, as_json: bool) -> int:
    """End the faults of SERVER, or of all."""
    return _ask(control, f"clear {server or ''}".strip(), {"server": server, "fault": None} if as_json else None)


@sim.command()
@click.option("--control", default=CONTROL_PORT, show_default=True)
@json_option
def status(control: int, *, as_json: bool) -> int:
    """Simulated servers, their faults, and what they have received."""
    return _ask(control, "list json" if as_json else "list")


def _ask(port: int, line: str, told: dict[str, Any] | None = None) -> int:
    """One command line over the control port; prints the answer, or `told` as JSON when it is done."""

    async def asked() -> int:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            raise NotConnectedError(f"no simulator on control port {port}: {error.strerror}; see --control") from None
        try:
            writer.write(f"{line}\n".encode())
            async with SystemClock().timeout(5):
                await _answer(reader, quiet=told is not None)
            if told is not None:
                json_line(told)
            return 0
        finally:
            writer.close()
            await writer.wait_closed()

    return asyncio.run(asked())


async def _answer(reader: asyncio.StreamReader, *, quiet: bool) -> None:
    while text := (await reader.readline()).decode().rstrip():
        if text == "ok":
            return
        if text.startswith("error:"):
            raise OperationError(text.removeprefix("error:").strip())
        if not quiet:
            click.echo(text)
    raise NotConnectedError("the simulator hung up")
