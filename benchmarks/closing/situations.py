"""What a node is in while it is measured: idle, loaded, with an agent that hangs, and hung itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sereno.client import Client, connect
from sereno.model import AckState, SerenoError

from .plant import CAMERAS, ENVIRONMENT, MAJORDOME, Setting, plant
from .plc import Watched, one_round, rounds, seconds_to_move

NAMES = {ENVIRONMENT: "environment", MAJORDOME: "majordome"}
EXPOSURE = 0.5
"""Seconds of an image: short, so that a round meets exposing, reading out and the writing of files."""
UNMISSED = 6.0
"""Seconds in which a node does not miss the process of an agent that is hung, by far."""


@contextmanager
def child(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that prints a line when it is ready, and that line."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"did not start: {' '.join(words)}")
            yield process, line
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
        process, _ = await asyncio.to_thread(stack.enter_context, child(*words))
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
    """Under load: as it is, exposing, then with the agents hung one after the other (as tasks), then the node hung."""
    found: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        words = (sys.executable, "-m", "sereno", "sim", "alpaca", "--port", "0", "--roofless", "--json")
        _, line = await asyncio.to_thread(stack.enter_context, child(*words))
        urls = json.loads(line)["devices"]
        setting = Setting("loaded", load=True, cameras={name: urls[part] for name, part in CAMERAS.items()})
        process, client = await stack.enter_async_context(node(machine, folder, port, setting))
        found["loaded"] = await rounds(machine, 2 * count)
        async with exposing(client):
            found["exposing"] = await rounds(machine, count)
        for agent, name in NAMES.items():
            await client.call(agent, "hang")
            found[f"{name}_hung"] = await rounds(machine, count)
        machine.clear()
        await asyncio.sleep(0.7)
        process.send_signal(signal.SIGSTOP)
        found["hung_s"] = await seconds_to_move(machine)
    return found


@asynccontextmanager
async def exposing(client: Client) -> AsyncIterator[None]:
    """Both cameras expose one image after the other, each with its file; each has given one before and one after."""
    tasks = [asyncio.create_task(_expose(client, name), name=f"exposing {name}") for name in CAMERAS]
    try:
        await _another(client)
        yield
        await _another(client)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _another(client: Client) -> None:
    before = {name: await _images(client, name) for name in CAMERAS}
    async with asyncio.timeout(60):
        for name, count in before.items():
            while await _images(client, name) == count:
                await asyncio.sleep(0.1)


async def _expose(client: Client, camera: str) -> None:
    while True:
        count = await _images(client, camera)
        ack = await client.call(camera, "expose", EXPOSURE)
        while ack.state is AckState.DONE and await _images(client, camera) == count:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.05)


async def _images(client: Client, camera: str) -> int:
    return int((await client.get(f"{camera}/images")).value or 0)


async def idle(machine: Watched, folder: Path, port: int, count: int) -> dict[str, Any]:
    """Without load, the agents in processes of their own: as it is, then with one of them stopped by a signal."""
    found: dict[str, Any] = {}
    async with node(machine, folder, port, Setting("idle", apart=True)) as (_, client):
        found["idle"] = await rounds(machine, count)
        for agent, name in NAMES.items():
            found[f"{name}_process_hung"] = await _with_stopped(machine, client, agent, count)
    return found


async def _with_stopped(machine: Watched, client: Client, agent: str, count: int) -> list[float]:
    """Rounds while the process is stopped and the node does not miss it yet; then it is killed, and another runs."""
    async with asyncio.timeout(60):
        while not (process := await _process(client, agent)):
            await asyncio.sleep(0.1)
    stopped = asyncio.get_running_loop().time()
    os.kill(process, signal.SIGSTOP)
    took = [await one_round(machine)]
    while len(took) < count and asyncio.get_running_loop().time() < stopped + UNMISSED:
        took.append(await one_round(machine))
    os.kill(process, signal.SIGKILL)
    async with asyncio.timeout(60):
        while await _process(client, agent) in (0, process):
            await asyncio.sleep(0.1)
    return took


async def _process(client: Client, agent: str) -> int:
    """Its process; 0 while it does not run and answer."""
    status = next(one for one in await client.devices() if one.path == agent)
    numbers = [int(remark.split()[1]) for remark in status.remarks if remark.startswith("process ")]
    return numbers[0] if numbers and str(status.link) == "up" else 0
