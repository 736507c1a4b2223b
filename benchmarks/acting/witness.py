"""Who stands beside the dome: reads the simulated PLC itself, knows what is wrong, and notes every promise broken."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from sereno.sim.jsonplc.machine import PlcMachine

from .plant import BEAT, CLOSING, HOLD, STALE

PROMISES = {
    "open_in_danger": "the dome closes within its time while it rains, whatever the agents do",
    "open_unwatched": "the dome closes within its time when an agent is lost or the PLC hears nobody",
    "opened_in_danger": "the dome is not opened while it rains, or too soon afterwards",
    "not_resumed": "when all is well again the agents run and the night goes on",
    "wrong_record": "what the supervisor says of an agent is what was done to it",
    "sequence_ends": "a sequence that is executed meanwhile is gone on with, or ends with a stated result",
    "image_lost": "every image on record is a file, and none is there twice",
    "without_end": "every command ends with a stated result",
}
SLACK = 3.0
"""Seconds that a machine may take on top of what the plant declares, unless told otherwise."""
LOOK = 0.01


@dataclass(slots=True)
class Witness:
    """`watch` until cancelled. `lost`: since when nobody does the work of an agent, or the PLC hears nobody."""

    machine: PlcMachine
    slack: float = SLACK
    broken: dict[str, list[str]] = field(default_factory=dict)
    looks: int = 0
    openings: int = 0
    slowest: float = 0.0
    _rains: float | None = None
    _dry: float = 0.0
    _lost: tuple[float, float, str] | None = None
    _before: str = "closed"
    _told: set[str] = field(default_factory=set)

    @property
    def shutter(self) -> str:
        """Where it is."""
        return str(self.machine.devices["DOME"].values["shutter"].value)

    def note(self, promise: str, words: str) -> None:
        """A promise was broken."""
        self.broken.setdefault(promise, []).append(words)

    def rain(self, rate: float) -> None:
        """Let it rain so many mm/h from now on; 0 ends it."""
        self.machine.force({"device_name": "WXT520", "value_name": "RainRate", "value": rate})
        now = time.monotonic()
        if rate and self._rains is None:
            self._rains = now
        elif not rate and self._rains is not None:
            self._rains, self._dry = None, now
        self._told.clear()

    def lost(self, words: str, within: float) -> None:
        """From now on somebody is missing, and stays so: closed within so many seconds and the slack."""
        self._lost = time.monotonic(), within, words

    def found(self) -> None:
        """Nobody is missing any more."""
        self._lost = None
        self._told.clear()

    async def watch(self) -> None:
        """Look a hundred times a second."""
        while True:
            await asyncio.sleep(LOOK)
            self.machine.settle()
            self.look(time.monotonic(), self.shutter)

    def look(self, now: float, shutter: str) -> None:
        """Judge what is seen."""
        self.looks += 1
        if shutter == "opening" and self._before != "opening":
            self.openings += 1
            self._judge_opening(now)
        self._before = shutter
        if self._rains is not None:
            self._judge_open("open_in_danger", now - self._rains, CLOSING, "it rains", shutter)
        if self._lost is not None:
            since, within, words = self._lost
            self._judge_open("open_unwatched", now - since, within + CLOSING, words, shutter)

    def _judge_open(self, promise: str, passed: float, within: float, words: str, shutter: str) -> None:
        if shutter == "closed":
            return
        if passed <= within + self.slack:
            self.slowest = max(self.slowest, passed - within)
        elif promise not in self._told:
            self._told.add(promise)
            self.note(promise, f"{words} for {passed:.1f} s and the shutter is {shutter}")

    def _judge_opening(self, now: float) -> None:
        if self._rains is not None and now - self._rains > self.slack:
            self.note("opened_in_danger", f"it has rained for {now - self._rains:.1f} s")
        elif self._rains is None and now - self._dry < HOLD - 0.3:
            self.note("opened_in_danger", f"it has been dry for {now - self._dry:.2f} s only")


UNWATCHED = STALE + 0.5
"""Seconds until an agent that is silent is stale and the guard has acted."""
UNHEARD = BEAT
"""Seconds until the PLC closes by itself."""
