"""The demo's site, scanned faster. Agents are missed by nobody and close nothing: what closes are guards on sensors."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sereno_observatory.demo import OBSERVATORY

BEAT = 2.0
ENVIRONMENT, MAJORDOME = "observatory/environment", "observatory/majordome"
LOAD = '''"""Ten thousand values a second."""
from sereno import Device

class Load(Device):
    """500 tags, read every 50 ms."""
    async def startup(self):
        for number in range(500):
            self.add_tag(f"value_{number}", float, period="50ms", read=lambda n=number: float(n))
'''
CAMERAS = {"site/vis": "cameraVIS", "site/nir": "cameraNIR"}
"""What a site calls a simulated camera."""
CAMERA = """
[[device]]
name = "{name}"
driver = "alpaca"
kind = "camera"
url = "{url}"
"""
LOADED = '\n[[device]]\nname = "bench/load"\nclass = "bench_load:Load"\n'
HANGING = '''"""The agents of the site, with a way to hang them."""
import asyncio

from sereno import command, scan
from sereno_observatory.environment import Environment
from sereno_observatory.majordome import Majordome

class HangingEnvironment(Environment):
    """Hangs in its next round once it is told to."""
    hangs = False

    @scan(period="2s")
    async def synthesis(self) -> None:
        await (asyncio.Event().wait() if self.hangs else super().synthesis())

    @command
    def hang(self) -> None:
        self.hangs = True

class HangingMajordome(Majordome):
    """Hangs in its next round once it is told to."""
    hangs = False

    @scan(period="5s")
    async def conduct(self) -> None:
        await (asyncio.Event().wait() if self.hangs else super().conduct())

    @command
    def hang(self) -> None:
        self.hangs = True
'''
_NEVER = "600s"
_CHANGES = {
    "plc.toml": (
        ('scan = "2s"', 'scan = "100ms"'),
        ("beat = 10.0", f"beat = {BEAT}"),
        ('timeout = "12s"', 'timeout = "200ms"'),
    ),
    "safety.toml": (
        ('cooldown = "5s"\nretry = true', 'cooldown = "100ms"'),
        ('name = "close_on_environment"\nwhen = "', 'name = "close_on_environment"\nwhen = "false and '),
    ),
    "plant.toml": (
        (
            '"plc.toml", "instruments.toml", "safety.toml", "observing.toml", "simulators.toml"',
            '"plc.toml", "safety.toml"',
        ),
        ('telescope = "site/telescope"\nobserver = "observatory/observer"\nsequences = "observatory/sequences"\n', ""),
        (
            'class = "sereno_observatory.environment:Environment"',
            f'stale_after = "{_NEVER}"\nclass = "bench_hanging.py:HangingEnvironment"',
        ),
        ('class = "sereno_observatory.majordome:Majordome"', 'class = "bench_hanging.py:HangingMajordome"'),
        ('stale_after = "30s"', f'stale_after = "{_NEVER}"'),
        ('silent = "10s"', f'silent = "{_NEVER}"'),
        ('silent = "30s"', f'silent = "{_NEVER}"'),
    ),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """`load`: a device publishes 10,000 values a second. `apart`: the agents have processes of their own.

    `cameras`: the URL of each.
    """

    name: str
    load: bool = False
    apart: bool = False
    cameras: Mapping[str, str] = field(default_factory=dict)


def plant(folder: Path, port: int, setting: Setting) -> Path:
    """The site with its PLC at this port."""
    made = folder / setting.name
    shutil.copytree(OBSERVATORY.plant.parent, made)
    (made / "bench_load.py").write_text(LOAD, encoding="utf-8")
    (made / "bench_hanging.py").write_text(HANGING, encoding="utf-8")
    apart = ((f'silent = "{_NEVER}"', f'silent = "{_NEVER}"\nprocess = true'),) if setting.apart else ()
    more = {"plc.toml": ((":5003", f":{port}"),), "plant.toml": apart}
    for name, changes in _CHANGES.items():
        text = (made / name).read_text("utf-8")
        for old, new in (*changes, *more.get(name, ())):
            assert old in text, f"{name} has no {old}"
            text = text.replace(old, new)
        added = _added(setting) if name == "plant.toml" else ""
        (made / name).write_text(text + added, encoding="utf-8")
    return made


def _added(setting: Setting) -> str:
    cameras = "".join(CAMERA.format(name=name, url=url) for name, url in setting.cameras.items())
    return cameras + (LOADED if setting.load else "")
