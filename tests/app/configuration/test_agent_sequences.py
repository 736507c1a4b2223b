"""Whatever agent tables are applied one after another, the node is as one that starts with the last of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from sereno.access.actor import ROLES, Actor
from sereno.app.configuration.changeover import Changeover
from sereno.app.configuration.difference import difference
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import Plant, load_plant
from sereno.app.welcome import Ready
from sereno.app.wiring import Parts
from sereno.device import Environment
from sereno.model import OperationalState, RefusedError
from sereno.testing import JumpingClock, run_jumping
from tests.app.configuration.test_agents import MODULE

EVERYBODY = Actor("ines", (ROLES["admin"],))
NAMES = ("lab/a", "lab/b")
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "writes": st.sampled_from(["lab/lamp/on", "lab/lamp/locked", "lab/*"]),
        "silent": st.sampled_from(["5s", "20s"]),
        "limit": st.sampled_from([0, 3]),
        "process": st.booleans(),
    },
)
DEVICE = st.tuples(st.booleans(), st.none() | TABLES)
"""What it wants, which is a setting, and its agent table."""
PLANTS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, DEVICE))
STEPS = st.one_of(PLANTS, st.tuples(st.sampled_from(["start", "stop"]), st.sampled_from(NAMES)))


def text_of(devices: dict[str, tuple[bool, dict[str, Any] | None]]) -> str:
    lines = ['[history]\nenabled = false\n[native]\nenabled = true\n[[device]]\nname = "lab/lamp"']
    lines.append('class = "kept_lamps.py:Lamp"')
    for name, (wanted, table) in devices.items():
        lines.append(f'[[device]]\nname = "{name}"\nclass = "kept_lamps.py:Keeper"\nwanted = {str(wanted).lower()}')
        if table is not None:
            lines.append(f'[[agent]]\ndevice = "{name}"')
            lines += [f"{key} = {_toml(key, value)}" for key, value in table.items()]
    return "\n".join(lines)


def _toml(key: str, value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool | int) else f'"{value}"'
    return f"[{text}]" if key == "writes" else text


def plant_of(folder: Path, text: str) -> Plant:
    (folder / "kept_lamps.py").write_text(MODULE, encoding="utf-8")
    (folder / "plant.toml").write_text(text, encoding="utf-8")
    return load_plant(folder / "plant.toml")


class QuietNode(Node):
    """A node without pages and other ways in; processes of agents find it nowhere and do not come up."""

    async def _serve(self, *_: Any) -> None:
        """Nobody is let in."""

    async def _ready(self, *_: Any) -> Ready:
        return Ready("", "", "", None, "", "", "", "", "")


async def state_of(parts: Parts) -> dict[str, Any]:
    """All that follows from the plant file and from whom people have stopped."""
    handlers = parts.devices.handlers
    drivers = {
        path: (one.config.driver.__name__, one.state is OperationalState.OFFLINE) for path, one in handlers.items()
    }
    return {
        "rules": {path: agent.rule for path, agent in parts.supervisor.members.items()},
        "stopped": {
            agent.rule.device: agent.machine.why for agent in parts.supervisor.members.values() if agent.resting
        },
        "rights": {name: parts.seats.now(Actor(f"agent/{name}", (), "agent")).roles for name in NAMES},
        "devices": drivers,
        "wanted": {path: settings_of(one.config.config) for path, one in handlers.items()},
        "tags": {spec.path: spec for spec in await parts.hub.tags((), EVERYBODY)},
        "commanded": set(parts.router._execution.handlers),
        "alarms": {spec.id for spec in parts.alarms.specs},
    }


def settings_of(config: Any) -> Any:
    found = getattr(config, "settings", None)
    return dict(found) if found is not None else getattr(config.device, "wanted", None)


async def played(clock: JumpingClock, folder: Path, steps: Sequence[Any]) -> None:
    plant = plant_of(folder, text_of({}))
    async with QuietNode(plant, DataFolder(folder / "data"), Environment(clock=clock)) as node:
        await node.start("127.0.0.1", 0)
        for step in steps:
            if isinstance(step, dict):
                new = plant_of(folder, text_of(step))
                await Changeover(node.parts).perform(plant, new, difference(plant, new))
                plant = new
            elif f"{step[1]}/supervision" in node.parts.supervisor.members:
                with suppress(RefusedError):
                    await node.parts.supervisor.members[f"{step[1]}/supervision"].call(step[0], ())
            await clock.sleep(0.2)
        found = await state_of(node.parts)
    async with QuietNode(plant, DataFolder(folder / "data"), Environment(clock=clock)) as node:
        await node.start("127.0.0.1", 0)
        await clock.sleep(0.2)
        fresh = await state_of(node.parts)
        assert {what: found[what] for what in fresh if found[what] != fresh[what]} == {}


TABLE = {"writes": "lab/lamp/on"}
APART = {**TABLE, "process": True}


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@example([{"lab/a": (True, TABLE)}, ("stop", "lab/a"), {"lab/a": (True, None)}, {"lab/a": (False, TABLE)}])
@example([{"lab/a": (True, APART)}, ("stop", "lab/a"), {"lab/a": (True, TABLE)}, ("start", "lab/a")])
@given(st.lists(STEPS, min_size=2, max_size=6))
def test_any_sequence_of_agent_tables_is_the_state_that_a_fresh_start_gives(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = JumpingClock()
        run_jumping(played(clock, Path(folder), steps), clock=clock, in_turn=True)
