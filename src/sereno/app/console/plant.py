"""The plant as it stands at the prompt: paths complete, tags read and write, errors are sentences."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from sereno.client import Reading, Series, SyncClient
from sereno.model import Ack, NotFoundError, SystemClock

from .pictures import Plot, trend_of


class MissingError(NotFoundError, AttributeError):
    """Nothing is at that path: an error of the plant for people, no such attribute for Python."""


class Branch:
    """An area, a device or a tag by its path. Dots go down: `plant.river.plc1.tank_level`."""

    def __init__(self, plant: PlantAtPrompt, path: str) -> None:
        self._plant = plant
        self._path = path

    def __getattr__(self, name: str) -> Branch:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._plant.branch(f"{self._path}/{name}")

    def __getitem__(self, name: str) -> Branch:
        """As a dot, for names that are none in Python: `plant.lab["1"]`."""
        return self._plant.branch(f"{self._path}/{name}")

    def __dir__(self) -> list[str]:
        return [*self._plant.below(self._path), "call", "monitor", "read", "trend", "write"]

    def _ipython_key_completions_(self) -> list[str]:
        return self._plant.below(self._path)

    def read(self) -> Any:
        """The present value of a tag; of what has tags below it, a table."""
        return self._plant.read(self._path)

    def write(self, value: Any, *, comment: str = "") -> Ack:
        """Set a tag and wait for its read-back. Raises what else became of it."""
        return self._plant.client.tag(self._path).write(value, comment=comment)

    def call(self, name: str, *arguments: Any) -> Any:
        """Execute a command of a device and return its result. Raises what else became of it."""
        return self._plant.client[self._path].command(name)(*arguments)

    def monitor(self, seconds: float | None = None) -> None:
        """Print every change, until Ctrl-C or for so many seconds."""
        self._plant.monitor(self._path, seconds=seconds)

    def trend(self, start: str = "now-10min", end: str = "now") -> Plot:
        """Draw the history of a tag."""
        return self._plant.trend(self._path, start=start, end=end)

    def __repr__(self) -> str:
        return repr(self._plant.read(self._path))


class Table:
    """Readings that print as a table, in a terminal and in a notebook."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self.readings = list(readings)

    def __iter__(self) -> Any:
        return iter(self.readings)

    def __len__(self) -> int:
        return len(self.readings)

    def __getitem__(self, at: int) -> Reading:
        return self.readings[at]

    def __repr__(self) -> str:
        rows = [_cells(reading) for reading in self.readings]
        wide = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
        lines = [f"{a:<{wide[0]}}  {b:>{wide[1]}} {c:<{wide[2]}}  {d}".rstrip() for a, b, c, d in rows]
        return "\n".join(lines) or "no tags"


def _cells(reading: Reading) -> tuple[str, str, str, str]:
    return reading.tag.path, value_text(reading), reading.tag.unit, reading.reason


def value_text(reading: Reading) -> str:
    """A value as short as people want it; a dash where there is none."""
    value, decimals = reading.value, reading.tag.decimals
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.{decimals}f}" if decimals is not None else f"{value:.6g}"
    return str(value)


class PlantAtPrompt:
    """`plant` at the prompt. `plant["river/plc1"]` or `plant.river.plc1`; both complete with Tab."""

    def __init__(self, client: SyncClient) -> None:
        self.client = client
        self.paths: list[str] = []
        self.refresh()

    def refresh(self) -> None:
        """Ask again which tags there are."""
        self.paths = [spec.path for spec in self.client.tags()]

    def branch(self, path: str) -> Branch:
        """What is at a path. Raises NotFoundError with what is there."""
        if path not in self.paths and not self.below(path):
            parent, _, name = path.rpartition("/")
            names = self.below(parent)
            there = ", ".join(get_close_matches(name, names, 5) or names[:12])
            raise MissingError(f"there is no {path!r}; below {parent or 'the plant'!r} there is: {there}")
        return Branch(self, path)

    def below(self, path: str) -> list[str]:
        """The next names below a path; "" = the first ones."""
        head = f"{path}/" if path else ""
        return list(dict.fromkeys(p[len(head) :].partition("/")[0] for p in self.paths if p.startswith(head)))

    def read(self, *globs: str) -> Any:
        """The value of one tag, or a table of all that the globs name."""
        if len(globs) == 1 and globs[0] in self.paths:
            return self.client.get(globs[0]).value
        return Table(self.client.read(*globs))

    def put(self, path: str, value: Any, comment: str = "") -> Ack:
        """Set a tag and wait for its read-back. Raises what else became of it."""
        return self.client.tag(path).write(value, comment=comment)

    def monitor(self, *globs: str, seconds: float | None = None) -> None:
        """Print every change of what the globs name, until Ctrl-C or for so many seconds."""
        clock = SystemClock()
        end = None if seconds is None else clock.monotonic() + seconds
        with self.client.subscribe(*globs, min_interval=0.2) as subscription:
            try:
                for update in subscription:
                    for position in [*update.index.tolist(), *(o[0] for o in update.objects)]:
                        print(repr(Table([self.client.get(subscription.tags[position].path)])))  # noqa: T201
                    if end is not None and clock.monotonic() >= end:
                        return
            except KeyboardInterrupt:
                return

    def history(self, *tags: str, start: str = "now-1h", end: str = "now", points: int | None = None) -> list[Series]:
        """Columns of the past; see `SyncClient.query`."""
        return self.client.query(*tags, start=start, end=end, points=points)

    def trend(self, *tags: str, start: str = "now-10min", end: str = "now") -> Plot:
        """Draw the history of tags: in a notebook as a picture, in a terminal with characters."""
        return trend_of(self.client.query(*tags, start=start, end=end, points=600))

    def __getattr__(self, name: str) -> Branch:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.branch(name)

    def __getitem__(self, path: str) -> Branch:
        return self.branch(path)

    def __dir__(self) -> list[str]:
        own = ["client", "history", "monitor", "put", "read", "refresh", "trend"]
        return [*self.below(""), *own]

    def _ipython_key_completions_(self) -> list[str]:
        devices = list(dict.fromkeys(path.rpartition("/")[0] for path in self.paths))
        return [*devices, *self.paths]

    def __repr__(self) -> str:
        return f"<plant of {len(self.paths)} tags: {', '.join(self.below(''))}>"
