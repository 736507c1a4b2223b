"""What a node is in while it is measured: idle, loaded, with an agent that hangs, and hung itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sereno.client import Client, connect
from sereno.model import AckState, SerenoError

from .plant import ENVIRONMENT, MAJORDOME, Setting, plant
from .plc import Watched, one_round, rounds, seconds_to_move

NAMES = {ENVIRONMENT: "environment", MAJORDOME: "majordome"}


@contextmanager
def child(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that prints a line when it is ready."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            if not process.stdout.readline():
                raise SystemExit(f"did not start: {' '.join(words)}")
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()


@asynccontextmanager
async def node(machine: Watched, folder: Path, port: int, setting: Setting) -> AsyncIterator[tuple[Any, Client]]:
    """A node that finds everything safe, with the dome left to people: its process, and a client."""
    machine.clear()
    made = plant(folder, port, setting)
    data = made.with_suffix(".data")
    with ExitStack() as stack:
        words = (sys.executable, "-m", "sereno", "run", str(made), "--port", "0", "--data", str(data), "--json")
        process = await asyncio.to_thread(stack.enter_context, child(*words))
        async with connect(data=data) as client:
            async with asyncio.timeout(60):
                while not await _ready(client):
                    await asyncio.sleep(0.2)
            yield process, client


async def _ready(client: Client) -> bool:
    try:
        if (await client.write("observatory/majordome/mode", "MANUAL")).state is not AckState.DONE:
            return False
        return (await client.get("observatory/environment/make_safe")).value is False
    except SerenoError:
        return False


async def loaded(machine: Watched, folder: Path, port: int, count: int) -> dict[str, Any]:
    """Under load: as it is, then with the agents hung one after the other (as tasks), then with the node hung."""
    found: dict[str, Any] = {}
    async with node(machine, folder, port, Setting("loaded", load=True)) as (process, client):
        found["loaded"] = await rounds(machine, 2 * count)
        for agent, name in NAMES.items():
            await client.call(agent, "hang")
            found[f"{name}_hung"] = await rounds(machine, count)
        machine.clear()
        await asyncio.sleep(0.7)
        process.send_signal(signal.SIGSTOP)
        found["hung_s"] = await seconds_to_move(machine)
    return found


async def idle(machine: Watched, folder: Path, port: int, count: int) -> dict[str, Any]:
    """Without load, the agents in processes of their own: as it is, then with one of them stopped by a signal."""
    found: dict[str, Any] = {}
    async with node(machine, folder, port, Setting("idle", apart=True)) as (_, client):
        found["idle"] = await rounds(machine, count)
        for agent, name in NAMES.items():
            found[f"{name}_process_hung"] = [
                await _with_stopped(machine, client, agent) for _ in range(max(2, count // 6))
            ]
    return found


async def _with_stopped(machine: Watched, client: Client, agent: str) -> float:
    """A round that begins as the process is stopped; the node will miss it and start another one."""
    async with asyncio.timeout(60):
        while not (process := await _process(client, agent)):
            await asyncio.sleep(0.1)
    os.kill(process, signal.SIGSTOP)
    took = await one_round(machine)
    async with asyncio.timeout(60):
        while await _process(client, agent) in (0, process):
            await asyncio.sleep(0.1)
    return took


async def _process(client: Client, agent: str) -> int:
    """Its process; 0 while it does not run and answer."""
    status = next(one for one in await client.devices() if one.path == agent)
    numbers = [int(remark.split()[1]) for remark in status.remarks if remark.startswith("process ")]
    return numbers[0] if numbers and str(status.link) == "up" else 0
