"""One reply of a lying device on its way to the wire: an honest one at first, which lies then change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

import numpy as np

from sereno.drivers.modbus.protocol import MAX_PDU, READ_DISCRETE, READ_INPUT, Frame

from .lying_memory import CodedMemory
from .registers import Table

TABLES: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_HEADER_SIZE = 6


class End(StrEnum):
    """How the connection goes on after a reply: open, closed in order, or reset."""

    OPEN = "open"
    CLOSE = "close"
    RESET = "reset"


@dataclass(slots=True)
class Reply:
    """The frame in parts, and how it is sent. Every field may be changed by a lie.

    `length` None = the right one. `before`, `after`: bytes around the frame. `delay`: seconds before the first byte;
    `step`: bytes a piece (0 = all at once), with `pause` seconds between pieces. `share` of the whole is sent, then
    comes `end`. `held`: wait for the next reply, to be merged or to swap ids with it. `flip`: 0 to 1, the bit to turn.
    """

    request: Frame
    transaction: int
    unit: int
    pdu: bytes
    protocol: int = 0
    length: int | None = None
    before: bytes = b""
    after: bytes = b""
    copies: int = 1
    delay: float = 0.0
    step: int = 0
    pause: float = 0.0
    share: float = 1.0
    end: End = End.OPEN
    held: str = ""
    silent: bool = False
    flip: float | None = None

    @classmethod
    def honest(cls, request: Frame, pdu: bytes) -> Reply:
        """The truth, at once."""
        return cls(request, request.transaction, request.unit, pdu)

    @property
    def is_read(self) -> bool:
        """True if registers or bits were asked for."""
        return self.request.pdu[0] in TABLES

    @property
    def start(self) -> int:
        """The first address asked for."""
        return int.from_bytes(self.request.pdu[1:3], "big")

    @property
    def count(self) -> int:
        """How many registers or bits were asked for."""
        return int.from_bytes(self.request.pdu[3:5], "big")

    def frame(self) -> bytes:
        """The frame as it goes out."""
        length = len(self.pdu) + 1 if self.length is None else self.length
        head = (self.transaction, self.protocol, length)
        frame = bytearray(b"".join((field & 0xFFFF).to_bytes(2, "big") for field in head))
        frame += bytes((self.unit & 0xFF,)) + self.pdu
        if self.flip is not None:
            bit = int(self.flip * 8 * len(frame))
            frame[bit // 8] ^= 1 << bit % 8
        return bytes(frame)

    def whole(self) -> bytes:
        """Everything that is sent for this request, before it is cut."""
        return self.before + self.frame() * self.copies + self.after

    def wire(self) -> bytes:
        """What is really sent."""
        whole = self.whole()
        return whole if self.share >= 1.0 else whole[: max(1, int(len(whole) * self.share))]


@dataclass(slots=True)
class Scene:
    """What a lie may draw on. `patience`: the client's time-out. `memories`: every unit's, by its number.

    `previous`: the frame sent before on this connection. `flood`: how many bytes a flood has.
    """

    random: random.Random
    patience: float
    memories: dict[int, CodedMemory]
    flood: int = 1 << 21
    previous: bytes = b""
    ids: list[int] = field(default_factory=list)

    def noise(self, low: int, high: int) -> bytes:
        """Random bytes, between `low` and `high` of them."""
        return self.random.randbytes(self.random.randint(low, high))

    def other_id(self, transaction: int) -> int:
        """A transaction id that is not this one."""
        return (transaction + self.random.randrange(1, 0x10000)) & 0xFFFF


def read_reply(function: int, words: Sequence[int]) -> bytes:
    """The reply PDU that carries these registers, or the bits 8 of these words, at most as many as fit."""
    if function > READ_DISCRETE:
        data = np.array(words, ">u2").tobytes()[: MAX_PDU - 3]
    else:
        bits = (np.array(words, np.uint16) >> 8 & 1).astype(np.uint8)
        data = np.packbits(bits, bitorder="little").tobytes()[: MAX_PDU - 2]
    return bytes((function, len(data))) + data


def content(reply: Reply, memory: CodedMemory, *, shift: int = 0, function: int = 0, generation: int = -1) -> bytes:
    """A valid reply to the request with other content: of other addresses, of another table, of another time."""
    asked = reply.request.pdu[0]
    table = TABLES[function or asked]
    start = max(0, min(reply.start + shift, 0x10000 - reply.count))
    at = memory.generation if generation < 0 else generation
    return read_reply(asked, cast("Sequence[int]", memory.words(table, start, reply.count, at)))


def other_table(function: int) -> int:
    """The function that reads the same kind of thing from the other table."""
    return {1: 2, 2: 1, 3: READ_INPUT, 4: 3}[function]
