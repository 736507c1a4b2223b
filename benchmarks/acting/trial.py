"""Rounds of what can befall agents, in a node of its own; each begins and ends with the dome open into a safe night."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sereno.client import Client, DeviceStatus, connect
from sereno.model import SerenoError
from sereno.sim.jsonplc.server import PlcServer
from starting import ready_line

from .observing import Observed
from .plant import MAJORDOME, Setting
from .rounds import Round
from .witness import UNHEARD, UNWATCHED, Witness

READY, WELL_AGAIN = 90.0, 45.0
"""Seconds that a node may take to start, and agents to be well again on a busy machine."""


@dataclass(slots=True)
class Trial:
    """Rounds in one node."""

    client: Client
    server: PlcServer
    port: int
    witness: Witness
    setting: Setting
    observed: Observed | None = None
    done: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0

    async def round(self, one: Round) -> None:
        """One of them, to its end."""
        number = await self.observed.begin() if self.observed else 0
        before = {agent: await self.starts(agent) for agent in self.setting.agents}
        if one.how == "lose the PLC":
            await self._without_plc(one)
        elif one.how == "order":
            await self._in_order(one)
        else:
            await self._befallen(one)
        self.witness.rain(0.0)
        await self.well_again(str(one))
        if self.observed:
            await self.observed.end(number, str(one))
        await self._check_record(one, before)
        self.done[one.how] += 1

    async def well_again(self, after: str, within: float = WELL_AGAIN) -> None:
        """Wait until the agents run and the dome is open."""
        begun = time.monotonic()
        while time.monotonic() - begun < within:
            if await self._well():
                self.longest = max(self.longest, time.monotonic() - begun)
                return
            await asyncio.sleep(0.1)
        self.witness.note("not_resumed", f"{after}: {await self._how_it_is()}, {within:g} s later")

    async def _well(self) -> bool:
        with suppress(SerenoError):
            activity = await self.client.get(f"{MAJORDOME}/activity")
            states = [(await self.client.get(f"{agent}/supervision/state")).value for agent in self.setting.agents]
            said = activity.value == "RUNNING" and not activity.reason
            return said and self.witness.shutter == "open" and states == ["running"] * len(self.setting.agents)
        return False

    async def _how_it_is(self) -> str:
        told = []
        for path in (
            f"{MAJORDOME}/activity",
            f"{MAJORDOME}/decision",
            *(f"{a}/supervision/state" for a in self.setting.agents),
        ):
            with suppress(SerenoError):
                reading = await self.client.get(path)
                told.append(f"{path.rpartition('observatory/')[2]} {reading.value} {reading.reason}".strip())
        return ", ".join([*told, f"shutter {self.witness.shutter}"])

    # ---- what befalls them

    async def _befallen(self, one: Round) -> None:
        if one.how == "stop":
            await self._order(one.agent, "stop")
            self.witness.lost(f"{one.agent} is stopped", UNWATCHED)
        elif one.agent in self.setting.apart:
            os.kill(await self.process(one.agent), signal.SIGKILL if one.how == "kill" else signal.SIGSTOP)
        else:
            await self.client.call(one.agent, "ail", one.how)
        await self._weather(one)
        if one.how == "stop":
            state = (await self.client.get(f"{one.agent}/supervision/state")).value
            if state != "stopped":
                self.witness.note("wrong_record", f"{one}: its state is {state}")
            self.witness.found()
            await self._order(one.agent, "start")

    async def _without_plc(self, one: Round) -> None:
        await self.server.close()
        self.witness.lost("the PLC hears nobody", UNHEARD)
        await self._weather(one)
        await self.server.start(self.port)
        self.witness.found()

    async def _in_order(self, one: Round) -> None:
        for agent in self.setting.agents:
            await self._order(agent, "stop")
        self.witness.lost("all agents are stopped", UNWATCHED)
        await self._weather(one)
        for agent in one.order:
            if agent == one.order[-1]:
                self.witness.found()
            await self._order(agent, "start")
            await asyncio.sleep(0.5)

    async def _weather(self, one: Round) -> None:
        await asyncio.sleep(one.lasts / 4)
        if one.rain:
            self.witness.rain(5.0)
        await asyncio.sleep(UNWATCHED + 4.0 if one.how in ("stop", "order", "lose the PLC") else one.lasts)

    async def _order(self, agent: str, what: str) -> None:
        ack = await self.client.call(f"{agent}/supervision", what, timeout=30.0)
        if str(ack.state) != "done":
            self.witness.note("wrong_record", f"{what} {agent}: {ack.state} {ack.reason}")

    # ---- what is on record of them

    async def starts(self, agent: str) -> int:
        """How often it was started again: as a process by its link, as a task by its supervisor."""
        if agent in self.setting.apart:
            return (await self._status(agent)).counters["starts"]
        return int((await self.client.get(f"{agent}/supervision/restarts")).value)

    async def process(self, agent: str) -> int:
        """Its process."""
        (remark,) = (r for r in (await self._status(agent)).remarks if r.startswith("process "))
        return int(remark.split()[1])

    async def _status(self, agent: str) -> DeviceStatus:
        return next(status for status in await self.client.devices() if status.path == agent)

    async def _check_record(self, one: Round, before: dict[str, int]) -> None:
        again = {agent: await self.starts(agent) - before[agent] for agent in self.setting.agents}
        for agent, times in again.items():
            harmed = agent == one.agent and one.how in ("kill", "hang")
            ordered = agent in self.setting.apart and (one.how == "order" or (one.how == "stop" and agent == one.agent))
            if harmed and not times:
                self.witness.note("wrong_record", f"{one}: no restart is on record")
            if not harmed and times != int(ordered):
                self.witness.note("wrong_record", f"{one}: {times} starts of {agent} are on record")


@asynccontextmanager
async def node(plant: Path, data: Path, *, within: float = READY) -> AsyncIterator[Client]:
    """A node in a process of its own, ready `within` so many seconds; else SystemExit as of `ready_line`."""
    words = ("-m", "sereno", "run", str(plant), "--port", "0", "--data", str(data), "--json")
    log = data.with_suffix(".log")
    with log.open("wb") as told:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=told
        )
    try:
        await ready_line(process, within, log)
        async with connect(data=data) as client:
            yield client
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
