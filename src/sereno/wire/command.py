"""Command envelope v1 and acks <-> JSON bytes. Unknown fields and other versions are refused."""

from __future__ import annotations

from typing import Any

import msgspec

from sereno.model import Ack, AckState, Command, Verb

from .errors import WireError
from .jsonvalue import json_bytes, json_value

VERSION = 1
MAX_COMMAND_BYTES = 2 << 20


class _CommandEnvelope(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    v: int
    target: str
    key: str
    verb: Verb = Verb.WRITE
    value: Any = None
    name: str = ""
    arguments: tuple[Any, ...] = ()
    actor: str = ""
    via: str = ""
    origin: str = ""
    expected: Any = None
    expires: int = 0
    comment: str = ""


class _AckEnvelope(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    v: int
    key: str
    state: AckState
    t: int
    reason: str = ""
    value: Any = None
    details: dict[str, Any] | None = None


_COMMAND = msgspec.json.Decoder(_CommandEnvelope)
_ACK = msgspec.json.Decoder(_AckEnvelope)


def encode_command(command: Command) -> bytes:
    """The envelope as JSON. Integers stay exact, arrays become lists.

    Raises WireError for NaN or infinity (a set-point is a number or nothing) and for types JSON has not.
    """
    value, expected, arguments = (finite_value(v) for v in (command.value, command.expected, command.arguments))
    return json_bytes(
        {
            "v": VERSION,
            "target": command.target,
            "key": command.key,
            "verb": command.verb,
            "value": value,
            "name": command.name,
            "arguments": arguments,
            "actor": command.actor,
            "via": command.via,
            "origin": command.origin,
            "expected": expected,
            "expires": command.expires,
            "comment": command.comment,
        }
    )


def decode_command(data: bytes) -> Command:
    """The command in `data`; lists stay lists, `arguments` is a tuple. Raises WireError."""
    if len(data) > MAX_COMMAND_BYTES:
        raise WireError(f"command of {len(data)} bytes, at most {MAX_COMMAND_BYTES}")
    envelope = _decode(_COMMAND, data, "command")
    fields = msgspec.structs.asdict(envelope)
    del fields["v"]
    return Command(**fields)


def encode_ack(ack: Ack) -> bytes:
    """The ack as JSON; a value of NaN becomes null. Raises WireError."""
    known = {"v": VERSION, "key": ack.key, "state": ack.state, "t": ack.t, "reason": ack.reason, "value": ack.value}
    return json_bytes(known if ack.details is None else {**known, "details": ack.details})


def decode_ack(data: bytes) -> Ack:
    """The ack in `data`. Raises WireError."""
    envelope = _decode(_ACK, data, "ack")
    return Ack(key=envelope.key, state=envelope.state, t=envelope.t, reason=envelope.reason, value=envelope.value,
               details=envelope.details)  # fmt: skip


def _decode(decoder: msgspec.json.Decoder[Any], data: bytes, what: str) -> Any:
    try:
        envelope = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"{what}: {error}") from error
    if envelope.v != VERSION:
        raise WireError(f"{what} of version {envelope.v}, expected {VERSION}")
    return envelope


def finite_value(value: Any) -> Any:
    """`value` built as JSON has it. Raises WireError for NaN or infinity and for types JSON has not."""
    plain = json_value(value)
    if _has_hole(value, plain):
        raise WireError(f"{value!r:.80} cannot be sent: not a finite number")
    return plain


def _has_hole(given: Any, plain: Any) -> bool:
    if isinstance(plain, list):
        return any(_has_hole(g, p) for g, p in zip(given, plain, strict=True))
    if isinstance(plain, dict):
        return any(_has_hole(g, p) for g, p in zip(given.values(), plain.values(), strict=True))
    return plain is None and given is not None
