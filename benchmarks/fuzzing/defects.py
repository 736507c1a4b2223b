"""Defects to plant: the fuzzer must find an input for each of them."""

from __future__ import annotations

import struct
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from . import defects_of_bytes, defects_of_lines
from .planting import DEFECTS, planted
from .planting import found_by as _found_by

__all__ = ["DEFECTS", "defects_of_bytes", "defects_of_lines", "planted"]


@_found_by("modbus-reply")
def length_believed(stack: ExitStack) -> None:
    """The byte count of a reply is taken for true."""
    from sereno.drivers.modbus import protocol

    def data_reply(pdu: bytes) -> Any:
        return protocol.DataReply(pdu[0], bytes(pdu[2 + i] for i in range(pdu[1])))

    stack.enter_context(patch.object(protocol, "_data_reply", data_reply))


@_found_by("modbus-client")
def position_unchecked(stack: ExitStack) -> None:
    """A reply whose id nobody waits for is taken for the one to the newest request."""
    from sereno.drivers.modbus.connection import Connection

    give_up = Connection._give_up

    def careless(self: Any, data: bytes, text: str) -> int:
        if "nobody waits for" in text:
            raise StopIteration(text)
        return give_up(self, data, text)

    stack.enter_context(patch.object(Connection, "_give_up", careless))


@_found_by("history-log")
def rows_unchecked(stack: ExitStack) -> None:
    """A block says how many rows it has, and is believed."""
    from sereno.historian import block, recovery

    decode = block.decode_rows

    def believing(payload: memoryview) -> Any:
        n, *_ = struct.unpack_from("<IHHq", payload)
        if n > len(payload):
            raise IndexError(f"{n} rows")
        return decode(payload)

    stack.enter_context(patch.object(recovery, "decode_rows", believing))


@_found_by("text-time")
def any_amount(stack: ExitStack) -> None:
    """A relative time of any length is calculated."""
    from sereno.client import _times

    def calculated(text: str, clock: Any = None) -> int:  # noqa: ARG001 - the signature of parse_time
        found = _times._RELATIVE.match(text.strip())
        if found is None or found[2] is None:
            raise ValueError(text)
        return int(float(found[2]) * 1e9 * _times._SECONDS[found[3]])

    stack.enter_context(patch("fuzzing.on_text.parse_time", calculated))
