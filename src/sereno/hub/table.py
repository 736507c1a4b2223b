"""The live table: the present value of every tag as numpy columns by handle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.model import NotFoundError, Quality, TagHandle, TagSpec, ValueType

from .paths import PathIndex

I32 = NDArray[np.int32]
NO_GROUP = -1
INEXACT, SIGNED, UNSIGNED = 0, 1, 2
_COLUMNS: dict[str, tuple[Any, Any]] = {
    "value": (np.float64, np.nan),
    "reported": (np.float64, np.nan),
    "deadband": (np.float64, 0.0),
    "t_source": (np.int64, 0),
    "quality": (np.uint16, Quality.WAITING),
    "exact": (np.int64, 0),
    "reported_exact": (np.int64, 0),
    "exactness": (np.uint8, INEXACT),
    "group": (np.int32, NO_GROUP),
}


class LiveTable:
    """Columns by handle; rows beyond `len(table)` are spare. They double when full: hold no view over a registration.

    `value` f64, `quality` u16, `t_source` int64 ns UTC, `exact` int64 where `exactness` says
    so, `reported` and `reported_exact`: what subscribers were last told, for the deadband; `group` GroupId or -1.
    `objects` holds the values that are no rows. `generation` changes whenever the columns move,
    `edition` whenever tags come or go.
    """

    value: NDArray[np.float64]
    reported: NDArray[np.float64]
    deadband: NDArray[np.float64]
    t_source: NDArray[np.int64]
    quality: NDArray[np.uint16]
    exact: NDArray[np.int64]
    reported_exact: NDArray[np.int64]
    exactness: NDArray[np.uint8]
    group: I32

    def __init__(self, capacity: int = 1024) -> None:
        self.specs: list[TagSpec] = []
        self.objects: dict[int, Any] = {}
        self.paths = PathIndex()
        self.generation = self.edition = 0
        self._ids: dict[int, str] = {}
        self._kept: dict[str, TagHandle] = {}
        self._let_go: set[int] = set()
        for name, (dtype, initial) in _COLUMNS.items():
            setattr(self, name, np.full(max(1, capacity), initial, dtype))

    def __len__(self) -> int:
        return len(self.specs)

    def register(self, specs: Sequence[TagSpec]) -> I32:
        """New consecutive handles, all or none; a tag that is kept and was let go has its own again.

        Raises ValueError for a path or 63-bit id that is taken.
        """
        self._check_unique(specs)
        self._reserve(len(self.specs) + len(specs))
        handles = np.array([self._place(spec) for spec in specs], np.int32)
        self.edition += 1
        return handles

    def _place(self, spec: TagSpec) -> int:
        kept = self._kept.get(spec.path)
        if kept is not None and kept in self._let_go:
            self._let_go.remove(kept)
            self.redeclare(kept, spec)
            return int(kept)
        handle = len(self.specs)
        self._ids[spec.id] = spec.path
        self.paths.add(spec.path, TagHandle(handle))
        self.specs.append(spec)
        self.deadband[handle] = spec.deadband_absolute
        if spec.is_row and spec.type.is_exact:
            self.exactness[handle] = UNSIGNED if spec.type is ValueType.UINT64 else SIGNED
        return handle

    def redeclare(self, handle: int, spec: TagSpec) -> None:
        """Another declaration of the same tag: of the same path, id, type and shape."""
        self.specs[handle] = spec
        self.deadband[handle] = spec.deadband_absolute
        self.edition += 1

    def keep(self, specs: Iterable[TagSpec]) -> None:
        """Until `end_keeping`: whoever withdraws these tags lets them go, and who registers them takes them up.

        Those that are there no longer, or of another id, type or shape, come and go as always.
        """
        for spec in specs:
            handle = self.paths.get(spec.path)
            if handle is not None and same_kind(self.specs[handle], spec):
                self._kept[spec.path] = handle

    def end_keeping(self) -> None:
        """What was let go and not taken up is withdrawn."""
        left = sorted(self._let_go)
        self._kept.clear()
        self._let_go.clear()
        self.withdraw(left)

    def keeps(self, handle: int) -> bool:
        """True if the tag would be let go rather than withdrawn."""
        return self.specs[handle].path in self._kept

    def withdraw(self, handles: Sequence[int]) -> None:
        """These tags are not found any more; their paths and ids are free. Their handles are not given to others."""
        self._let_go.update(handle for handle in handles if self.keeps(handle))
        gone = [handle for handle in handles if not self.keeps(handle)]
        for handle in gone:
            del self._ids[self.specs[handle].id]
        self.paths.remove([self.specs[handle].path for handle in gone])
        self.edition += 1

    def spec(self, handle: int) -> TagSpec:
        """Declaration of a tag. Raises IndexError for a handle that was never given out."""
        if handle < 0:
            raise IndexError(f"tag handle {handle}")
        return self.specs[handle]

    def handle(self, path: str, readable: Callable[[str], bool] = lambda _: True) -> TagHandle:
        """Handle of a path. Raises NotFoundError with near spellings among the readable ones."""
        found = self.paths.get(path)
        if found is None:
            raise not_found("tag", path, self.paths.nearest(path, readable))
        return found

    def exact_rows(self, handles: I32) -> I32:
        """Positions in `handles` whose value is a whole 64-bit integer, so that `exact` holds it."""
        values = self.value[handles]
        with np.errstate(invalid="ignore"):  # a device may send signalling NaN
            whole = values == np.floor(values)
        return np.flatnonzero((self.exactness[handles] != INEXACT) & whole).astype(np.int32)

    def _check_unique(self, specs: Sequence[TagSpec]) -> None:
        ids: dict[int, str] = {}
        paths: set[str] = set()
        for spec in specs:
            known = self.paths.get(spec.path)
            if (known is not None and known not in self._let_go) or spec.path in paths:
                raise ValueError(f"tag {spec.path!r} is declared twice; give one of the two another name")
            other = self._ids.get(spec.id) or ids.get(spec.id)
            if other is not None and other != spec.path:
                raise ValueError(
                    f"tags {other!r} and {spec.path!r} have the same id {spec.id:016x}"
                    f"{f' (was {spec.was!r})' if spec.was else ''}; rename one of them or correct its 'was'"
                )
            ids[spec.id] = spec.path
            paths.add(spec.path)

    def _reserve(self, rows: int) -> None:
        size = len(self.value)
        if rows <= size:
            return
        while size < rows:
            size *= 2
        for name, (dtype, initial) in _COLUMNS.items():
            old = getattr(self, name)
            column = np.full(size, initial, dtype)
            column[: len(old)] = old
            setattr(self, name, column)
        self.generation += 1


def same_kind(one: TagSpec, other: TagSpec) -> bool:
    """True if the second may be declared in place of the first, which keeps its handle and history."""
    return (one.path, one.id, one.type, one.shape) == (other.path, other.id, other.type, other.shape)


def not_found(kind: str, name: str, near: Sequence[str]) -> NotFoundError:
    """The error for an unknown name, with what it may have been meant to be."""
    hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else "nothing that you may read is like it"
    return NotFoundError(f"no {kind} {name!r}; {hint}")
