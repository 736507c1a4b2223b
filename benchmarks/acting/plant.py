"""The demo's PLC and safety, quicker in all things, with the agents as tasks or in processes of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sereno_observatory.demo import OBSERVATORY

ENVIRONMENT, MAJORDOME, OBSERVER = "observatory/environment", "observatory/majordome", "observatory/observer"
AGENTS = (ENVIRONMENT, MAJORDOME)
HOLD, BEAT, STALE, CLOSING = 2.0, 3.0, 2.0, 0.5
"""Seconds: of safety before the dome is opened, until the PLC helps itself, until an agent is stale, to close."""
Defect = Sequence[tuple[str, str, str]]
"""(file, what is replaced, by what)."""
_HEAD = """[plant]
name = "Agents"
include = ["site.toml", "plc.toml", "safety.toml"]
"""
_AGENT = """
[[device]]
name = "{name}"
class = "acting_agents.py:{cls}"
stale_after = "{stale}s"
{settings}
[[agent]]
device = "{name}"
silent = "6s"
limit = 1000
process = {apart}
writes = ["site/plc/dome_open", "site/plc/dome_close"]
"""
_STANDING = re.compile(r'standing = """.*?"""\n', re.DOTALL)
_CLASSES = {ENVIRONMENT: "FastEnvironment", MAJORDOME: "FastMajordome"}
_SETTINGS = {
    ENVIRONMENT: f"reopen_after = {HOLD}\n",
    MAJORDOME: f"latitude = 31.0\nlongitude = -115.0\nnight_below = 91.0\nhold = {HOLD}\nwait_for_clock = false\n",
}
_QUICK = (
    ("plc.toml", 'scan = "2s"', 'scan = "200ms"'),
    ("plc.toml", 'stale_after = "6s"', 'stale_after = "2s"'),
    ("plc.toml", "beat = 10.0", f"beat = {BEAT}"),
    ("plc.toml", 'timeout = "12s"', 'timeout = "3s"'),
    ("safety.toml", 'cooldown = "5s"', 'cooldown = "300ms"'),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """How a node is set up: which agents have processes of their own, in which order they stand in the plant file.

    `observes`: there are instruments too, a book and an observer.
    """

    apart: frozenset[str]
    order: tuple[str, ...] = AGENTS
    observes: bool = False

    @property
    def agents(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.order, OBSERVER) if self.observes else self.order


def plant(
    folder: Path, port: int, setting: Setting, defect: Defect = (), urls: Mapping[str, str] | None = None
) -> Path:
    """The plant with its PLC at this port and its instruments at these URLs; the file to run."""
    folder.mkdir()
    site = OBSERVATORY.plant.parent
    texts = {name: (site / name).read_text("utf-8") for name in ("site.toml", "plc.toml", "plc.csv", "safety.toml")}
    texts["plc.toml"] = texts["plc.toml"].replace(":5003", f":{port}")
    texts["plant.toml"] = _HEAD + "".join(_agent(name, setting) for name in setting.order)
    texts["acting_agents.py"] = Path(__file__).with_name("agents.py").read_text("utf-8")
    if setting.observes:
        texts["plant.toml"] = texts["plant.toml"].replace("include = [", 'include = ["observe.toml", ')
        texts["observe.toml"] = _observing(site, setting, urls or {})
    for name, old, new in (*_QUICK, *defect):
        assert old in texts[name], f"{name} has no {old}"
        texts[name] = texts[name].replace(old, new)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "plant.toml"


def _observing(site: Path, setting: Setting, urls: Mapping[str, str]) -> str:
    """Instruments, the book without a standing sequence, and the observer."""
    text = (site / "instruments.toml").read_text("utf-8")
    for name, url in urls.items():
        text = re.sub(rf'(name = "{name}"\n[^\[]*?url = ")[^"]*', rf"\g<1>{url}", text)
    more = _STANDING.sub("", (site / "observing.toml").read_text("utf-8"))
    apart = "true" if OBSERVER in setting.apart else "false"
    quick = (
        ("sereno_observatory.observer:Observer", "acting_agents.py:FastObserver"),
        ('silent = "20s"', f'silent = "10s"\nlimit = 1000\nprocess = {apart}'),
    )
    for old, new in quick:
        assert old in more, f"observing.toml has no {old}"
        more = more.replace(old, new)
    return text + more


def _agent(name: str, setting: Setting) -> str:
    apart = "true" if name in setting.apart else "false"
    return _AGENT.format(name=name, cls=_CLASSES[name], stale=STALE, settings=_SETTINGS.get(name, ""), apart=apart)
