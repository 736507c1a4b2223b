"""[notices]: what is taken, and what is refused with its place."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from sereno.app.cli import run_cli
from sereno.app.plant.load import Plant, load_plant
from sereno.model import ConfigurationError

DEVICE = """
[[device]]
name = "lab/plc"
driver = "tiny"
url = "tcp://127.0.0.1:1"
tag = [{ name = "x", address = "r0", type = "int16" }]
"""
GOOD = """
[notices.way.mail]
kind = "smtp"
host = "127.0.0.1"
security = "none"
sender = "scada@example.org"
[notices.way.horn]
kind = "sound"
[notices.person]
olga = { mail = "olga@example.org" }
eva = { mail = "eva@example.org" }
[notices.roster.operators]
shift = [{ people = ["olga", "eva"], turn = "week", days = "sat-mon, wed", from = "22:00", to = "24:00" }]
[[notices.pipeline]]
name = "urgent"
priority = 1
class = "level"
step = [{ to = "operators", by = "mail" }, { by = "horn", after = "5min" }]
[[notices.pipeline]]
name = "digest"
digest = ["07:00", "19:30"]
step = { to = "eva", by = "mail" }
[[notices.heartbeat]]
name = "outside"
way = "horn"
every = "5min"
"""


def load(folder: Path, text: str) -> Plant:
    path = folder / "plant.toml"
    path.write_text('[plant]\nname = "Lab"\ntimezone = "Europe/Madrid"\n' + text + DEVICE, encoding="utf-8")
    return load_plant(path)


def test_what_is_declared_becomes_a_plan(tmp_path: Path) -> None:
    plan = load(tmp_path, GOOD).notices
    assert (plan.plant, plan.timezone, plan.keep) == ("Lab", "Europe/Madrid", 365.0)
    (shift,) = plan.rosters["operators"].shifts
    assert (sorted(shift.weekdays), shift.turn, shift.start, shift.end) == ([0, 2, 5, 6], 7, time(22), time(0))
    urgent, digest = plan.pipelines
    assert (urgent.priorities, urgent.classes, [s.after for s in urgent.steps]) == ((1,), ("level",), [0.0, 300.0])
    assert digest.digest == (420, 1170)
    assert plan.heartbeats[0].every == 300.0


def test_a_plant_without_notices_tells_nobody(tmp_path: Path) -> None:
    assert not load(tmp_path, "").notices


@pytest.mark.parametrize(
    ("old", "new", "line", "found"),
    [
        ('kind = "smtp"', 'kind = "smpt"', 6, "Did you mean 'smtp'?"),
        ('kind = "smtp"\n', "", 5, "has no 'kind'"),
        ('host = "127.0.0.1"', 'hots = "127.0.0.1"', 7, "Did you mean 'host'?"),
        ('security = "none"', 'security = "none"\npassword_file = "none"', 5, "cannot be read from none"),
        ('host = "127.0.0.1"', 'host = "mail.example.org"', 5, "only a server on this machine"),
        ('olga = { mail', "olga = { mial", 13, "Did you mean 'mail'?"),
        ('people = ["olga", "eva"]', 'people = ["olga", "ewa"]', 16, "Did you mean 'eva'?"),
        ('days = "sat-mon, wed"', 'days = "sat-mon, wet"', 16, "'wet' is no day"),
        ('from = "22:00"', 'from = "22.00"', 16, "no time of the day"),
        ('turn = "week"', 'turn = "year"', 16, "turn"),
        ("shift = [", 'timezone = "Europe/Madird"\nshift = [', 16, "unknown time zone"),
        ('by = "horn", after', 'by = "hron", after', 21, "Did you mean 'horn'?"),
        ('{ to = "operators", by', '{ to = "operator", by', 21, "Did you mean 'operators'?"),
        ('{ to = "operators", by', "{ by", 21, "nobody of a step of pipeline 'urgent' has an address"),
        ('name = "digest"', 'name = "urgent"', 17, "two pipelines are called 'urgent'"),
        ('step = { to', 'repeat = "1h"\nstep = { to', 22, "a digest has one step"),
        ('every = "5min"', "", 26, 'either every = "5min" or at'),
        ('way = "horn"', 'way = "mail"', 26, "goes to nobody"),
        ("[notices.person]\n", "[notices.people]\n", 12, "unknown key 'people'"),
    ],
)  # fmt: skip
def test_faults_have_their_place(old: str, new: str, line: int, found: str, tmp_path: Path) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    text = str(caught.value)
    assert found in text
    assert f"plant.toml:{line}" in text, text


def test_the_schema_knows_the_ways(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["check", "--schema"]) == 0
    out = capsys.readouterr().out
    assert '"const":"webhook"' in out
    assert "password_env" in out
