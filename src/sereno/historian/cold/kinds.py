"""What kinds of cold files there are: their columns as numpy sees them and as Parquet declares them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

MAX_DECIMALS = 9
UNITS = {"ms": 1_000_000, "us": 1_000, "ns": 1}
"""Time units of a file in ns, the coarsest first."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column without nulls. `split`: its bytes are stored apart (BYTE_STREAM_SPLIT), else PLAIN."""

    name: str
    dtype: str
    split: bool = False


_KEYS = (Column("tag", "<i8"), Column("t", "<i8", split=True))
_FLOATS = ("sum", "min", "max", "first", "last")
ROLLUP_COLUMNS = (
    *_KEYS,
    Column("count", "<i4", split=True),
    Column("bad", "<i4", split=True),
    *(Column(name, "<f8") for name in _FLOATS),
    Column("t_first", "<i8", split=True),
    Column("t_last", "<i8", split=True),
    Column("integral", "<f8"),
    Column("good_s", "<f8"),
    Column("worst", "<i4"),
)
_QUALITY = Column("quality", "<i4")

DOUBLE, INT64, UINT64, OBJECT = "double", "int64", "uint64", "object"
ROLLUPS = {"1m": 60, "1h": 3600, "1d": 86400}
"""Resolutions of roll-ups in seconds, by the kind of their file."""


def decimal(places: int) -> str:
    """Kind of the samples that are whole multiples of 10 ** -places."""
    return f"decimal{places}"


def places(kind: str) -> int | None:
    """Decimal places of a kind made by `decimal`, None for another."""
    return int(kind.removeprefix("decimal")) if kind.startswith("decimal") else None


@cache
def columns_of(kind: str) -> tuple[Column, ...]:
    """The columns of a kind, in the order of the file; () for objects, which only pyarrow reads."""
    if kind == OBJECT:
        return ()
    if kind in ROLLUPS:
        return ROLLUP_COLUMNS
    whole = kind != DOUBLE
    return (*_KEYS, Column("value", "<i8" if whole else "<f8", split=whole), _QUALITY)


def arrow_schema(kind: str, unit: str) -> Any:
    """The declared schema of a file."""
    import pyarrow as pa

    stamp = pa.timestamp(unit, "UTC")
    types: dict[str, Any] = {"tag": pa.int64(), "t": stamp, "t_first": stamp, "t_last": stamp}
    types |= {"quality": pa.uint16(), "worst": pa.uint16(), "count": pa.int32(), "bad": pa.int32()}
    if kind == OBJECT:
        beside = [("text", pa.string()), ("numbers", pa.list_(pa.float64())), ("data", pa.binary())]
        fields = [pa.field(name, types[name], nullable=False) for name in ("tag", "t", "quality")]
        return pa.schema([*fields, *(pa.field(n, t) for n, t in beside), pa.field("form", pa.string(), nullable=False)])
    scale = places(kind)
    if scale is not None:
        types["value"] = pa.decimal128(18, scale)
    elif kind in (INT64, UINT64):
        types["value"] = pa.int64() if kind == INT64 else pa.uint64()
    return pa.schema([pa.field(c.name, types.get(c.name, pa.float64()), nullable=False) for c in columns_of(kind)])
