"""The demo: simulators in a process of their own, and a node that knows their ports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sereno.model import OperationError

from .plant.load import Plant, load_plant
from .runner import RunOptions, run_node
from .welcome import Welcome

TEMPLATE = Path(__file__).parent / "templates" / "plant" / "plant.toml"

LOOK_AT = (
    "the mimic: click a pump or a value, move a set-point and see it come back",
    "the trend: live and history in one, zoom with the mouse, Live returns",
    "sereno sim fault river/plc1 silent 10s   and watch what the page says about it",
)


def run_demo(*, port: int, data: Path, seconds: float | None, speed: float, browser: bool, as_json: bool) -> int:
    """Run the waterworks until it is told to stop. Exit code 0."""
    plant = load_plant(TEMPLATE)
    with simulator(speed) as urls:
        options = RunOptions(with_urls(plant, urls), data, "127.0.0.1", port, seconds, fresh_password=True)
        return run_node(options, Welcome(as_json=as_json, browser=browser, look_at=LOOK_AT))


def with_urls(plant: Plant, urls: Mapping[str, str]) -> Plant:
    """The plant with other addresses for some of its devices."""
    devices = [
        replace(d, config=d.config.model_copy(update={"url": urls[d.table.name]})) if d.table.name in urls else d
        for d in plant.devices
    ]
    return replace(plant, devices=tuple(devices))


@contextmanager
def simulator(speed: float) -> Iterator[dict[str, str]]:
    """Start the waterworks as a process of its own; it ends with this one. Yields device path -> url.

    On its usual ports where they are free, so that `sereno sim fault` needs no option; else on others.
    """
    process, line = _start(speed, port=5020)
    if not line:
        process, line = _start(speed, port=0)
    try:
        if not line:
            raise OperationError("the simulator did not start; try `sereno sim waterworks` to see why")
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


def _start(speed: float, port: int) -> tuple[subprocess.Popen[str], str]:
    """The process and the line that it printed when ready; an empty line if it ended instead."""
    command = [sys.executable, "-m", "sereno", "sim", "waterworks", "--json", "--until-stdin-closes"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--speed", str(speed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if port else None,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
    return process, line
