from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from sereno.client import CommandSpec, ParameterSpec, connect, device_stubs
from sereno.client._stubs import class_name, stubs
from sereno.model import Access, TagSpec, ValueType
from tests.gateways.native.site import DEVICE, NAMES, site_at

PARAMETERS = (
    ParameterSpec(name="rate", type=ValueType.FLOAT64),
    ParameterSpec(name="mode", type=ValueType.ENUM, labels=("slow", "fast"), optional=True),
)
RAMP = CommandSpec(
    name="ramp",
    description='Go there "gently"',
    parameters=PARAMETERS,
    result=ParameterSpec(name="", type=ValueType.FLOAT32, shape=(0,)),
)
RESET = CommandSpec(name="reset")
PS = ("lab/ps/1", [TagSpec(path="lab/ps/1/voltage", unit="V", access=Access.READ_WRITE)], [RAMP, RESET])


@pytest.mark.parametrize(("path", "name"), [("lab/ps/1", "LabPs1"), ("1/x", "Device1X"), ("a_b/c", "ABC")])
def test_classes_are_named_after_their_devices(path: str, name: str) -> None:
    assert class_name(path) == name


SHIMS = {
    "sereno/__init__.pyi": "",
    "sereno/client.pyi": "class TagProxy:\n    async def read(self) -> int: ...\n"
    "class CommandProxy: ...\nclass DeviceProxy: ...\n",
    "numpy/__init__.pyi": "class float32: ...\n",
    "numpy/typing.pyi": "from typing import Generic, TypeVar\nT = TypeVar('T')\n"
    "class NDArray(Generic[T]):\n    def astype(self, kind: type) -> None: ...\n",
}
"""What the stubs import, small: a type checker that reads all of numpy takes half a minute."""


def test_a_type_checker_finds_wrong_names_and_arguments(tmp_path: Path) -> None:
    for name, text in SHIMS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "devices.pyi").write_text(stubs([PS]))
    (tmp_path / "program.py").write_text(
        "from devices import LabPs1\n"
        "async def work(ps: LabPs1) -> None:\n"
        "    reading = await ps.voltage.read()\n"
        "    found = await ps.ramp(1.0, 'fast')\n"
        "    await ps.ramp('quickly')\n"
        "    await ps.ramp(1.0, 'sideways')\n"
        "    found.astype(int)\n"
        "    ps.voltag\n"
    )
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--no-site-packages",
        "--config-file=",
        "--cache-dir",
        str(tmp_path / "cache"),
        "program.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    wrong = [line for line in done.stdout.splitlines() if line.startswith("program.py")]
    assert [int(line.split(":")[1]) for line in wrong] == [5, 6, 8], done.stdout


async def test_they_say_what_the_node_declares() -> None:
    async with site_at() as site, connect(site.server.url, "viewer") as client:
        text, paths = await device_stubs(client, ["lab/*"])
    assert paths == [DEVICE]
    made = next(node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
    names = {
        node.target.id for node in made.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert names == set(NAMES)


def test_no_devices_are_still_a_module() -> None:
    ast.parse(stubs([]))
