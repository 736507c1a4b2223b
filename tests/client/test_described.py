from __future__ import annotations

import json

from sereno.client import CommandSpec, DeviceStatus, ParameterSpec, device_json
from sereno.client._parse import parse_device
from sereno.model import LinkState, OperationalState, ValueType

RATE = ParameterSpec(name="rate", type=ValueType.FLOAT64, unit="V/s", low=0, high=5)
MODE = ParameterSpec(name="mode", type=ValueType.ENUM, labels=("slow", "fast"), optional=True, default="slow")
WAVE = ParameterSpec(name="result", type=ValueType.INT32, shape=(0, 2))
RAMP = CommandSpec(name="ramp", description="Go.", parameters=(RATE, MODE), result=WAVE, allowed=("enabled",))


def test_a_signature_says_types_units_and_defaults() -> None:
    assert RAMP.signature == "ramp(rate: float64 [V/s], mode: enum = 'slow')"
    assert WAVE.words == "result: int32[][]"


def test_commands_of_a_device_pass_through_json() -> None:
    status = DeviceStatus(
        path="lab/ps",
        driver="PowerSupply",
        url="",
        state=OperationalState.FAULT,
        link=LinkState.UP,
        last_error="",
        since=1,
        stale_after=1.0,
        status="the fan stands still",
        commands=(RAMP, CommandSpec(name="reset")),
    )
    assert parse_device(json.loads(json.dumps(device_json(status)))) == status
