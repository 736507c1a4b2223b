"""The rig of agents: one round of it, a planted defect, and by themselves its witness and who looks at sequences.

Every other defect: `./dev rig agents --plant-defect NAME`, half a minute to a minute and a half each.
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import permutations
from pathlib import Path
from typing import Any

from acting.defects import DEFECTS
from acting.observing import IMAGES, judged
from acting.plant import AGENTS, OBSERVER
from acting.rounds import observing_rounds, rounds
from acting.witness import PROMISES, Witness
from sereno.model import SystemClock
from sereno.sim.jsonplc.devices import site_devices
from sereno.sim.jsonplc.machine import PlcMachine

RIG = Path(__file__).parents[2] / "benchmarks" / "rig_agents.py"


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(RIG), "--json", *arguments], capture_output=True, text=True, check=False, timeout=220
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_a_very_short_run() -> None:
    code, result = run("--rounds", "1", "--seed", "7", "--only", "tasks", "--one-node", "--slack", "5")
    assert (code, result["broken"]) == (0, {})
    assert result["figures"]["kill"] == 1
    assert result["figures"]["openings"] >= 1


def test_a_planted_defect_is_caught() -> None:
    code, result = run("--plant-defect", "nobody-misses-the-majordome")
    assert (code, result["caught"]) == (1, True)


def test_every_way_every_agent_and_every_order_come_in_turn() -> None:
    found = list(rounds(24, 5))
    assert {(one.how, one.agent) for one in found if one.agent} == {
        (h, a) for h in ("kill", "hang", "stop") for a in AGENTS
    }
    assert {one.order for one in found} == set(permutations(AGENTS))
    assert any(one.how == "lose the PLC" for one in found)
    assert {one.rain for one in found} == {True, False}
    assert {one.breaks for one in DEFECTS.values()} <= set(PROMISES)
    told = [str(one) for one in observing_rounds(12)]
    assert told[:2] == ["kill observer", "hang observer in rain"]
    assert len(set(told)) == 12
    assert {one.agent for one in observing_rounds(6)} == {OBSERVER, *AGENTS}


def test_what_became_of_a_sequence_is_judged(tmp_path: Path) -> None:
    images = [{"file": f"{number}.fits", "slot": {"number": number}} for number in range(IMAGES)]
    for one in images:
        (tmp_path / str(one["file"])).touch()
    ended = {"id": 1, "status": "EXECUTED", "why": "6 images", "images": images}

    def broken(**changes: Any) -> list[str]:
        return [promise for promise, _ in judged({**ended, **changes}, tmp_path)]

    assert broken() == broken(status="FAILED", images=images[:2]) == []
    assert broken(status="EXECUTING") == broken(status="FAILED", why="") == ["sequence_ends"]
    assert broken(images=images[:-1]) == ["sequence_ends"]
    assert broken(status="FAILED", images=[{"file": "lost.fits", "slot": {}}]) == ["image_lost"]
    assert broken(status="FAILED", images=[images[0], {**images[1], "file": "0.fits"}]) == ["image_lost"]
    assert broken(status="FAILED", images=[images[0], {**images[1], "slot": {"number": 0}}]) == ["image_lost"]


def seen(*looks: tuple[float, str], rains: float | None = None, dry: float = 0.0) -> dict[str, list[str]]:
    witness = Witness(PlcMachine(site_devices(), SystemClock()))
    witness._rains, witness._dry = rains, dry
    for now, shutter in looks:
        witness.look(now, shutter)
    return witness.broken


def test_the_witness_knows_what_is_dangerous() -> None:
    assert not seen((100.0, "open"), (103.0, "open"), (103.2, "closing"), (104.0, "closed"), rains=100.0)
    assert "open_in_danger" in seen((100.0, "open"), (104.0, "open"), rains=100.0)
    assert "open_in_danger" in seen((100.0, "open"), (110.0, "closing"), rains=100.0)
    assert "opened_in_danger" in seen((100.0, "closed"), (104.0, "opening"), (104.1, "closed"), rains=100.0)
    assert "opened_in_danger" in seen((100.0, "closed"), (101.0, "opening"), dry=100.0)
    assert not seen((100.0, "closed"), (102.0, "opening"), dry=100.0)


def test_the_witness_misses_who_is_lost() -> None:
    witness = Witness(PlcMachine(site_devices(), SystemClock()))
    witness.lost("the majordome is stopped", 2.5)
    assert witness._lost is not None
    begun = witness._lost[0]
    witness.look(begun + 5.0, "open")
    assert not witness.broken
    witness.look(begun + 6.5, "open")
    assert list(witness.broken) == ["open_unwatched"]
    witness.found()
    witness.look(begun + 60.0, "open")
    assert len(witness.broken["open_unwatched"]) == 1
