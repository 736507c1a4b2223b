"""What a lying device really holds, registers that tell where they are and when they were read, and a log of it."""

from __future__ import annotations

import random
from collections import OrderedDict, deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sereno.drivers.modbus.protocol import Frame

from .registers import BitTable, RegisterMemory, Table, WordTable

U16 = NDArray[np.uint16]
STEP = 40_503
"""What one generation adds to every word: odd, so that a word repeats after 65536 generations and not before."""
KEPT = 512
_CONNECTIONS = 64


class CodedMemory(RegisterMemory):
    """Registers whose content follows from unit, table, address and `generation`, so that any mix-up shows.

    word = code(unit, table, address) + generation * STEP (mod 65536); a bit is bit 8 of such a word. Holding registers
    and coils from `plain` on are ordinary ones, as written by masters.
    """

    def __init__(self, unit: int, *, plain: int = 60_000) -> None:
        super().__init__()
        self.unit = unit
        self.plain = plain
        self.generation = 0
        self._codes = {table: _codes(unit, table) for table in ("input", "holding", "coil", "discrete")}

    def words(self, table: Table, start: int, count: int, generation: int | None = None) -> U16:
        """The coded words of a place, of this or another generation."""
        at = self.generation if generation is None else generation
        words: U16 = self._codes[table][start : start + count] + np.uint16(at * STEP & 0xFFFF)
        return words

    def read_words(self, table: WordTable, start: int, count: int) -> bytes:
        """See RegisterMemory."""
        coded = self.words(table, start, count).astype(">u2").tobytes()
        if table != "holding" or start + count <= self.plain:
            return coded
        from_plain = 2 * max(0, self.plain - start)
        return coded[:from_plain] + super().read_words(table, start, count)[from_plain:]

    def read_bits(self, table: BitTable, start: int, count: int) -> bytes:
        """See RegisterMemory."""
        bits = (self.words(table, start, count) >> 8 & 1).astype(np.uint8)
        if table == "coil" and start + count > self.plain:
            first = max(0, self.plain - start)
            bits[first:] = self.bits("coil")[start + first : start + count]
        return np.packbits(bits, bitorder="little").tobytes()


def _codes(unit: int, table: str) -> U16:
    words = random.Random(f"{unit}/{table}").randbytes(2 * 65536)  # noqa: S311 - a pattern, no secret
    return np.frombuffer(words, "<u2").astype(np.uint16)


@dataclass(frozen=True, slots=True)
class Held:
    """One request as the device got it, and the honest reply to it: what the registers held at that moment."""

    t: float
    frame: Frame
    reply: bytes


class TruthLog:
    """The honest reply to each request, by connection and the request's place on it; the latest `KEPT` of each."""

    def __init__(self) -> None:
        self.requests = 0
        self._connections: OrderedDict[object, tuple[list[int], deque[Held]]] = OrderedDict()

    def open(self, connection: object) -> None:
        """A connection begins; `connection` is the client's address, which may have been used before."""
        self._connections.pop(connection, None)
        self._connections[connection] = [0], deque(maxlen=KEPT)
        while len(self._connections) > _CONNECTIONS:
            self._connections.popitem(last=False)

    def note(self, connection: object, held: Held) -> None:
        """The next request on a connection."""
        count, kept = self._connections[connection]
        count[0] += 1
        kept.append(held)
        self.requests += 1

    def held(self, connection: object, place: int) -> Held | None:
        """The request number `place` (from 0) of a connection; None if it never came, or is forgotten."""
        if connection not in self._connections:
            return None
        count, kept = self._connections[connection]
        at = place - (count[0] - len(kept))
        return kept[at] if 0 <= at < len(kept) else None
