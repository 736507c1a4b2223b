"""The demo: simulators in a process of their own, and a node that knows their ports."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from sereno.model import NotFoundError, OperationError

from .platform import tied_to_this_process
from .welcome import Welcome

DEMOS = "sereno.demos"
_DEVICE = re.compile(r"\{([a-z0-9_]+/[a-z0-9_/]+)(:port)?\}")
USUAL_DATA = Path("data")
TEMPLATE = Path(__file__).parent / "templates" / "plant" / "plant.toml"


class Demo(Protocol):
    """What an entry point of `sereno.demos` names.

    `simulators` are command lines of `sereno` to be tried one after another (usual ports, then free ones): each prints
    {"devices": {path: url}} when it is ready. "{speed}" among its words takes --speed. Without any, the node runs the
    [[simulator]] tables of the plant file.
    """

    @property
    def plant(self) -> Path:
        """The plant file."""

    @property
    def simulators(self) -> tuple[tuple[str, ...], ...]:
        """Command lines without `sereno`, `--json` and `--until-stdin-closes`."""

    @property
    def look_at(self) -> tuple[str, ...]:
        """What to try, a line each; "{site/plc}" is where that device is in this run, "{site/plc:port}" its port."""


class WaterworksDemo(NamedTuple):
    """The waterworks."""

    plant: Path = TEMPLATE
    simulators: tuple[tuple[str, ...], ...] = (
        ("sim", "waterworks", "--port", "5020", "--speed", "{speed}"),
        ("sim", "waterworks", "--port", "0", "--speed", "{speed}"),
    )
    look_at: tuple[str, ...] = (
        "the mimic: click a pump or a value, move a set-point and see it come back",
        "the trend: live and history in one, zoom with the mouse, Live returns",
        "sereno sim fault river/plc1 silent 10s   and watch what the page says about it",
    )


WATERWORKS = WaterworksDemo()


def demo_names() -> list[str]:
    """Demos that are installed."""
    return sorted(entry.name for entry in entry_points(group=DEMOS))


def find_demo(name: str) -> Demo | Callable[..., int]:
    """An installed demo, or a function that runs it. Raises NotFoundError."""
    for entry in entry_points(group=DEMOS):
        if entry.name == name:
            found: Demo | Callable[..., int] = entry.load()
            return found
    raise NotFoundError(f"there is no demo {name!r}; there are: {', '.join(demo_names())}")


def run_demo(
    demo: Demo, *, port: int, data: Path, seconds: float | None, speed: float, browser: bool, as_json: bool
) -> int:
    """Run a demo until it is told to stop. Exit code 0."""
    with simulator(demo, speed, meanwhile=_load) if demo.simulators else nullcontext() as urls:
        from .plant.load import load_plant
        from .runner import RunOptions, run_node
        from .simulators.placing import with_simulators, with_urls

        loaded = load_plant(demo.plant)
        plant = with_simulators(loaded) if urls is None else with_urls(loaded, urls)
        options = RunOptions(replace(plant, demo=True), data, "127.0.0.1", port, seconds, fresh_password=True)
        look_at = of_folder(where_it_is(demo.look_at, plant.placed.urls), data)
        return run_node(options, Welcome(as_json=as_json, browser=browser, look_at=look_at))


def _load() -> None:
    """What a node needs, which takes as long as its simulators do."""
    import_module("sereno.app.runner")


def where_it_is(look_at: Iterable[str], urls: Mapping[str, str]) -> tuple[str, ...]:
    """What to try, with the addresses of this run: simulators may have other ports than usual. Raises KeyError."""

    def filled(found: re.Match[str]) -> str:
        url = urls[found[1]]
        return str(urlsplit(url).port) if found[2] else url

    return tuple(_DEVICE.sub(filled, line) for line in look_at)


def of_folder(look_at: Iterable[str], data: Path) -> tuple[str, ...]:
    """What to try, with the data folder where it is not the usual one; simulators ask no node."""

    def told(line: str) -> str:
        words, gap, rest = line.partition("   ")
        asks = words.startswith("sereno ") and not words.startswith("sereno sim ")
        return f"{words} --data {shlex.quote(str(data))}{gap}{rest}" if asks else line

    return tuple(look_at if data == USUAL_DATA else map(told, look_at))


@contextmanager
def simulator(demo: Demo, speed: float, *, meanwhile: Callable[[], None] = lambda: None) -> Iterator[dict[str, str]]:
    """Start the simulators as a process of their own; it ends with this one. Yields device path -> url.

    `meanwhile` is done before their answer is waited for. On their usual ports where they are free, so that
    `sereno sim fault` needs no option; else on others.
    """
    with ExitStack() as stack:
        line, last = "", demo.simulators[-1]
        for words in demo.simulators:
            named = [word.format(speed=speed) for word in words]
            process = stack.enter_context(_started(named, quiet=words is not last))
            meanwhile()
            if line := _first_line(process):
                break
        if not line:
            raise OperationError(f"the simulator did not start; try `sereno {' '.join(last[:2])}` to see why")
        urls: dict[str, str] = json.loads(line)["devices"]
        yield urls


@contextmanager
def _started(words: list[str], *, quiet: bool) -> Iterator[subprocess.Popen[str]]:
    """A process of `sereno`, told to end at the end, and ended where it does not."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sereno", *words, "--json", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        env={**os.environ, **tied_to_this_process()},
        text=True,
    )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _first_line(process: subprocess.Popen[str]) -> str:
    """What it printed when ready; empty if it ended instead."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
    return line
