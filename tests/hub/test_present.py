from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import Actor
from sereno.hub.present import show
from sereno.model import ExactBlock, Quality, TagSpec, ValueType, object_value, row_value

BAD = int(Quality.SENSOR_FAILURE)
STATE = TagSpec(path="a/b", type=ValueType.ENUM, labels=("stopped", "running"))


def spec(kind: ValueType, **keys: Any) -> TagSpec:
    return TagSpec(path="a/b", type=kind, **keys)


@pytest.mark.parametrize(
    ("tag", "value", "quality", "expected"),
    [
        (spec(ValueType.BOOL), 1.0, 0, True),
        (spec(ValueType.BOOL), 0.0, BAD, False),
        (spec(ValueType.UINT16), 12.0, 0, 12),
        (spec(ValueType.UINT16), 12.5, 0, 12.5),
        (spec(ValueType.FLOAT32), 12.0, 0, 12.0),
        (STATE, 1.0, 0, "running"),
        (STATE, 7.0, 0, 7),
        (STATE, math.nan, BAD, None),
        (spec(ValueType.FLOAT64), math.nan, BAD, None),
        (spec(ValueType.INT16), math.nan, 0, None),
    ],
)
def test_row_value(tag: TagSpec, value: float, quality: int, expected: Any) -> None:
    shown = row_value(tag, value, 0, quality)
    assert shown == expected
    assert type(shown) is type(expected)


def test_a_good_nan_is_a_number_that_is_none() -> None:
    assert math.isnan(row_value(spec(ValueType.FLOAT64), math.nan, 0, 0))


def test_exact_integers() -> None:
    assert row_value(spec(ValueType.INT64), 1.0, -(2**63), 0) == -(2**63)
    assert row_value(spec(ValueType.UINT64), 1.0, -1, 0) == 2**64 - 1
    assert row_value(spec(ValueType.UINT64), 0.5, 0, 0) == 0.5


def test_objects_and_words() -> None:
    assert object_value(spec(ValueType.STRING), b"caf\xc3\xa9\xff") == "café\ufffd"
    assert show(None, STATE) == "no value"
    assert show(True, spec(ValueType.BOOL)) == "true"
    assert show(4.268, spec(ValueType.FLOAT64, unit="m", decimals=2)) == "4.27 m"
    assert show(4.268, spec(ValueType.FLOAT64)) == "4.268"
    assert show("running", STATE) == "running"


async def test_readings_of_all_types(plant: Any, operator: Actor) -> None:
    group = plant.group(
        spec(ValueType.UINT64),
        TagSpec(path="a/c", type=ValueType.BOOL),
        TagSpec(path="a/s", type=ValueType.STRING),
        TagSpec(path="a/w", shape=(3,)),
    )
    rows = np.array([0], np.int32)
    exact = ExactBlock(rows, np.array([2**64 - 1], np.uint64).view(np.int64))
    wave = np.array([1.0, 2.0, 3.0])
    plant.publish(group, [float(2**64 - 1), 1.0], exact=exact, objects={"a/s": "x", "a/w": wave})
    values = [r.value for r in await plant.hub.read([], operator)]
    assert values[:3] == [2**64 - 1, True, "x"]
    assert values[3] is wave
    assert plant.hub.readings.one(1).value is True


async def test_a_large_read_lets_others_run(plant: Any, operator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.group(*(TagSpec(path=f"a/d/x{i:04}") for i in range(50)))
    monkeypatch.setattr("sereno.hub.hub._CHUNK", 10)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await plant.clock.sleep(0)

    import asyncio

    task = asyncio.create_task(other())
    assert len(await plant.hub.read([], operator)) == 50
    task.cancel()
    assert turns >= 5
