from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import click
import pytest
import structlog

from sereno.app.cli import run_cli
from sereno.app.commands.call import parsed
from sereno.app.serve.serving import ServeOptions, start
from sereno.app.serve.wanted import wanted_devices
from sereno.client import CommandSpec, ParameterSpec, connect
from sereno.model import ValueType

HERE = "tests.device.authoring.devices"
TO = ParameterSpec(name="to", type=ValueType.FLOAT64)
MODE = ParameterSpec(name="mode", type=ValueType.ENUM, labels=("slow", "fast"), optional=True, default="slow")
WAVE = ParameterSpec(name="wave", type=ValueType.INT32, shape=(0,), optional=True, default=[1])
SPEC = CommandSpec(name="go", parameters=(TO, MODE, WAVE))


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("1.5",), [1.5]),
        (("1.5", "fast"), [1.5, "fast"]),
        (("wave=[1, 2]", "to=-3"), [-3, "slow", [1, 2]]),
        (("to=1", "mode=fast"), [1, "fast"]),
    ],
)
def test_arguments_by_position_and_by_name(texts: tuple[str, ...], expected: list[object]) -> None:
    assert parsed(SPEC, texts) == expected


@pytest.mark.parametrize(
    ("texts", "words"),
    [((), "to is missing"), (("x",), "'x' for to: float64"), (("1", "slow", "[1]", "4"), "one argument too many")],
)
def test_wrong_arguments_are_told(texts: tuple[str, ...], words: str) -> None:
    with pytest.raises(click.UsageError, match=words):
        parsed(SPEC, texts)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Path]:
    async with AsyncExitStack() as stack:
        await start(ServeOptions(wanted_devices([f"{HERE}:PowerSupply", "lab/ps"]), tmp_path), stack)
        client = await stack.enter_async_context(connect(data=tmp_path))
        while not all(group.scans for device in await client.devices() for group in device.groups):
            await client.clock.sleep(0.001)
        yield tmp_path


async def test_from_the_terminal(served: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def run(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run_cli, ["call", *arguments, "--data", str(served)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    assert await run("lab/ps", "ramp", "5", "steps=3") == (0, "5.0\n", "")
    assert await run("lab/ps", "reset") == (0, "done\n", "")
    code, out, _ = await run("lab/ps", "ramp", "99", "--json")
    assert (code, json.loads(out)["state"]) == (1, "failed")
    assert "to takes 0 to 30 V, this is 99" in json.loads(out)["details"]["text"]
    assert "ramp(to: float64 [V], steps: int64 = 2)" in (await run("lab/ps"))[1]
    assert "there are reset, ramp" in (await run("lab/ps", "rampp"))[2]
    assert "there are lab/ps" in (await run("lab/psx", "ramp"))[2]
    assert (await run("lab/ps", "ramp"))[0] == 2
