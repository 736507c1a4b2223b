"""Text that people write: expressions, times, durations, plant files, tag lists, drawings, lines to the simulator."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from sereno.app.plant.durations import parse_duration
from sereno.app.plant.expand import csv_tags
from sereno.app.plant.load import load_plant
from sereno.app.plant.site import SiteFacts
from sereno.app.plant.units import unit_fault
from sereno.client import parse_time
from sereno.expression.compiler import compile_expression
from sereno.expression.errors import ExpressionError
from sereno.model import ConfigurationError, Fault, check_path, match_paths
from sereno.sim.control import Control
from sereno.web.svg import DrawingError, sanitise

from .targets import target

_FOLDER = tempfile.TemporaryDirectory(prefix="sereno-fuzz-")

_PLANT = b"""[plant]
name = "P"
[[template]]
name = "pump"
parameters = ["n"]
[[template.tag]]
name = "speed_{n}"
address = "holding:{n}"
[[device]]
name = "north/plc1"
driver = "modbus"
url = "tcp://127.0.0.1:5020"
scan = "100ms"
groups = { slow = "5s" }
use = [{ template = "pump", each = [{ n = 1 }, { n = 2 }] }]
[[device.tag]]
name = "level"
address = "holding:100"
type = "float32"
low = 0
high = 10
alarm = { hi = 5.2, hihi = 5.6, priority = 2 }
setpoint = { interlock = "north/plc1/speed_1 > 3" }
"""
_DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>T</title><g style="fill: red" data-tag="a/b">'
    b'<desc>tag: a/b</desc><rect width="1" onclick="x()"/><use href="#x"/></g></svg>'
)


@target("text-expression", raises=(ExpressionError, UnicodeDecodeError), longest=1000,
        seeds=[b"a/b > 5 and not good(c/d) or age(a/b) >= 2.5s", b"if(a/b = 'on', -1.5e3, min(1, c/d, 2) ** 2)",
               b"abs(a/b - c/d) / max(1, a/b) <> 0x10"])  # fmt: skip
def expression(data: bytes) -> None:
    """An expression over tags: what compiles also evaluates, over numbers and over columns, without a warning."""
    made = compile_expression(data.decode(), str, labels=lambda path: ("off", "on") if path.endswith("b") else ())
    n = len(made.tags)
    single = made.evaluate([1.5] * n, [0] * n, [0.5] * n)
    columns = [np.array([0.0, 1.5, np.nan, -1e308])] * n
    made.evaluate(columns, [np.array([0, 0, 0x8000, 0x4000], np.uint16)] * n, [np.zeros(4)] * n)
    assert np.ndim(single[0]) == 0


@target("text-time", raises=(ValueError, UnicodeDecodeError), longest=400, seeds=[b"now-6h", b"2026-11-20T12:00:00Z"])
def time(data: bytes) -> None:
    """A time, absolute or relative."""
    assert -(1 << 63) < parse_time(data.decode()) < 1 << 63


@target("text-duration", raises=(ValueError, UnicodeDecodeError), longest=400, seeds=[b"100ms", b"5min", b"2.5"])
def duration(data: bytes) -> None:
    """A duration: a number of seconds that can be waited for."""
    assert 0.0 <= parse_duration(data.decode()) < float("inf")


@target("text-glob", raises=(ValueError, UnicodeDecodeError), longest=200, seeds=[b"north/*/level", b"[a-z]*/?"])
def glob(data: bytes) -> None:
    """A glob over tag paths, and a path."""
    text = data.decode()
    match_paths(text, ["north/plc1/level", "a/b"])
    check_path(text)


@target("text-plant", raises=(ConfigurationError,), seeds=[_PLANT], longest=8192)
def plant(data: bytes) -> None:
    """A plant file: checked declarations, or faults that say where."""
    path = Path(_FOLDER.name, "plant.toml")
    path.write_bytes(data)
    load_plant(path)


@target("text-tags", raises=(ConfigurationError,), seeds=[b"name,address,alarm.hi,labels\nlevel,holding:1,5.5,\n"])
def tags(data: bytes) -> None:
    """A tag list as CSV."""
    path = Path(_FOLDER.name, "tags.csv")
    path.write_bytes(data)
    faults: list[Fault] = []
    csv_tags(path, SiteFacts(), faults)


@target("text-unit", raises=(UnicodeDecodeError,), longest=100, seeds=[b"m3/h", b"degC", b"kg*m**2/s"])
def unit(data: bytes) -> None:
    """A unit: known, or said what is wrong with it."""
    unit_fault(data.decode())


@target("text-drawing", raises=(DrawingError,), seeds=[_DRAWING], longest=8192)
def drawing(data: bytes) -> None:
    """A drawing of a plant: what comes out comes out the same again, and holds no script."""
    found = sanitise(data)
    assert "<script" not in found.svg.lower()
    assert sanitise(found.svg.encode()).tags == found.tags


@target("text-simulator", raises=(UnicodeDecodeError,), longest=300,
        seeds=[b"fault plc1 delay 500ms 10s", b"help", b"pause", b"rate 2", b"status"])  # fmt: skip
def simulator(data: bytes) -> None:
    """A line to the simulator's control port: answered, whatever it says."""
    assert Control({}).execute(data.decode())
