"""Simulated instruments of the site, sequences that are executed while agents are harmed, and what became of them."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sereno.client import Client
from sereno.model import AckState, SerenoError, severity
from sereno_observatory.simulators import DEVICES

from .plant import OBSERVER
from .witness import Witness

BOOK = "observatory/sequences"
BEGUN, ENDED, FORGOTTEN = 60.0, 90.0, 6.0
"""Seconds on a busy machine: to the first image, from well again to the end, for an observer to know of it."""
SEQUENCE = """
[[sequence]]
name = "While agents fail"
target = "altaz 60 180"
start = 0
end = 3600

[[sequence.album]]
detector = "Visible camera"
[[sequence.album.plan]]
filter = "r"
exposure = 1.5
images = 3

[[sequence.album]]
detector = "Near-infrared camera"
[[sequence.album.plan]]
filter = "J"
exposure = 1
images = 3
"""
IMAGES = 6


@asynccontextmanager
async def instruments() -> AsyncIterator[dict[str, str]]:
    """The simulated instruments in a process of their own: the URL of each, by its name at the site."""
    words = ("-m", "sereno", "sim", "alpaca", "--port", "0", "--roofless", "--no-shutter", "--json")
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        told = json.loads(await process.stdout.readline())["devices"]
        yield {DEVICES[name]: url for name, url in told.items() if name in DEVICES}
    finally:
        process.terminate()
        await process.wait()


class Observed:
    """The sequence of one round: begun, then looked at when the agents are well again."""

    def __init__(self, client: Client, witness: Witness, nights: Path) -> None:
        self._client, self._witness, self._nights = client, witness, nights
        self.outcomes: Counter[str] = Counter()
        self.images = 0

    async def begin(self) -> int:
        """Have a sequence executed; it is under way with an image on record when this returns. Its number."""
        (number,) = (await self._done(BOOK, "add", SEQUENCE, "the rig")).value
        begun = time.monotonic()
        while (await self._client.call(OBSERVER, "execute", number)).state is not AckState.DONE:
            if time.monotonic() - begun > BEGUN:
                raise SystemExit(f"sequence {number} is not begun after {BEGUN:g} s")
            await asyncio.sleep(0.2)
        while not (shown := await self.shown(number))["images"] and shown["status"] == "EXECUTING":
            if time.monotonic() - begun > BEGUN:
                raise SystemExit(f"no image of sequence {number} after {BEGUN:g} s")
            await asyncio.sleep(0.1)
        return int(number)

    async def end(self, number: int, after: str) -> None:
        """Wait until it has ended, and judge what is on record of it."""
        begun = known = time.monotonic()
        while (shown := await self.shown(number))["status"] == "EXECUTING":
            now = time.monotonic()
            known = known if await self._is_forgotten(number) else now
            if now - known > FORGOTTEN or now - begun > ENDED:
                await self._client.call(BOOK, "cancel", number, "the rig has waited long enough")
                break
            await asyncio.sleep(0.3)
        self.outcomes[shown["status"]] += 1
        self.images += len(shown["images"])
        for promise, words in judged(shown, self._nights):
            self._witness.note(promise, f"{after}: {words}")

    async def shown(self, number: int) -> dict[str, Any]:
        """What the book says of it."""
        found: dict[str, Any] = json.loads((await self._done(BOOK, "show", number)).value)
        return found

    async def _is_forgotten(self, number: int) -> bool:
        """The observer is there and is not at it."""
        try:
            reading = await self._client.get(f"{OBSERVER}/sequence")
        except SerenoError:
            return False
        return severity(reading.quality) == "good" and reading.value != number

    async def _done(self, device: str, name: str, *arguments: Any) -> Any:
        ack = await self._client.call(device, name, *arguments, timeout=20.0)
        if ack.state is not AckState.DONE:
            raise SystemExit(f"{device} {name}: {ack.state} {ack.reason}")
        return ack


def judged(shown: Mapping[str, Any], nights: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with the record of a sequence that should have ended: promise and words."""
    number, status, why, images = (shown[name] for name in ("id", "status", "why", "images"))
    if status == "EXECUTING":
        yield "sequence_ends", f"sequence {number} is still {status}, with {len(images)} images"
    elif not why:
        yield "sequence_ends", f"sequence {number} is {status} and nobody says why"
    elif status == "EXECUTED" and len(images) != IMAGES:
        yield "sequence_ends", f"sequence {number} is {status} with {len(images)} images of {IMAGES}"
    for image in images:
        if not (nights / image["file"]).is_file():
            yield "image_lost", f"{image['file']} of sequence {number} is on record and not there"
    for name in ("file", "slot"):
        for one, times in Counter(json.dumps(image[name]) for image in images).items():
            if times > 1:
                yield "image_lost", f"{name} {one} of sequence {number} is on record {times} times"
