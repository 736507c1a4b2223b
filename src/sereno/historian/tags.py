"""Which tag an id stands for: tags.jsonl, one line per definition, append-only, so that ids stay readable."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from sereno.model import Fault, TagHandle, TagId, TagSpec, ValueType

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

VERSION = 1
_UNKNOWN = -1
_NEAR = 60 * 10**9


class TagLookup(Protocol):
    """What the historian asks of the hub."""

    def spec(self, handle: TagHandle) -> TagSpec:
        """Declaration of a tag that occurs in a batch."""

    def directory(self) -> Mapping[TagHandle, TagSpec]:
        """Every declared tag, whether it ever had a sample or not; the same mapping until one is declared."""


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What a tag was declared as from `since` (ns UTC) on."""

    v: int = VERSION
    id: int
    path: str
    type: ValueType
    unit: str = ""
    labels: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    decimals: int | None = None
    since: int = 0

    @property
    def is_row(self) -> bool:
        """True if the values are rows, False if objects."""
        return not self.shape and self.type is not ValueType.STRING

    def same_as(self, other: Definition) -> bool:
        """True if only `since` differs."""
        return msgspec.structs.replace(self, since=0) == msgspec.structs.replace(other, since=0)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A tag that somebody asks for: its last definition, its number in this process if it has one, and its
    `earlier` definitions by time.
    """

    definition: Definition
    handle: int | None
    earlier: tuple[Definition, ...] = ()


def define(spec: TagSpec, since: int) -> Definition:
    """The definition that a declaration makes."""
    return Definition(
        id=int(spec.id),
        path=spec.path,
        type=spec.type,
        unit=spec.unit,
        labels=spec.labels,
        shape=spec.shape,
        decimals=spec.decimals,
        since=since,
    )


def encode_definition(definition: Definition) -> bytes:
    """One line: a JSON object whose last field is the CRC-32 of what stands before it."""
    body = msgspec.json.encode(definition)[:-1]
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def decode_definition(line: bytes) -> Definition:
    """The definition of one line. Raises ValueError."""
    body, mark, rest = line.rpartition(b',"crc":"')
    if not mark or rest != b'%08x"}' % zlib.crc32(body):
        raise ValueError("checksum does not fit")
    try:
        return msgspec.json.decode(body + b"}", type=Definition)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error


def _since(t: int, now: int) -> int:
    return t if now - _NEAR < t < now else now


@dataclass(slots=True)
class _Handles:
    """By handle; replaced whole when it grows, so that other threads may read it."""

    ids: I64
    exact: NDArray[np.bool_]


class TagBook:
    """Ids, paths and definitions. `register` belongs to one thread, everything else to any."""

    def __init__(self, lookup: TagLookup) -> None:
        self._lookup = lookup
        self._handles = _Handles(np.full(0, _UNKNOWN, np.int64), np.zeros(0, np.bool_))
        self._latest: dict[int, Definition] = {}
        self._earlier: dict[int, list[Definition]] = {}
        self._by_path: dict[str, int] = {}
        self._handle_of: dict[int, int] = {}
        self._declared: Mapping[TagHandle, TagSpec] = {}
        self._declared_paths: dict[str, int] = {}
        self._unsaved: list[Definition] = []
        self._lock = threading.Lock()

    def load(self, data: bytes, path: Path) -> list[Fault]:
        """Take the lines of tags.jsonl; what is damaged is left out and reported."""
        faults: list[Fault] = []
        for number, line in enumerate(data.split(b"\n"), 1):
            if not line:
                continue
            try:
                definition = decode_definition(line)
                if definition.id not in self._handle_of:
                    self._remember(definition)
            except ValueError as error:
                fix = "Left out; the tag is written again when it is next seen"
                faults.append(Fault(f"{path}:{number}", f"damaged definition ({error})", fix=fix))
        return faults

    def register(self, handles: I32, now: int, t: I64 | None = None) -> None:
        """Look up the handles that were never seen, and note their definitions for saving.

        `t` are the times of their first samples: a new definition holds from then on.
        """
        if not len(handles):
            return
        self._grow(int(handles.max()) + 1)
        for at in np.flatnonzero(self._handles.ids[handles] == _UNKNOWN).tolist():
            self._look_up(int(handles[at]), now if t is None else _since(int(t[at]), now))

    def register_one(self, handle: int, now: int) -> None:
        """As `register`."""
        self._grow(handle + 1)
        if self._handles.ids[handle] == _UNKNOWN:
            self._look_up(handle, now)

    def redefine(self, handles: Iterable[int], now: int) -> None:
        """Look up the declarations of handles that were seen again: they have changed."""
        for handle in handles:
            if handle < len(self._handles.ids) and self._handles.ids[handle] != _UNKNOWN:
                self._look_up(handle, now)

    def take_unsaved(self) -> bytes:
        """Lines that are not on the disk yet; the caller saves them or gives them back with `keep`."""
        with self._lock:
            lines, self._unsaved = self._unsaved, []
        return b"".join(encode_definition(d) for d in lines)

    def keep(self, lines: bytes) -> None:
        """The lines could not be saved: hand them out again next time."""
        with self._lock:
            self._unsaved = [decode_definition(line) for line in lines.split(b"\n") if line] + self._unsaved

    def ids(self, handles: I32) -> I64:
        """Ids of registered handles."""
        found: I64 = self._handles.ids[handles]
        return found

    def exact(self, handles: I32) -> NDArray[np.bool_]:
        """Which of the registered handles are int64 or uint64 tags."""
        found: NDArray[np.bool_] = self._handles.exact[handles]
        return found

    def id_of(self, handle: int) -> int:
        """Id of one registered handle."""
        return int(self._handles.ids[handle])

    def handle_of(self, tag: TagId | int) -> int | None:
        """Handle of a tag in this process, None if it has not been seen."""
        return self._handle_of.get(tag)

    def definition(self, path: str, now: int) -> Definition | None:
        """The present definition of the tag that is, or was last, called `path`; None if there never was one.

        Belongs to the thread of `register`: a declared tag without a sample is registered here.
        """
        tag = self._by_path.get(path)
        if tag is None or tag not in self._handle_of:
            self.declare((path,), now)
        tag = self._by_path.get(path)
        return None if tag is None else self._latest[tag]

    def by_path(self) -> dict[str, int]:
        """Ids by every path that history is known of."""
        return dict(self._by_path)

    def earlier(self, tag: int) -> tuple[Definition, ...]:
        """What a tag was declared as before its present definition, by time."""
        return tuple(self._earlier.get(tag, ()))

    def declare(self, paths: Collection[str], now: int) -> None:
        """Register those of the tags that are declared now. Belongs to the thread of `register`."""
        directory = self._lookup.directory()
        if directory is not self._declared:
            self._declared = directory
            self._declared_paths = {spec.path: handle for handle, spec in directory.items()}
        for path in paths:
            handle = self._declared_paths.get(path)
            if handle is not None:
                self.register_one(handle, now)

    def paths(self) -> list[str]:
        """Every path that history is known of."""
        return sorted(self._by_path)

    def _look_up(self, handle: int, now: int) -> None:
        spec = self._lookup.spec(TagHandle(handle))
        definition = define(spec, now)
        self._handles.exact[handle] = spec.type.is_exact and spec.is_row
        self._handles.ids[handle] = definition.id
        self._handle_of[definition.id] = handle
        known = self._latest.get(definition.id)
        if known is None or not known.same_as(definition):
            self._remember(definition)
            with self._lock:
                self._unsaved.append(definition)

    def _remember(self, definition: Definition) -> None:
        known = self._latest.get(definition.id)
        if known is not None:
            self._earlier.setdefault(definition.id, []).append(known)
        self._latest[definition.id] = definition
        self._by_path[definition.path] = definition.id

    def _grow(self, size: int) -> None:
        missing = size - len(self._handles.ids)
        if missing > 0:
            missing = max(missing, len(self._handles.ids))
            ids = np.concatenate((self._handles.ids, np.full(missing, _UNKNOWN, np.int64)))
            exact = np.concatenate((self._handles.exact, np.zeros(missing, np.bool_)))
            self._handles = _Handles(ids, exact)
