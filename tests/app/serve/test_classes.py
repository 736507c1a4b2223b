from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sereno.app.serve.classes import load_class, module_files
from sereno.model import ConfigurationError
from tests.device.authoring.devices import PowerSupply

SOURCE = """
from sereno import Device, tag

class Motor(Device):
    position: float = tag()

class Nothing: pass
"""


@pytest.fixture
def folder(tmp_path: Path, own_modules: None) -> Path:
    (tmp_path / "lab_motors.py").write_text(SOURCE)
    return tmp_path


def fault(name: str, folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_class(name, folder=folder)
    return str(caught.value)


def test_by_module_and_by_file(folder: Path) -> None:
    by_module = load_class("lab_motors:Motor", folder=folder)
    assert by_module.__name__ == "Motor"
    assert load_class("tests.device.authoring.devices:PowerSupply") is PowerSupply
    (folder / "other-name.py").write_text(SOURCE)
    by_file = load_class("other-name.py:Motor", folder=folder)
    assert by_file is not by_module
    assert module_files(by_file) == [folder / "other-name.py"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lab_motors", "names no class; expected module:Class or file.py:Class"),
        ("lab_motors:Moter", "lab_motors has no 'Moter'. There is Motor."),
        ("lab_motors:Nothing", "Nothing of lab_motors is no subclass of sereno.Device"),
        ("lab_moters:Motor", "lab_moters cannot be imported: ModuleNotFoundError"),
        ("lab_moters:Motor", "A file is given with its ending: lab_moters.py:Class"),
        ("gone.py:Motor", "no file"),
        ("gone.py:Motor", "There are lab_motors.py."),
    ],
)
def test_what_is_wrong_is_told(folder: Path, name: str, words: str) -> None:
    assert words in fault(name, folder)


def test_a_fault_in_the_module_is_told_with_its_line(folder: Path) -> None:
    (folder / "broken.py").write_text("x = 1\nclass (:\n")
    assert f"{folder / 'broken.py'}:2: invalid syntax" in fault("broken.py:Motor", folder)
    (folder / "raising.py").write_text("x = 1\ny = x / 0\n")
    assert f"{folder / 'raising.py'}:2: raising.py cannot be imported: ZeroDivisionError" in fault(
        "raising.py:M", folder
    )
    assert not [name for name in sys.modules if name in ("broken", "raising")]
