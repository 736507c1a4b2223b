"""The present values of a device's tags: set from its code in any thread, published as columns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sereno.device._driver import ScanColumns
from sereno.model import DeviceError, ExactBlock, NotFoundError, Quality

from .declare import MISSING
from .plan import PlannedTag


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of a tag: its coded value or MISSING, quality, ns UTC (0 = whenever it is published), and why."""

    value: Any = MISSING
    quality: int = int(Quality.WAITING)
    t_source: int = 0
    reason: str = ""


def _alike(one: Cell, other: Cell) -> bool:
    """Whether two cells of a row say the same."""
    return bool(
        one.value == other.value
        and one.quality == other.quality
        and one.t_source == other.t_source
        and one.reason == other.reason
    )


class Columns:
    """The tags of one scan group as columns. `busy` while its own scan runs; `pushed` if set by others since."""

    def __init__(self, tags: Sequence[PlannedTag]) -> None:
        self.tags = tuple(tags)
        self.rows = [tag for tag in tags if tag.spec.is_row]
        self.objects = [tag for tag in tags if not tag.spec.is_row]
        self.busy = self.pushed = False
        self._position = {tag.name: i for part in (self.rows, self.objects) for i, tag in enumerate(part)}
        self._values = np.full(len(self.rows), np.nan)
        self._quality = np.full(len(self.rows), int(Quality.WAITING), np.uint16)
        self._t_source = np.zeros(len(self.rows), np.int64)
        self._exact = np.zeros(len(self.rows), np.int64)
        self._timed = False
        self._exact_rows = np.array([i for i, tag in enumerate(self.rows) if tag.spec.type.is_exact], np.int32)
        self._beside: list[Cell] = [Cell()] * len(self.objects)
        self._reasons: dict[str, str] = {}

    def put(self, tag: PlannedTag, cell: Cell) -> None:
        """Take a new value; one that is MISSING leaves a row without a number."""
        at = self._position[tag.name]
        if cell.reason:
            self._reasons[tag.name] = cell.reason
        else:
            self._reasons.pop(tag.name, None)
        if not tag.spec.is_row:
            self._beside[at] = cell
            return
        self._values[at] = np.nan if cell.value is MISSING else cell.value
        if tag.spec.type.is_exact:
            self._exact[at] = 0 if cell.value is MISSING else np.uint64(cell.value & (2**64 - 1)).view(np.int64)
        self._quality[at] = cell.quality
        self._t_source[at] = cell.t_source
        self._timed = self._timed or cell.t_source != 0

    def sealed(self, now: int, *, complete: bool = True) -> ScanColumns:
        """A copy of all rows and of the objects that have a value, as of `now` where no time was given."""
        known = self._exact_rows
        if known.size:
            known = known[~np.isnan(self._values[known])]
        return ScanColumns(
            values=self._values.copy(),
            quality=self._quality.copy(),
            complete=complete,
            exact=ExactBlock(known, self._exact[known]) if len(known) else None,
            objects=tuple((i, c.value, c.quality) for i, c in enumerate(self._beside) if c.value is not MISSING),
            t_source=np.where(self._t_source == 0, now, self._t_source) if self._timed else None,
            reasons=dict(self._reasons),
        )


class Values:
    """All tags of one device. `poke(name)` is called in the loop when code has set a tag that is to be published."""

    def __init__(self, path: str, tags: Iterable[PlannedTag]) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._tags: dict[str, PlannedTag] = {}
        self._cells: dict[str, Cell] = {}
        self._columns: dict[str, Columns] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._poke: Callable[[str], None] = lambda _: None
        self._keep: Callable[[str, Any], None] = lambda _name, _coded: None
        for tag in tags:
            self.add(tag)

    def add(self, tag: PlannedTag) -> None:
        """One more tag, with the value that it starts with."""
        start = tag.start
        self._tags[tag.name] = tag
        self._cells[tag.name] = Cell() if start is MISSING else Cell(start, int(Quality.GOOD))

    def renewed(self, tag: PlannedTag) -> PlannedTag:
        """The same tag with other methods, its value as it is."""
        self._tags[tag.name] = tag
        return tag

    def drop(self, name: str) -> None:
        """One less."""
        del self._tags[name], self._cells[name]
        self._columns.pop(name, None)

    def adopt(self, other: Values) -> None:
        """Take over what code or commands had set, where the tag is still of the same kind."""
        for name, tag in self._tags.items():
            known = other._tags.get(name)
            if known is not None and tag.held and known.held and tag.kind == known.kind:
                self._cells[name] = other._cells[name]

    def lay_out(self, names: Sequence[str]) -> Columns:
        """The columns of a scan group, from now on kept up."""
        columns = Columns([self._tags[name] for name in names])
        with self._lock:
            for tag in columns.tags:
                self._columns[tag.name] = columns
                columns.put(tag, self._cells[tag.name])
        return columns

    def bind(
        self, loop: asyncio.AbstractEventLoop, poke: Callable[[str], None], keep: Callable[[str, Any], None]
    ) -> None:
        """From now on publish through `poke` and hand memorised values to `keep`, both called in `loop`."""
        self._loop, self._poke, self._keep = loop, poke, keep

    def tag(self, name: str) -> PlannedTag:
        """A tag by its name. Raises NotFoundError."""
        if name not in self._tags:
            raise NotFoundError(f"device {self.path!r} has no tag {name!r}")
        return self._tags[name]

    def cell(self, name: str) -> Cell:
        """What is known of a tag. The same object as long as nobody has set it."""
        return self._cells[name]

    def get(self, name: str) -> Any:
        """The present value as code sees it. Raises DeviceError while there is none."""
        tag, cell = self.tag(name), self._cells[name]
        if cell.value is MISSING:
            raise DeviceError("no_value", f"{name} has no value yet{f': {cell.reason}' if cell.reason else ''}")
        return tag.kind.opened(cell.value)

    def set(self, name: str, value: Any, *, quality: int = int(Quality.GOOD), t_source: int = 0) -> None:
        """Take a value from code, in any thread. Raises TypeError or ValueError for one of another kind."""
        tag = self.tag(name)
        try:
            coded = tag.kind.coded(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from None
        self.put(name, Cell(coded, quality, t_source))

    def put(self, name: str, cell: Cell) -> None:
        """As `set`, coded already."""
        with self._lock:
            tag, before = self._tags[name], self._cells[name]
            self._cells[name] = cell
            columns = self._columns.get(name)
            quiet = True
            if columns is not None:
                if not (tag.spec.is_row and _alike(before, cell)):
                    columns.put(tag, cell)
                quiet = columns.busy or columns.pushed
                columns.pushed = columns.pushed or not columns.busy
        if tag.held and tag.options.memorised and cell.value is not MISSING:
            self.remember(name, cell.value)
        if not quiet:
            self._in_loop(lambda: self._poke(name))

    def read(self, columns: Columns, now: int, *, complete: bool = True) -> ScanColumns:
        """The columns as they are; what is set from now on is news."""
        with self._lock:
            columns.pushed = columns.busy = False
            return columns.sealed(now, complete=complete)

    def remember(self, name: str, coded: Any) -> None:
        """Keep a value for the next start. Any thread."""
        self._in_loop(lambda: self._keep(name, coded))

    def memorised(self) -> Mapping[str, PlannedTag]:
        """The tags that are set again after a restart."""
        return {name: tag for name, tag in self._tags.items() if tag.options.memorised}

    def _in_loop(self, work: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            here = asyncio.get_running_loop() is loop
        except RuntimeError:
            here = False
        if here:
            work()
        else:
            loop.call_soon_threadsafe(work)
