"""The demo: simulators in a process of their own, and a node that knows their ports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple, Protocol

from sereno.model import NotFoundError, OperationError

from .plant.load import Plant, PlantDevice, load_plant
from .runner import RunOptions, run_node
from .welcome import Welcome

DEMOS = "sereno.demos"
TEMPLATE = Path(__file__).parent / "templates" / "plant" / "plant.toml"


class Demo(Protocol):
    """What an entry point of `sereno.demos` names.

    `simulators` are command lines of `sereno` to be tried one after another (usual ports, then free ones): each prints
    {"devices": {path: url}} when it is ready. "{speed}" among its words takes --speed.
    """

    @property
    def plant(self) -> Path:
        """The plant file."""

    @property
    def simulators(self) -> tuple[tuple[str, ...], ...]:
        """Command lines without `sereno`, `--json` and `--until-stdin-closes`."""

    @property
    def look_at(self) -> tuple[str, ...]:
        """What to try, a line each."""


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
    plant = load_plant(demo.plant)
    with simulator(demo, speed) as urls:
        options = RunOptions(with_urls(plant, urls), data, "127.0.0.1", port, seconds, fresh_password=True)
        return run_node(options, Welcome(as_json=as_json, browser=browser, look_at=demo.look_at))


def with_urls(plant: Plant, urls: Mapping[str, str]) -> Plant:
    """The plant with other addresses for some of its devices."""
    devices = [_with_url(d, urls[d.table.name]) if d.table.name in urls else d for d in plant.devices]
    return replace(plant, devices=tuple(devices))


def _with_url(device: PlantDevice, url: str) -> PlantDevice:
    if device.written is None:
        return replace(device, config=device.config.model_copy(update={"url": url}))
    settings = {**device.written.settings, "url": url}
    return replace(device, config=settings, written=replace(device.written, settings=settings))


@contextmanager
def simulator(demo: Demo, speed: float) -> Iterator[dict[str, str]]:
    """Start the simulators as a process of their own; it ends with this one. Yields device path -> url.

    On their usual ports where they are free, so that `sereno sim fault` needs no option; else on others.
    """
    for words in demo.simulators:
        process, line = _start([word.format(speed=speed) for word in words], quiet=words is not demo.simulators[-1])
        if line:
            break
    try:
        if not line:
            raise OperationError(f"the simulator did not start; try `sereno {' '.join(words[:2])}` to see why")
        urls: dict[str, str] = json.loads(line)["devices"]
        yield urls
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


def _start(words: list[str], *, quiet: bool) -> tuple[subprocess.Popen[str], str]:
    """The process and the line that it printed when ready; an empty line if it ended instead."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sereno", *words, "--json", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
    return process, line
