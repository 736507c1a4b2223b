"""What is fuzzed: functions that take any bytes and may raise nothing but what they declare.

A new target has a defect in `defects.py` or one of its neighbours that it must find. It is a function in
`on_FAMILY.py` beside this file, with a few inputs to begin with:

    @target("modbus-reply", raises=(ProtocolError,), seeds=[b"..."])
    def reply(data: bytes) -> None:
        decode_reply(data)

Its name begins with the family. Assert in it what must hold for every input that is taken, such as that what was
decoded is encoded to the same bytes. An assertion that fails is a finding like any other exception.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parents[2] / "tests" / "fuzz" / "corpus"
"""A folder for each target: inputs that were worth keeping."""

_PREFIX = "on_"


@dataclass(frozen=True)
class Target:
    """One parser. `longest` input in bytes; `doc` says in a line what it is."""

    name: str
    call: Callable[[bytes], object]
    raises: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]
    longest: int
    doc: str

    def run(self, data: bytes) -> None:
        """One input. Raises what is not declared."""
        try:
            self.call(data)
        except self.raises:
            return

    @property
    def corpus(self) -> Path:
        """Where its inputs are kept."""
        return CORPUS / self.name

    def inputs(self) -> list[bytes]:
        """The seeds, and what was kept."""
        kept = sorted(path for path in self.corpus.glob("*") if path.is_file())
        return list(dict.fromkeys([*self.seeds, *(path.read_bytes() for path in kept)]))


_found: dict[str, Target] = {}


def target(
    name: str, *, raises: tuple[type[Exception], ...] = (), seeds: Sequence[bytes] = (), longest: int = 4096
) -> Callable[[Callable[[bytes], object]], Callable[[bytes], object]]:
    """Make a function a target. Raises ValueError for a name that is taken."""

    def keep(call: Callable[[bytes], object]) -> Callable[[bytes], object]:
        if name in _found:
            raise ValueError(f"two targets {name!r}")
        doc = (call.__doc__ or "").strip().partition("\n")[0]
        _found[name] = Target(name, call, raises, tuple(seeds), longest, doc)
        return call

    return keep


def families() -> list[str]:
    """The families that there are files for."""
    return sorted(path.stem.removeprefix(_PREFIX) for path in Path(__file__).parent.glob(f"{_PREFIX}*.py"))


def find(name: str) -> list[Target]:
    """The targets of a family, one target, or "all". Raises KeyError for an unknown name."""
    wanted = families() if name == "all" else [family for family in families() if name.partition("-")[0] == family]
    for family in wanted:
        importlib.import_module(f"{__package__}.{_PREFIX}{family}")
    found = [t for t in _found.values() if name in ("all", t.name, t.name.partition("-")[0])]
    if not found:
        raise KeyError(name)
    return sorted(found, key=lambda t: t.name)


class Taker:
    """Bytes taken one after another as numbers and pieces; behind the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def number(self, limit: int) -> int:
        """From 0 to limit - 1."""
        size = (max(limit - 1, 1).bit_length() + 7) // 8
        return int.from_bytes(self.take(size), "little") % limit

    def piece(self) -> bytes:
        """A byte that says how many follow."""
        return self.take(self.number(256))

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._data))
