"""From outside: watches as a page does, acknowledges as a person does, kills, starts again, and reads the journal."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from starting import ended, ready_line

ZERO = ("lost", "out_of_order", "announced_twice", "acknowledgements_lost", "wrong_states", "illegal_rows")
LEGAL = {
    ("normal", "raised"): "unacknowledged",
    ("returned", "raised"): "unacknowledged",
    ("unacknowledged", "cleared"): "returned",
    ("acknowledged", "cleared"): "normal",
    ("unacknowledged", "acknowledged"): "acknowledged",
    ("returned", "acknowledged"): "normal",
}
"""What may be in the journal of this plant: (state before, event) -> state."""
EVERY, READY = 0.2, 60.0
NODE = Path(__file__).parent / "node.py"


class Trial:
    """One flood with a kill -9 in it. `figures` afterwards; all of ZERO must be 0."""

    def __init__(self, folder: Path, alarms: int, chatter: int, seconds: float, seed: int, defect: str) -> None:
        self.folder = folder
        self.given = [str(folder), str(alarms), str(chatter), str(seconds), str(seed)]
        self.alarms, self.seconds, self.defect = alarms, seconds, defect
        self.latency: list[float] = []
        self.ack_seconds: list[float] = []
        self.acknowledged: set[str] = set()
        self.messages = self.told = 0
        self.figures: dict[str, float] = {}

    async def run(self) -> None:
        """Flood, kill, start again, look."""
        child, where = await self._start("flood")
        watching = asyncio.create_task(self._watch(where))
        acting = asyncio.create_task(self._act(where))
        try:
            await self._until_killed(child)
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()
            acting.cancel()
            await asyncio.gather(watching, acting, return_exceptions=True)
        child, where = await self._start("stay")
        try:
            await self._check(where)
        finally:
            child.kill()
            await child.wait()

    async def _start(self, mode: str) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, str(NODE), *self.given, mode, self.defect,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=_environment(),
        )  # fmt: skip
        assert child.stdin is not None
        try:
            where = json.loads(await ready_line(child, READY))
        except SystemExit:
            await ended(child)
            raise
        child.stdin.write(b"go\n")
        await child.stdin.drain()
        return child, where

    async def _until_killed(self, child: asyncio.subprocess.Process) -> None:
        """-9 when four fifths of the alarms have come, wherever the node is then."""
        truth = self.folder / "truth"
        deadline = time.monotonic() + 20 * self.seconds + 60
        while not truth.exists() or truth.read_bytes().count(b"\n") < 0.8 * self.alarms or not self.acknowledged:
            assert child.returncode is None, "the node ended by itself"
            assert time.monotonic() < deadline, "the flood does not come"
            await asyncio.sleep(0.02)
        child.kill()

    async def _watch(self, where: dict[str, str]) -> None:
        url = where["url"].replace("http", "ws") + "/api/v1/live"
        headers = {"Authorization": f"Bearer {where['token']}"}
        try:
            async with connect(url, additional_headers=headers, max_size=None) as socket:
                await socket.send('{"type": "alarms"}')
                async for data in socket:
                    if isinstance(data, str) and (message := json.loads(data))["type"] == "alarms":
                        self._note(message)
        except ConnectionClosed:
            pass

    def _note(self, message: dict[str, Any]) -> None:
        now = time.time()
        self.messages += 1
        self.told += len(message["alarms"])
        for one in message["alarms"] if not message["whole"] else ():
            if one["state"] == "unacknowledged" and one["id"].startswith("flood"):
                self.latency.append(now - _seconds(one["since"]))
                self.acknowledged.discard(one["id"])

    async def _act(self, where: dict[str, str]) -> None:
        headers = {"Authorization": f"Bearer {where['token']}"}
        async with httpx.AsyncClient(base_url=where["url"], headers=headers, timeout=30) as client:
            while True:
                truth = (self.folder / "truth").read_text().split() if (self.folder / "truth").exists() else []
                ids = [f"flood/d/t{int(row):05d}.hi" for row in truth[-40:-20]]
                if ids:
                    began = time.perf_counter()
                    answer = await client.post("/api/v1/alarms", json={"act": "ack", "ids": ids, "note": "seen"})
                    self.ack_seconds.append(time.perf_counter() - began)
                    found = answer.raise_for_status().json()["alarms"]
                    self.acknowledged |= {one["id"] for one in found if one["state"] == "acknowledged"}
                await asyncio.sleep(EVERY)

    async def _check(self, where: dict[str, str]) -> None:
        truth = {f"flood/d/t{int(row):05d}.hi" for row in (self.folder / "truth").read_text().split()}
        headers = {"Authorization": f"Bearer {where['token']}"}
        async with httpx.AsyncClient(base_url=where["url"], headers=headers, timeout=60) as client:
            states: dict[str, str] = {}
            for _ in range(100):
                found = (await client.get("/api/v1/alarms")).raise_for_status().json()["alarms"]
                states = {one["id"]: one["state"] for one in found}
                flooded = {one["id"] for one in found if one["active"] and one["id"].startswith("flood")}
                if flooded == truth:
                    break
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.5)
        self._judge(truth, states, self._journal())

    def _journal(self) -> list[tuple[str, str, str, int, str]]:
        database = sqlite3.connect(f"file:{self.folder / 'node.db'}?mode=ro", uri=True)
        try:
            return database.execute(
                "SELECT alarm, event, state, t_source, actor FROM alarm_journal ORDER BY id"
            ).fetchall()
        finally:
            database.close()

    def _judge(self, truth: set[str], states: dict[str, str], rows: list[tuple[str, str, str, int, str]]) -> None:
        last: dict[str, str] = {}
        illegal = 0
        for alarm, event, state, _, _ in rows:
            illegal += LEGAL.get((last.get(alarm, "normal"), event)) != state
            last[alarm] = state
        raised = [(alarm, t) for alarm, event, _, t, _ in rows if event == "raised" and alarm.startswith("flood")]
        counts = Counter(alarm for alarm, _ in raised)
        seen = {alarm for alarm, event, *_ in rows if event == "acknowledged"}
        times = [t for _, t in raised]
        flood = {alarm: state for alarm, state in states.items() if alarm.startswith("flood")}
        wrong = sum(state != last.get(alarm, "normal") for alarm, state in states.items())
        wrong += sum(
            (state in ("unacknowledged", "acknowledged")) != (alarm in truth) for alarm, state in flood.items()
        )
        self.figures = {
            "raised": len(truth),
            "journal_rows": len(rows),
            "lost": len(truth - counts.keys()),
            "out_of_order": sum(later < before for before, later in pairwise(times)),
            "announced_twice": sum(count > 1 for count in counts.values()),
            "acknowledged": len(self.acknowledged),
            "acknowledgements_lost": len(self.acknowledged - seen),
            "wrong_states": wrong,
            "illegal_rows": illegal,
            "messages": self.messages,
            "alarms_told": self.told,
            "to_page_p99_s": _percentile(self.latency, 0.99),
            "acknowledge_p99_s": _percentile(self.ack_seconds, 0.99),
        }


def _percentile(values: list[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 4) if values else 0.0


def _seconds(text: str) -> float:
    from sereno.client import parse_time

    return parse_time(text) / 1e9


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(NODE.parents[1])}
