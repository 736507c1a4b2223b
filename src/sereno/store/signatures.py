"""Signatures in the audit: each carries a seal over the record that it was made for, so that it fits no other one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from sereno.model import Signature

FORMAT = 1
SEALED = ("t", "actor", "origin", "action", "target", "old", "outcome", "comment", "command")
"""Columns that the seal is over, besides the new value and the signature's own name, meaning and time."""
_MARK = '"signature"'


def signed(content: Mapping[str, Any], signature: Signature) -> str:
    """The `new` column of a record with the signature beside the value; `content` is the record by column."""
    said = {"name": signature.name, "meaning": signature.meaning, "t": signature.t}
    value = msgspec.json.decode(content["new"])
    made = {"value": value, "signature": {**said, "seal": _seal(content, value, said)}}
    return msgspec.json.encode(made).decode()


def signature_fault(content: Mapping[str, Any]) -> str:
    """What is wrong with the signature in a record; empty if it fits, or there is none."""
    if _MARK not in content["new"]:
        return ""
    new = msgspec.json.decode(content["new"])
    if not isinstance(new, dict) or set(new) != {"value", "signature"} or not isinstance(new["signature"], dict):
        return ""
    said = dict(new["signature"])
    seal = str(said.pop("seal", ""))
    if hmac.compare_digest(_seal(content, new["value"], said).encode(), seal.encode()):
        return ""
    return "its signature was made for another record, and was copied onto this one"


def _seal(content: Mapping[str, Any], value: Any, said: Mapping[str, Any]) -> str:
    sealed = [
        FORMAT,
        *(content[name] for name in SEALED),
        value,
        *(said.get(name) for name in ("name", "meaning", "t")),
    ]
    return hashlib.sha256(msgspec.json.encode(sealed)).hexdigest()
