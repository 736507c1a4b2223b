"""SampleBatch: columns of samples, from the wire to the screen (docs/decisions: columns)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._ids import GroupId, TagHandle

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]
Mask = NDArray[np.bool_]

_FLOAT64, _INT64, _INT32, _UINT16 = (np.dtype(t) for t in (np.float64, np.int64, np.int32, np.uint16))

MAX_OBJECT_BYTES = 1 << 20
"""Largest object (string, waveform) that may travel beside the rows; images go by reference."""


class RowIndex:
    """The tags of a batch: strictly increasing handles, checked once, shared by all its batches.

    Identity is meaning: subscribers cache what they compute for a RowIndex under the object itself.
    Raises ValueError if the handles are negative, not sorted or not unique.
    """

    __slots__ = ("__weakref__", "handles")

    def __init__(self, handles: I32 | Sequence[int]) -> None:
        array = np.array(handles, dtype=np.int32)  # always a copy: nobody else can change it
        if array.ndim != 1 or (array.size and array[0] < 0) or not (array[1:] > array[:-1]).all():
            raise ValueError("handles of a batch must be one-dimensional, not negative, strictly increasing")
        array.setflags(write=False)
        self.handles: I32 = array

    def __len__(self) -> int:
        return len(self.handles)


EMPTY_INDEX = RowIndex(())


@dataclass(frozen=True, slots=True)
class ExactBlock:
    """int64 values of the rows that float64 cannot hold; uint64 tags are stored as their bit pattern.

    `rows` are positions in the batch (int32, increasing), `values` int64 of the same length.
    """

    rows: I32
    values: I64


@dataclass(frozen=True, slots=True)
class ObjectSample:
    """A string, waveform or other object that travels beside the rows. The value is immutable."""

    handle: TagHandle
    value: Any
    t_source: int
    quality: int


@dataclass(frozen=True, slots=True, eq=False)
class SampleBatch:
    """One whole scan of a group: all rows, read-only arrays of equal length.

    `seq` increases by one per batch of the group and is the order of the live path.
    `complete` says that every member of the group answered in this scan.
    `changed` (set by the hub) marks the rows beyond their deadband; None means all.
    `t_source` int64 ns UTC per row, `t_hub` when the batch entered the hub (0 = not yet).
    """

    group: GroupId
    seq: int
    index: RowIndex
    values: F64
    t_source: I64
    quality: U16
    exact: ExactBlock | None = None
    objects: tuple[ObjectSample, ...] = ()
    complete: bool = True
    changed: Mask | None = None
    t_hub: int = 0

    def __len__(self) -> int:
        return len(self.index)

    @property
    def handles(self) -> I32:
        """Handles of the rows, strictly increasing."""
        return self.index.handles

    def admitted(self, *, t_hub: int, changed: Mask, objects: tuple[ObjectSample, ...] | None = None) -> SampleBatch:
        """The same batch, sharing all arrays, with the hub's stamp, change mask and `objects` equal to its own."""
        changed.setflags(write=False)
        held = self.objects if objects is None else objects
        columns = (self.group, self.seq, self.index, self.values, self.t_source, self.quality)
        return SampleBatch(*columns, self.exact, held, self.complete, changed, t_hub)


def seal(  # noqa: PLR0917 - the columns in their order
    group: GroupId,
    seq: int,
    index: RowIndex,
    values: F64,
    t_source: I64 | int,
    quality: U16 | int,
    *,
    exact: ExactBlock | None = None,
    objects: tuple[ObjectSample, ...] = (),
    complete: bool = True,
) -> SampleBatch:
    """Check and freeze the columns of a scan. A scalar `t_source` or `quality` holds for all rows.

    The arrays are made read-only in place: the caller gives them away.
    Raises ValueError if a column's length, the type of the values, the exact block or an object's size is wrong.
    """
    n = len(index)
    if values.dtype != _FLOAT64:
        raise ValueError(f"values of a batch are {values.dtype}, expected float64; int64 values go in the exact block")
    times = _column(t_source, n, _INT64)
    codes = _column(quality, n, _UINT16)
    if values.shape != (n,) or times.shape != (n,) or codes.shape != (n,):
        raise ValueError(
            f"a batch of {n} rows got columns of {values.shape} values, {times.shape} times, {codes.shape} qualities"
        )
    values.setflags(write=False)
    if exact is not None:
        _check_exact(exact, n)
    for sample in objects:
        _check_object(sample)
    return SampleBatch(group, seq, index, values, times, codes, exact, objects, complete)


def _column(given: Any, n: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if isinstance(given, np.ndarray):
        column = given if given.dtype == dtype else given.astype(dtype)
    else:
        column = np.empty(n, dtype)
        column.fill(int(given))
    column.setflags(write=False)
    return column


def _check_exact(exact: ExactBlock, n: int) -> None:
    rows, values = exact.rows, exact.values
    if rows.dtype != _INT32 or values.dtype != _INT64 or rows.ndim != 1 or rows.shape != values.shape:
        raise ValueError(f"exact block of {rows.dtype} rows and {values.dtype} values, expected int32 and int64 alike")
    values.setflags(write=False)
    if not rows.size:
        return
    increasing = not rows.flags.writeable or bool((rows[1:] > rows[:-1]).all())  # read-only: sealed before
    if rows[0] < 0 or rows[-1] >= n or not increasing:
        raise ValueError(f"rows of the exact block must increase and lie within the {n} rows of the batch")
    rows.setflags(write=False)


def _check_object(sample: ObjectSample) -> None:
    value = sample.value
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    size = value.nbytes if isinstance(value, np.ndarray) else len(value) if isinstance(value, str | bytes) else 0
    if size > MAX_OBJECT_BYTES:
        raise ValueError(f"object of {size} bytes beside the rows, at most {MAX_OBJECT_BYTES}; send it by reference")
