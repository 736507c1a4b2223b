"""The latest sample of every tag: what a segment begins with, so that it can be read without those before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .block import I32, Block, Rows
from .tags import TagBook

_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it is stored."""

    handle: int
    value: Any
    t: int
    quality: int


class InForce:
    """By handle, the sample with the latest time. Used by one thread at a time."""

    def __init__(self) -> None:
        self._t = np.full(0, _NEVER, np.int64)
        self._values = np.empty(0)
        self._quality = np.empty(0, np.uint16)
        self._exact = np.empty(0, np.int64)
        self._objects: dict[int, StoredObject] = {}

    def update(self, block: Block) -> None:
        """Take the rows that are not older than what is there. Keys are handles, each at most once."""
        keys, rows = block.keys, block.rows
        self._grow(int(keys.max()) + 1)
        newer = rows.t >= self._t[keys]
        keys = keys[newer]
        self._t[keys] = rows.t[newer]
        self._values[keys] = rows.values[newer]
        self._quality[keys] = rows.quality[newer]
        if rows.exact is not None:
            self._exact[keys] = rows.exact[newer]

    def take(self, sample: StoredObject) -> bool:
        """True if the object differs in value or quality from the one in force; a later one takes its place."""
        known = self._objects.get(sample.handle)
        if known is not None and known.quality == sample.quality and same_value(known.value, sample.value):
            return False
        if known is None or sample.t >= known.t:
            self._objects[sample.handle] = sample
        return True

    def forget(self, handle: int) -> None:
        """Samples of the tag were lost: its next object counts as new."""
        self._objects.pop(handle, None)

    def drop(self, handle: int) -> None:
        """The tag's last sample is to be told no more."""
        self._objects.pop(handle, None)
        if handle < len(self._t):
            self._t[handle] = _NEVER

    def keyframe(self, book: TagBook) -> list[Block]:
        """Everything in force."""
        handles = np.flatnonzero(self._t > _NEVER).astype(np.int32)
        is_exact = book.exact(handles)
        blocks = [
            self._rows(handles[~is_exact], book, exact=False),
            self._rows(handles[is_exact], book, exact=True),
            object_block(list(self._objects.values()), book, keyframe=True),
        ]
        return [b for b in blocks if len(b.rows)]

    def _rows(self, handles: I32, book: TagBook, *, exact: bool) -> Block:
        columns = self._values[handles], self._t[handles], self._quality[handles]
        return Block(
            Rows(book.ids(handles), *columns, self._exact[handles] if exact else None, keyframe=True),
            handles,
        )

    def _grow(self, size: int) -> None:
        missing = size - len(self._t)
        if missing <= 0:
            return
        missing = max(missing, len(self._t))
        self._t = np.concatenate((self._t, np.full(missing, _NEVER, np.int64)))
        self._values = np.concatenate((self._values, np.full(missing, np.nan)))
        self._quality = np.concatenate((self._quality, np.zeros(missing, np.uint16)))
        self._exact = np.concatenate((self._exact, np.zeros(missing, np.int64)))


def object_block(samples: list[StoredObject], book: TagBook, *, keyframe: bool = False) -> Block:
    """Objects as one block."""
    handles: NDArray[np.int32] = np.array([s.handle for s in samples], np.int32)
    rows = Rows(
        book.ids(handles),
        np.full(len(samples), np.nan),
        np.array([s.t for s in samples], np.int64),
        np.array([s.quality for s in samples], np.uint16),
        objects=tuple(s.value for s in samples),
        keyframe=keyframe,
    )
    return Block(rows, handles)


def same_value(a: Any, b: Any) -> bool:
    """True if two objects are of one type and equal; NaN in an array equals itself."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a is b or (a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    return type(a) is type(b) and bool(a == b)
