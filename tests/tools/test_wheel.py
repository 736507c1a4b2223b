"""One wheel holds both packages and everything they read at run time."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tools.checks.source import project_files

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without leaving this process."""
    folder = tmp_path_factory.mktemp("wheel")
    built = next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "content")
    return folder / "content"


def test_every_file_under_src_is_in_the_wheel_with_the_same_content(wheel: Path) -> None:
    files = [Path(name).relative_to("src") for name in project_files(ROOT) if name.startswith("src/")]
    assert len(files) > 20
    assert not [str(file) for file in files if not (wheel / file).is_file()]
    assert not [str(file) for file in files if (wheel / file).read_bytes() != (ROOT / "src" / file).read_bytes()]


def test_nothing_else_is_in_the_wheel(wheel: Path) -> None:
    files = {name.removeprefix("src/") for name in project_files(ROOT)}
    packed = [path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()]
    assert not [name for name in packed if name not in files and ".dist-info/" not in name]


def test_the_wheel_names_its_command_and_carries_the_licence(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (info,) = wheel.glob("sereno-*.dist-info")
    assert info.name == f"sereno-{project['version']}.dist-info"
    entry_points = (info / "entry_points.txt").read_text()
    assert "sereno = sereno.__main__:main" in entry_points
    assert "[sereno.drivers]" in entry_points
    assert "Apache License" in (info / "licenses" / "LICENSE").read_text()
