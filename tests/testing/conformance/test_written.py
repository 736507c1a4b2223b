"""The kit for devices written in Python: a good one keeps every rule, and each fault is found by its rule."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sereno import Device, tag
from sereno.app.cli import run_cli
from sereno.testing.conformance import DEVICE_RULES, Score, _written, device_conformance

GOOD = """
from sereno import Device, command, setting, tag


class Supply(Device):
    \"\"\"A supply.\"\"\"

    limit: float = setting(30.0, unit="V")
    voltage: float = tag(unit="V", low=0, high=30, write=True)

    @tag(unit="A", period="50ms")
    def current(self) -> float:
        return self.voltage / self.limit

    @command
    def reset(self, to: float = 0.0) -> None:
        \"\"\"Back to nothing.\"\"\"
        self.voltage = to
"""


class Silent(Device):
    """Never starts."""

    async def startup(self) -> None:
        raise OSError("nobody there")


class Broken(Device):
    """Reads nothing."""

    @tag(unit="V", period="50ms")
    def level(self) -> float:
        raise ValueError("no level")


class Beyond(Device):
    """Shows what it does not declare."""

    @tag(unit="V", low=0, high=5, period="50ms")
    def level(self) -> float:
        return 7.0


class Mute(Device):
    level: float = tag(write=True, default=1.0)


class Selfish(Device):
    """Blocks everybody."""

    @tag(unit="V", period="50ms")
    async def level(self) -> float:
        time.sleep(0.7)
        return 1.0


class Busy(Device):
    """Computes where everybody waits, once it runs."""

    reads = 0

    @tag(unit="V", period="50ms")
    async def level(self) -> float:
        self.reads += 1
        end = time.process_time() + (0.7 if self.reads == 3 else 0.0)
        while time.process_time() < end:
            pass
        return 1.0


class Littering(Device):
    """Leaves threads."""

    def startup(self) -> None:
        threading.Thread(target=lambda: time.sleep(60), name="litter", daemon=True).start()


def broken(score: Score) -> list[str]:
    return [result.rule for result in score.failures]


@pytest.mark.parametrize(
    ("cls", "rule", "words"),
    [
        (Silent, "starts_and_answers", "nobody there"),
        (Broken, "reads_every_tag", "no level"),
        (Beyond, "shows_what_it_declares", "level is 7.0, declared 0"),
        (Mute, "says_what_it_is", "Mute has no docstring"),
        (Selfish, "keeps_the_loop_free", "nothing else ran for"),
        (Busy, "keeps_the_loop_free", "nothing else ran for"),
        (Littering, "leaves_nothing_behind", "the thread litter is left"),
    ],
)
def test_each_fault_is_found(cls: type[Device], rule: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_written, "DEVICE_RULES", tuple(one for one in DEVICE_RULES if one.__name__ == rule))
    if cls in (Silent, Broken):
        monkeypatch.setattr(_written, "PATIENCE", 2.0)  # they take all of it
    monkeypatch.setattr(_written, "ENDING", 0.2)
    score = device_conformance(cls)
    assert broken(score) == [rule], str(score)
    assert words in score.failures[0].reason


CALM = """
from sereno import Device
from sereno.testing.conformance import _written, device_conformance

class Calm(Device):
    \"\"\"Does nothing.\"\"\"

    async def startup(self):
        print("begun", flush=True)

_written.DEVICE_RULES = (_written.keeps_the_loop_free,)
print(device_conformance(Calm))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be stopped there")
def test_what_the_machine_takes_from_the_whole_process_is_no_fault() -> None:
    with subprocess.Popen([sys.executable, "-c", CALM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(2 * _written.HELD_UP)
        process.send_signal(signal.SIGCONT)
        assert "1 of 1 rules kept" in process.communicate()[0]


def test_from_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "supplies.py"
    file.write_text(GOOD)
    assert run_cli(["driver", "check", f"{file}:Supply", "--set", "limit=10", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["passed"], said["counted"]) == (11, 11)
    file.write_text(GOOD.replace("A supply.", ""))
    file.rename(tmp_path / "others.py")
    assert run_cli(["driver", "check", f"{tmp_path / 'others.py'}:Supply"]) == 1
    assert "failed  says what it is: Supply has no docstring" in capsys.readouterr().out
