"""Wire: frames of values, commands, acks, JSON values."""

from __future__ import annotations

import msgspec
import numpy as np

from sereno.model import Ack, AckState, Command
from sereno.wire.command import decode_ack, decode_command, encode_ack, encode_command
from sereno.wire.errors import WireError
from sereno.wire.frame import Frame, FrameKind, decode_frame, encode_frame
from sereno.wire.jsonvalue import json_bytes, json_value

from .targets import target

_FRAME = encode_frame(
    Frame(
        FrameKind.CHANGES,
        sub=1,
        seq=2,
        t_hub=3,
        index=np.array([0, 2], np.int32),
        values=np.array([1.5, np.nan]),
        t_source=np.array([4, 5], np.int64),
        quality=np.array([0, 0x8000], np.uint16),
        exact_rows=np.array([1], np.int32),
        exact_values=np.array([7], np.int64),
        objects=((1, ["a", 2], 1_000_000, 0),),
        reasons={2: "stale"},
    )
)
_COMMAND = encode_command(Command(target="a/b", key="k", value=[1, 2.5, "x"], arguments=(1, "two")))
_ACK = encode_ack(Ack(key="k", state=AckState.DONE, t=5, reason="why", value={"a": 1}))


@target("wire-frame", raises=(WireError,), seeds=[_FRAME, encode_frame(Frame(FrameKind.HEARTBEAT, seq=9))])
def frame(data: bytes) -> None:
    """A frame of values: what is taken survives another passage."""
    first = decode_frame(data)
    again = decode_frame(encode_frame(first))
    assert (first.kind, first.sub, first.seq, first.dropped) == (again.kind, again.sub, again.seq, again.dropped)
    assert first.values.tobytes() == again.values.tobytes()
    assert first.index.tobytes() == again.index.tobytes()
    assert first.exact_values.tobytes() == again.exact_values.tobytes()
    assert first.objects == again.objects
    assert first.reasons == again.reasons


@target("wire-command", raises=(WireError,), seeds=[_COMMAND])
def command(data: bytes) -> None:
    """A command's envelope: what is taken survives another passage."""
    first = decode_command(data)
    assert decode_command(encode_command(first)) == first


@target("wire-ack", raises=(WireError,), seeds=[_ACK])
def ack(data: bytes) -> None:
    """An ack: what is taken survives another passage."""
    first = decode_ack(data)
    assert decode_ack(encode_ack(first)) == first


@target(
    "wire-json", raises=(msgspec.DecodeError, UnicodeDecodeError, RecursionError), seeds=[b'{"a": [1, 2.5, null, "x"]}']
)
def json(data: bytes) -> None:
    """Any JSON value, made plain and written again."""
    value = msgspec.json.decode(data)
    assert msgspec.json.decode(json_bytes(value)) == json_value(value)
