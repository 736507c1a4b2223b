from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from sereno.alarms.notify.way import Message
from sereno.alarms.notify.ways.command import CommandConfig, CommandWay
from sereno.model import OperationError

MESSAGE = Message(
    id="notice-1-1",
    plant="Works",
    kind="alarms",
    t=10**18,
    subject="$(touch x); `y`\nz",
    text="A\nB",
    priority=1,
    person="olga",
)


def way(code: str, folder: Path, *arguments: str) -> CommandWay:
    return CommandWay(CommandConfig(command=[sys.executable, "-c", code, *arguments]), folder)


async def test_the_message_is_its_input_and_never_an_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERENO_TOKEN", "a secret of the node")
    code = (
        "import json, os, sys; json.dump({'in': json.load(sys.stdin), 'args': sys.argv[1:], 'env': dict(os.environ),"
        " 'cwd': os.getcwd()}, open('told.json', 'w'))"
    )
    assert await way(code, tmp_path, "$HOME").send(MESSAGE) == f"{Path(sys.executable).name} ended well"
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["args"] == ["$HOME"]
    assert told["in"]["text"] == "A\nB"
    assert told["in"]["t"] == "2001-09-09T01:46:40.000000Z"
    assert told["env"]["SERENO_SUBJECT"] == "$(touch x); `y` z"
    assert (told["env"]["SERENO_PERSON"], told["env"]["SERENO_PRIORITY"]) == ("olga", "1")
    assert "SERENO_TOKEN" not in told["env"]
    assert Path(told["cwd"]).resolve() == tmp_path.resolve()


async def test_an_exit_code_and_a_missing_program_are_failures(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="ended with 3: no credit"):
        await way("import sys; print('no credit'); sys.exit(3)", tmp_path).send(MESSAGE)
    with pytest.raises(OSError, match="none-such"):
        await CommandWay(CommandConfig(command=["none-such"]), tmp_path).send(MESSAGE)


async def test_a_program_that_does_not_end_is_killed_with_the_attempt(tmp_path: Path) -> None:
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
    task = asyncio.create_task(way(code, tmp_path).send(MESSAGE))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
