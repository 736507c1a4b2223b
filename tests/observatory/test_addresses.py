"""Addresses of the original's INI file, in a plant of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.app.cli import run_cli
from sereno.app.plant.load import load_plant
from sereno.model import ConfigurationError
from sereno_observatory.commands.addresses import read_addresses

INI = """
[Telescope]
ip = 10.0.0.5
port = 5000
[CameraVIS]
ip=vis.example.org
port=5001
[CameraNIR]
ip = 10.0.0.7
port = 5002
[PLC]
ip = 10.0.0.8
port = 5003
[Dome]
ip = 10.0.0.9
port = 5004
"""


def test_a_plant_with_these_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "addresses.ini"
    file.write_text(INI, encoding="utf-8")
    mine = tmp_path / "mine"
    assert run_cli(["observatory", "import", str(file), str(mine)]) == 0
    assert "site/dome  10.0.0.9:5004\n" in capsys.readouterr().out
    urls = {d.table.name: getattr(d.config, "url", "") for d in load_plant(mine / "plant.toml").devices}
    assert urls["site/plc"] == "tcp://10.0.0.8:5003"
    text = (mine / "instruments.toml").read_text(encoding="utf-8")
    assert text.count("http://vis.example.org:5001/0") == 3
    assert text.count("http://10.0.0.7:5002/0") == 2
    assert "http://10.0.0.5:5000/0" in text
    assert "http://10.0.0.9:5004/0" in text
    assert run_cli(["observatory", "import", str(file), str(mine)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert run_cli(["observatory", "import", str(file), str(file / "mine")]) == 2
    assert "cannot be written: Not a directory; choose another folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[PLC]\nip = 10.0.0.8\nport = 0", r":3: \[PLC\]: port = '0'; expected 1 to 65535"),
        ("[Telscope]\nip = 10.0.0.8", r":1: \[Telscope\]: .*Did you mean \[Telescope\]"),
        ("[PLC]\nip = a b\nport = 1", "ip = 'a b'"),
        ("\n[PLC]\nport = 1", r":2: \[PLC\]: ip = ''"),
        ("[Rover]\nip = 1.2.3.4\nport = 1", r"\[Rover\]: a section that is not known; expected \[Telescope\]"),
        ("PLC", "an INI file"),
        ("", "no address"),
        ("[PLC]\nip = a\nip = b", "option 'ip'"),
    ],
)
def test_what_is_wrong_is_said(text: str, found: str, tmp_path: Path) -> None:
    file = tmp_path / "addresses.ini"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=found):
        read_addresses(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.ini"):
        read_addresses(tmp_path / "none.ini")
