"""The row groups that were decoded last: neighbouring tags and repeated questions read the same ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]


class BlockCache:
    """Decoded columns by file and row group, up to `max_bytes`, the latest used. For any thread."""

    def __init__(self, max_bytes: int = 24 << 20) -> None:
        self.bytes = 0
        self._max_bytes = max_bytes
        self._blocks: OrderedDict[tuple[str, int], Columns] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str, group: int) -> Columns:
        """What is there of a row group; nothing is {}."""
        with self._lock:
            found = self._blocks.get((name, group))
            if found is None:
                return {}
            self._blocks.move_to_end((name, group))
            return found

    def put(self, name: str, group: int, columns: Columns) -> None:
        """Keep columns of a row group in place of what was there of it."""
        with self._lock:
            self.bytes += _size(columns) - _size(self._blocks.pop((name, group), {}))
            self._blocks[name, group] = columns
            while self.bytes > self._max_bytes and len(self._blocks) > 1:
                _, gone = self._blocks.popitem(last=False)
                self.bytes -= _size(gone)


def _size(columns: Columns) -> int:
    return sum(column.nbytes for column in columns.values())
