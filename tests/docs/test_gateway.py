"""The plant file and the command of docs/gateway.md are ones."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import structlog
from click.testing import CliRunner

from sereno.app.commands.gateway import gateway
from sereno.app.plant.load import load_plant
from sereno.app.smallgateway.wanted import Opened, opened

PAGE = Path(__file__).parents[2] / "docs" / "gateway.md"
TAG = '[[device.tag]]\nname = "{}"\naddress = "holding:{}"\naccess = "read_write"\n'


def test_the_plant_file(tmp_path: Path) -> None:
    text = PAGE.read_text("utf-8")
    (table,) = re.findall(r"```toml\n(.*?)```", text, re.S)
    names = [f"{name}{i}" for name in ("lane", "total") for i in range(3)]
    device = '[[device]]\nname = "plc"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:1"\n'
    file = tmp_path / "plc.toml"
    file.write_text(table + device + "".join(TAG.format(name, i) for i, name in enumerate(names)), encoding="utf-8")
    served = opened(load_plant(file), Opened())
    assert served.settings.commands == {"deconnection": "plc/disconnect"}
    assert served.insecure.writes == ("plc", "plc/total*")


def test_the_command() -> None:
    (console,) = re.findall(r"```console\n\$ (.*?)\nplc at", PAGE.read_text("utf-8"), re.S)
    words = shlex.split(console.replace("\\\n", " "))
    assert words[:2] == ["sereno", "gateway"]
    words[2] = "tcp://127.0.0.1:1"
    try:
        found = CliRunner().invoke(gateway, [*words[2:], "--port", "0", "--for", "0.01"], standalone_mode=False)
    finally:
        structlog.reset_defaults()
    assert "plc at http://127.0.0.1:" in found.output, found.exception
