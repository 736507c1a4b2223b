"""Plant files: what is made of good ones, and file:line for everything that is wrong with bad ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sereno.access.session_limits import RoleLimits
from sereno.app.plant.load import Plant, load_plant
from sereno.model import Access, ConfigurationError, Fault, ValueType

GOOD = """\
[plant]
name = "Mill"
timezone = "Europe/Madrid"

[[device]]
name = "mill/plc1"
driver = "tiny"
url = "tcp://127.0.0.1:1"
scan = "100ms"
groups = { slow = "2s" }

[[device.tag]]
name = "level"
address = "r1"
type = "float32"
unit = "m"
low = 0
high = 6
deadband_percent = 1
alarm = { hi = 5.2, priority = 2, response = "Stop pump 1" }

[[device.tag]]
name = "speed"
address = "r2"
group = "slow"
access = "read_write"
setpoint = { low = 0, high = 100, interlock = "mill/plc1/level > 0.5" }
"""


def load(tmp_path: Path, text: str, **others: str) -> Plant:
    for name, content in others.items():
        (tmp_path / name.replace("__", ".")).write_text(content, encoding="utf-8")
    path = tmp_path / "plant.toml"
    path.write_text(text, encoding="utf-8")
    return load_plant(path)


def faults(tmp_path: Path, text: str, **others: str) -> list[Fault]:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text, **others)
    return caught.value.faults


def test_good_file(tmp_path: Path) -> None:
    plant = load(tmp_path, GOOD)
    device = plant.devices[0]
    level, speed = (t.spec for t in device.tags)
    assert (plant.table.name, plant.tag_count) == ("Mill", 2)
    assert {n: g.period for n, g in device.groups.items()} == {"default": 0.1, "slow": 2.0}
    assert (level.path, level.type, level.deadband_absolute) == ("mill/plc1/level", ValueType.FLOAT32, 0.06)
    assert level.limits is not None
    assert level.limits.hi == 5.2
    assert speed.access is Access.READ_WRITE
    assert device.tags[1].group == "slow"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('scan = "100ms"', 'scann = "100ms"', 9, ["unknown key 'scann'", "'scan'"]),
        ('unit = "m"', 'unti = "m"', 16, ["unknown key 'unti'", "'unit'"]),
        ('unit = "m"', 'unit = "furlongz"', 16, ["unknown unit 'furlongz'"]),
        ('name = "speed"', 'name = "level"', 23, ["duplicate tag 'mill/plc1/level'", ":12"]),
        ('address = "r2"', 'address = "r1"', 22, ["overlaps"]),
        ('address = "r2"', 'address = "x2"', 24, ["expected r1, r2"]),
        ('address = "r2"\n', "", 22, ["has no 'address'"]),
        ('type = "float32"', 'type = "float23"', 15, ["'float23'", "Did you mean 'float32'"]),
        ("low = 0\nhigh", 'low = "zero"\nhigh', 17, ["'zero'", "number"]),
        ('driver = "tiny"', 'driver = "tinny"', 7, ["unknown driver 'tinny'", "'tiny'"]),
        ('driver = "tiny"\n', "", 5, ["no 'driver'"]),
        ('group = "slow"', 'group = "slo"', 25, ["unknown scan group 'slo'", "'slow'"]),
        ("mill/plc1/level > 0.5", "mill/plc1/levle > 0.5", 22, ["names no tag", "mill/plc1/level"]),
        ("mill/plc1/level > 0.5", "mill/plc1/level >", 22, ["interlock"]),
        ("Europe/Madrid", "Europe/Madird", 3, ["unknown time zone"]),
        ('name = "mill/plc1"', 'name = "Mill/PLC-1"', 6, ["lower_snake", "'mill'"]),
        ("[[device]]", "[[devise]]", 5, ["unknown key 'devise'", "'device'"]),
        ('scan = "100ms"', 'scan = "100 parsecs"', 9, ["not a duration"]),
    ],
)
def test_fault_says_where_and_what(tmp_path: Path, old: str, new: str, line: int, words: list[str]) -> None:
    assert old in GOOD
    found = faults(tmp_path, GOOD.replace(old, new, 1))
    text = str(found[0])
    assert found[0].where == f"{tmp_path / 'plant.toml'}:{line}", text
    assert all(word in text for word in words), text


def test_interlocks_know_the_labels_of_tags_and_the_tags_of_the_node(tmp_path: Path) -> None:
    for text in ("sereno/node/clock == 'synchronised'", "sereno/node/disk_free > 1", "mill/plc1/level > 0.5"):
        load(tmp_path, GOOD.replace("mill/plc1/level > 0.5", text))
    (fault,) = faults(tmp_path, GOOD.replace("mill/plc1/level > 0.5", "sereno/node/clock == 'synchronized'"))
    assert "did you mean 'synchronised'?" in fault.found
    (fault,) = faults(tmp_path, GOOD.replace("mill/plc1/level > 0.5", "sereno/node/clok == 'synchronised'"))
    assert ("names no tag 'sereno/node/clok'" in fault.found, "sereno/node/clock" in fault.fix) == (True, True)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('unit = "m"', 'unti = "m"').replace('group = "slow"', 'group = "slo"')
    assert len(faults(tmp_path, text)) == 2


TEMPLATE = """\
[[template]]
name = "pump"
parameters = ["n", "base"]
[[template.tag]]
name = "pump{n}_speed"
address = "r{base+1}"
[[template.tag]]
name = "pump{n}_flow"
address = "r{base*2}"

[[device]]
name = "a/b"
driver = "tiny"
url = "x"
[[device.use]]
template = "pump"
each = [{ n = 1, base = 10 }, { n = 2, base = 20 }]
"""


def test_template_makes_tags(tmp_path: Path) -> None:
    tags = load(tmp_path, TEMPLATE).devices[0].tags
    assert {t.spec.name: t.driver_tag.config.address for t in tags} == {
        "pump1_speed": "r11", "pump1_flow": "r20", "pump2_speed": "r21", "pump2_flow": "r40",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("n = 2, base = 20", "n = 2", 17, "parameters n for template"),
        ('template = "pump"', 'template = "pumpe"', 16, "unknown template"),
        ("{base+1}", "{bas+1}", 1, "parameter {bas} is not given"),
        ("base = 20", 'base = "x"', 1, "expected an integer"),
    ],
)
def test_faults_of_templates(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    found = faults(tmp_path, TEMPLATE.replace(old, new, 1))
    assert any(f.where.endswith(f"plant.toml:{line}") and words in str(f) for f in found), found


def test_template_makes_devices(tmp_path: Path) -> None:
    text = """\
[[template]]
name = "site"
parameters = ["n"]
[[template.device]]
name = "site{n}/plc"
driver = "tiny"
url = "tcp://10.0.0.{n}"
[[template.device.tag]]
name = "level"
address = "r{n}"
[[use]]
template = "site"
each = [{ n = 1 }, { n = 2 }]
"""
    devices = load(tmp_path, text).devices
    assert [d.table.name for d in devices] == ["site1/plc", "site2/plc"]
    assert devices[1].config.url == "tcp://10.0.0.2"


CSV_PLANT = '[[device]]\nname = "a/b"\ndriver = "tiny"\nurl = "x"\ntags_csv = "tags.csv"\n'


def test_csv_list(tmp_path: Path) -> None:
    csv = (
        "name,address,type,alarm.hi,alarm.priority,alarm.response,labels\n"
        "level,r1,float32,5.5,2,Look,\nmode,r2,enum,,,,off|hand|auto\n"
    )
    level, mode = (t.spec for t in load(tmp_path, CSV_PLANT, tags__csv=csv).devices[0].tags)
    assert level.limits is not None
    assert level.limits.hi == 5.5
    assert mode.labels == ("off", "hand", "auto")


@pytest.mark.parametrize(
    ("csv", "line", "words"),
    [
        ("name,adress\nlevel,r1\n", 2, "'adress'"),
        ("tag,address\nlevel,r1\n", 1, "at least 'name'"),
        ("name,address\na,r1\na,r2\n", 3, "duplicate tag"),
        ("name,address\na,r1,extra\n", 2, "more cells"),
    ],
)
def test_faults_of_csv(tmp_path: Path, csv: str, line: int, words: str) -> None:
    found = faults(tmp_path, CSV_PLANT, tags__csv=csv)
    assert any(f.where == f"{tmp_path / 'tags.csv'}:{line}" and words in str(f) for f in found), found


def test_include(tmp_path: Path) -> None:
    plant = load(tmp_path, '[plant]\ninclude = ["more.toml"]\n', more__toml=GOOD.split("\n\n", 1)[1])
    assert plant.tag_count == 2
    assert [p.name for p in plant.files] == ["plant.toml", "more.toml"]


def test_all_that_a_plant_is_made_of_is_among_its_files(tmp_path: Path) -> None:
    text = CSV_PLANT.replace("[[device]]", '[plant]\nmimic = "plant.svg"\n[[device]]', 1)
    plant = load(tmp_path, text, tags__csv="name,address\nlevel,r1\n", plant__svg="<svg/>")
    assert [p.name for p in plant.files] == ["plant.toml", "tags.csv", "plant.svg"]


def test_a_database_is_named_by_a_file(tmp_path: Path) -> None:
    plant = load(tmp_path, '[database]\nurl_file = "database.url"\n' + GOOD)
    assert plant.database.url_file == "database.url"
    assert load(tmp_path, GOOD).database.url_file is None
    found = faults(tmp_path, '[database]\nurl = "postgresql://x:y@z/w"\n' + GOOD)
    assert "unknown key 'url'" in str(found[0])


def test_missing_include_names_who_asked(tmp_path: Path) -> None:
    found = faults(tmp_path, '[plant]\ninclude = ["nope.toml"]\n')
    assert "included at" in str(found[0])
    assert f"{tmp_path / 'plant.toml'}:2" in str(found[0])


KEYS = [
    "name",
    "scan",
    "groups",
    "url",
    "driver",
    "address",
    "type",
    "unit",
    "low",
    "high",
    "group",
    "access",
    "setpoint",
]


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.sampled_from(KEYS), st.data())
def test_typing_error_in_a_key_is_never_accepted(tmp_path: Path, key: str, data: Any) -> None:
    at = data.draw(st.integers(0, len(key) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz_"))
    wrong = data.draw(
        st.sampled_from([key[:at] + letter + key[at:], key[:at] + key[at + 1 :], key[:at] + letter + key[at + 1 :]])
    )
    if wrong in KEYS or not wrong:
        return
    found = faults(tmp_path, GOOD.replace(f"\n{key} =", f"\n{wrong} =", 1))
    assert any(repr(wrong) in str(f) for f in found)


def test_time_outs_of_sessions_by_role(tmp_path: Path) -> None:
    own = '\n[sessions]\nidle = "30min"\nroles = { admin = { idle = "5min" }, wall = { absolute = "7d" } }\n'
    limits = load(tmp_path, GOOD + own).sessions.limits()
    assert [limits.of([role]) for role in ("operator", "engineer", "admin", "wall")] == [
        RoleLimits(1800.0, 86400.0),
        RoleLimits(1800.0, 43200.0),
        RoleLimits(300.0, 43200.0),
        RoleLimits(1800.0, 604800.0),
    ]


@pytest.mark.parametrize("line", ['idle = "5s"', 'absolute = "900d"', 'roles = { admin = { idel = "1h" } }'])
def test_time_outs_that_cannot_be_meant(tmp_path: Path, line: str) -> None:
    (fault,) = faults(tmp_path, f"{GOOD}\n[sessions]\n{line}\n")
    assert "[sessions]" in str(fault)


OIDC = """
[oidc]
issuer = "https://id.example.org/realms/plant"
client_id = "sereno"
client_secret_file = "oidc.secret"
roles = { scada = "operator" }
hosts = ["keys.example.org"]
"""


def test_a_provider_to_sign_in_by(tmp_path: Path, require_package: Callable[[str, str], Any]) -> None:
    require_package("joserfc", "joserfc")
    found = load(tmp_path, GOOD + OIDC, oidc__secret="s3cret\n").provider
    assert found is not None
    config, called = found
    assert (config.issuer, config.client_secret, called) == (
        "https://id.example.org/realms/plant",
        "s3cret",
        "id.example.org",
    )
    assert (config.roles, config.hosts, config.claim) == ({"scada": "operator"}, ("keys.example.org",), "groups")
    assert "s3cret" not in repr(found)
    assert load(tmp_path, GOOD).provider is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("https://id.example.org", "http://id.example.org", "expected https://HOST"),
        ("https://id.example.org", "http://169.254.169.254", "expected https://HOST"),
        ("oidc.secret", "other.secret", "the secret cannot be read"),
        ("client_id", "client", "Did you mean 'client_id'?"),
        ('{ scada = "operator" }', "{}", "roles"),
        ('"keys.example.org"', '"https://keys.example.org/"', "hosts"),
    ],
)
def test_a_provider_with_mistakes(tmp_path: Path, old: str, new: str, reason: str) -> None:
    found = faults(tmp_path, GOOD + OIDC.replace(old, new), oidc__secret="s3cret")
    assert any(reason in str(fault) and "plant.toml:" in str(fault) for fault in found)
