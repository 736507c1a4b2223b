from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sereno.app.plant.load import load_plant
from sereno.app.smallgateway.flags import Flags, plant_of_flags
from sereno.app.smallgateway.wanted import Opened, opened
from sereno.model import Access, ConfigurationError, ValueType

FLAGS = Flags(
    "modbus",
    "tcp://127.0.0.1:5020",
    "100ms",
    ("lane0=holding:0", "lane1=holding:1,int16", "total=holding:9,uint16,write"),
    ("compteur_bille=lane0,plc/lane1",),
    ("compteur_bille=total",),
    "lane0",
)


def test_flags_are_a_plant() -> None:
    plant = plant_of_flags(FLAGS)
    (device,) = plant.devices
    assert (device.table.name, device.table.scan) == ("plc", 0.1)
    assert {tag.spec.path: (tag.spec.type, tag.spec.access) for tag in device.tags} == {
        "plc/lane0": (ValueType.UINT16, Access.READ),
        "plc/lane1": (ValueType.INT16, Access.READ),
        "plc/total": (ValueType.UINT16, Access.READ_WRITE),
    }
    settings = opened(plant, Opened(port=0)).settings
    assert settings.names == {"compteur_bille": ("plc/lane0", "plc/lane1")}
    assert settings.totals == {"compteur_bille": ("plc/total",)}
    assert (settings.connections, settings.legacy_writes, settings.host) == ("plc/lane0", False, "127.0.0.1")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (replace(FLAGS, tags=()), "has no tag"),
        (replace(FLAGS, tags=("lane0",)), "--tag lane0: this names no tag; expected NAME=ADDRESS"),
        (replace(FLAGS, tags=("lane0=elsewhere:0",)), 'the flags, that say address = "elsewhere:0": '),
        (replace(FLAGS, url="tcp://nowhere:x"), "the flags, that say url = "),
        (replace(FLAGS, driver="modbos"), "Did you mean 'modbus'"),
        (replace(FLAGS, totals=("compteur_bille=lane0",)), "which cannot be written"),
        (replace(FLAGS, vectors=("v=lane0,lane7",)), "names no tag 'plc/lane7'"),
        (replace(FLAGS, vectors=("v",)), "--vector v: this names no tags"),
    ],
)
def test_flags_that_mean_nothing(flags: Flags, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        plant_of_flags(flags)
    assert words in str(refused.value)
    assert "/plant.toml" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Opened(host="0.0.0.0"), "let nobody in but this machine"),
        (Opened(allow=("0.0.0.0/0",)), "lets everybody in"),
        (Opened(token="env:NO_SUCH_TOKEN"), "has 0 bytes"),
        (Opened(token="file:/no/such/file"), "cannot be read"),
    ],
)
def test_it_is_opened_to_nobody_by_chance(said: Opened, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        opened(plant_of_flags(FLAGS), said)


def test_it_is_opened_to_networks_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_TOKEN", "a" * 20)
    said = Opened("0.0.0.0", 0, ("10.1.0.0/16",), "env:GATEWAY_TOKEN", legacy_writes=True)
    served = opened(plant_of_flags(FLAGS), said)
    assert [served.insecure.admits(one) for one in ("127.0.0.1", "10.1.7.7", "10.2.0.1")] == [True, True, False]
    assert (served.settings.token, served.settings.legacy_writes) == (b"a" * 20, True)
    assert opened(plant_of_flags(FLAGS), Opened(hosts=("gate.example",))).settings.hosts == ("gate.example",)
    monkeypatch.setenv("GATEWAY_TOKEN", "short")
    with pytest.raises(ConfigurationError, match="has 5 bytes, expected 16"):
        opened(plant_of_flags(FLAGS), said)


def test_what_only_a_node_runs_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(
        '[[device]]\nname = "plc"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:5020"\n[[device.tag]]\nname = "level"\n'
        'address = "holding:1"\nalarm = { hi = 5, priority = 2, response = "Look" }\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError, match="the plant has one alarm or more, which a small gateway does not run"):
        opened(load_plant(file), Opened())


TELESCOPE = '[[device]]\nname = "plc"\ndriver = "alpaca"\nkind = "telescope"\nurl = "http://127.0.0.1:5000/0"\n'
PLC = (
    '[[device]]\nname = "plc"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:5020"\n'
    '[[device.tag]]\nname = "level"\naddress = "holding:1"\n'
)


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (TELESCOPE + "commands = { park = { approval = true } }", "command that waits for people"),
        (TELESCOPE + 'commands = { park = { interlock = "true" } }', "command with an interlock"),
        (PLC + 'access = "read_write"\nsetpoint = { select = true }', "set-point that waits for people"),
    ],
)
def test_what_waits_for_people_is_not_open_to_a_gateway_without_any(tmp_path: Path, plant: str, words: str) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(plant, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"the plant has one {words} or more"):
        opened(load_plant(file), Opened())


@pytest.mark.parametrize(
    ("gateway", "words"),
    [
        ("[gateway.http]", "nobody is asked for a token"),
        ('[gateway.http]\ntoken = "hunter2hunter2hunter2"', "is not in the plant file itself"),
        ('[gateway.http]\ninsecure = true\nnames = { tags = "plc/level" }', "is no name of an endpoint"),
        ('[gateway.http]\ninsecure = true\nnames = { a = "plc/levle" }', "did you mean 'plc/level'"),
        ('[gateway.http]\ninsecure = true\ncommands = { reset = "reset" }', "is no command"),
        ("[gateway.http]\ninsecure = true\nlegacy_write = true", "unknown key 'http.legacy_write'"),
    ],
)
def test_faults_of_the_plant_file(tmp_path: Path, gateway: str, words: str) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(
        f'{gateway}\n[[device]]\nname = "plc"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:5020"\n[[device.tag]]\n'
        'name = "level"\naddress = "holding:1"\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError, match=f"(?i){words}"):
        load_plant(file)
