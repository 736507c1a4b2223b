"""Tags in bluesky's plans: its own engine scans two devices of ours over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from sereno import Device, tag
from sereno.client import MovableTag, ReadableTag
from sereno.model import OperationError, RefusedError
from sereno.testing import DeviceTest


class Motor(Device):
    """A stage."""

    position: float = tag(unit="mm", low=0, high=100, write=True, decimals=3)


class Detector(Device):
    """Counts."""

    @tag(period="20ms")
    def counts(self) -> int:
        return 7

    @tag(period="20ms")
    def stuck(self) -> float:
        raise OSError("no answer from the counter")


@pytest.fixture
def bench():
    with DeviceTest({"lab/motor": Motor, "lab/det": Detector}, wire=True) as devices:
        client = devices["lab/motor"].client
        yield client


def test_shapes_types_and_units(bench: Any) -> None:
    moved = MovableTag(bench, "lab/motor/position")
    assert moved.describe() == {
        "lab_motor_position": {
            "source": "sereno:lab/motor/position",
            "dtype": "number",
            "shape": [],
            "units": "mm",
            "precision": 3,
        }
    }
    counts = ReadableTag(bench, "lab/det/counts", "counts")
    assert counts.describe()["counts"]["dtype"] == "integer"
    assert counts.read()["counts"]["value"] == 7
    assert counts.hints == {"fields": ["counts"]}
    assert (counts.read_configuration(), counts.describe_configuration()) == ({}, {})


def test_a_move_is_done_when_it_reads_back_and_tells_why_it_is_not(bench: Any) -> None:
    moved = MovableTag(bench, "lab/motor/position")
    told: list[Any] = []
    status = moved.set(12.5)
    status.add_callback(told.append)
    assert status.exception(10) is None
    assert (status.done, status.success, told) == (True, True, [status])
    assert moved.read()["lab_motor_position"]["value"] == 12.5
    beyond = moved.set(101)
    assert isinstance(beyond.exception(10), RefusedError)
    assert (beyond.done, beyond.success) == (True, False)


def test_a_bad_value_is_an_error_and_no_number(bench: Any) -> None:
    stuck = ReadableTag(bench, "lab/det/stuck")
    with pytest.raises(OperationError, match="lab/det/stuck has no good value"):
        stuck.read()


def test_bluesky_scans(bench: Any, require_package: Callable[[str, str], ModuleType]) -> None:
    bluesky = require_package("bluesky", "bluesky")
    plans = require_package("bluesky.plans", "bluesky")
    protocols = require_package("bluesky.protocols", "bluesky")
    moved, counts = MovableTag(bench, "lab/motor/position", "x"), ReadableTag(bench, "lab/det/counts", "counts")
    assert isinstance(moved, protocols.Movable)
    assert isinstance(moved, protocols.Readable)
    assert isinstance(counts, protocols.Readable)
    documents: list[tuple[str, Any]] = []
    loop = asyncio.new_event_loop()
    engine = bluesky.RunEngine({}, loop=loop, call_returns_result=True)
    engine(plans.scan([counts], moved, 1.0, 3.0, 3), lambda name, document: documents.append((name, document)))
    events = [document["data"] for name, document in documents if name == "event"]
    assert [(event["x"], event["counts"]) for event in events] == [(1.0, 7), (2.0, 7), (3.0, 7)]
    assert documents[-1][1]["exit_status"] == "success"
    loop.call_soon_threadsafe(loop.stop)
    engine._th.join(10)
    loop.close()
