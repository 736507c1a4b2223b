"""The import contracts of pyproject.toml catch what they are there to catch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import check

ROOT = Path(__file__).parents[2]
LOWER_ROOMS = [
    "model",
    "wire",
    "access",
    "expression",
    "store",
    "client",
    "device",
    "hub",
    "historian",
    "alarms",
    "derive",
]
ROOMS = [*LOWER_ROOMS, "drivers", "gateways", "sim", "pages", "web", "agents", "reports", "app", "testing"]
FILES = [f"{room}/part.py" for room in ROOMS] + [
    f"drivers/{driver}/{file}.py" for driver in ("one", "two") for file in ("protocol", "driver", "tags")
]

ALLOWED = {
    "app.part": "hub.part web.part drivers.one.driver",
    "testing.part": "app.part hub.part",
    "web.part": "client.part access.part pages.part",
    "pages.part": "client.part access.part",
    "gateways.part": "client.part drivers.one.protocol",
    "sim.part": "drivers.one.protocol device.part",
    "drivers.one.driver": "device.part drivers.one.protocol",
    "hub.part": "client.part wire.part",
    "access.part": "store.part",
    "wire.part": "model.part",
}

PLANTED = [
    ("model.part", "wire.part"),
    ("store.part", "client.part"),
    ("hub.part", "historian.part"),
    ("pages.part", "web.part"),
    ("device.part", "derive.part"),
    ("alarms.part", "drivers.one.protocol"),
    ("web.part", "hub.part"),
    ("web.part", "agents.part"),
    ("reports.part", "historian.part"),
    ("agents.part", "sim.part"),
    ("gateways.part", "device.part"),
    ("gateways.part", "drivers.one.tags"),
    ("sim.part", "drivers.one.driver"),
    ("drivers.one.driver", "drivers.two.protocol"),
    ("app.part", "testing.part"),
    ("client.part", "testing.part"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the project's contracts over the tree in `folder`/src."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    path = os.pathsep.join([str(folder / "src"), str(ROOT)])
    environment = dict(os.environ, PYTHONPATH=path, COLUMNS="400", NO_COLOR="1")
    command = [sys.executable, "-m", "tools.checks.contracts"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


def build(folder: Path, imports: list[tuple[str, str]]) -> None:
    """A house with every room, in which `imports` are the only imports."""
    package = folder / "src" / "sereno"
    for name in FILES:
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        (file.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (folder / "src" / "sereno_observatory").mkdir()
    (folder / "src" / "sereno_observatory" / "__init__.py").touch()
    (package / "sim" / "scenario.py").touch()
    (folder / "src" / "sereno_observatory" / "scenarios.py").write_text(
        "import sereno.sim.scenario\n", encoding="utf-8"
    )
    for importer, imported in imports:
        with (package / (importer.replace(".", "/") + ".py")).open("a") as file:
            file.write(f"import sereno.{imported}\n")


def test_what_the_design_allows_is_kept(tmp_path: Path) -> None:
    build(tmp_path, [(importer, one) for importer, imported in ALLOWED.items() for one in imported.split()])
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout


def test_every_planted_violation_is_reported_at_its_line(tmp_path: Path) -> None:
    build(tmp_path, PLANTED)
    done = lint(tmp_path)
    assert done.returncode == 1
    found = "\n".join(check.broken_contracts([line for line in done.stdout.splitlines() if line.strip()]))
    for importer, imported in PLANTED:
        place = f"src/sereno/{importer.replace('.', '/')}.py:"
        assert any(line.startswith(place) and f"imports sereno.{imported};" in line for line in found.splitlines()), (
            f"{importer} -> {imported} went unseen:\n{done.stdout}"
        )


def test_rooms_in_a_circle_on_one_floor_are_reported(tmp_path: Path) -> None:
    build(tmp_path, [("access.part", "store.part"), ("store.part", "access.part")])
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "circles BROKEN" in done.stdout


@pytest.mark.parametrize("room", ["hub", "app", "sim", "drivers.one.protocol", "access"])
def test_the_observatory_uses_public_names_only(tmp_path: Path, room: str) -> None:
    build(tmp_path, [])
    (tmp_path / "src/sereno_observatory/site.py").write_text(f"import sereno.client.part\nimport sereno.{room}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "sereno_observatory uses public names of sereno only BROKEN" in done.stdout
    assert f"sereno_observatory.site -> sereno.{room}" in done.stdout


def test_sereno_may_not_know_the_observatory(tmp_path: Path) -> None:
    build(tmp_path, [])
    (tmp_path / "src/sereno/model/part.py").write_text("import sereno_observatory\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "sereno does not know sereno_observatory BROKEN" in done.stdout


def test_a_room_without_a_place_is_refused(tmp_path: Path) -> None:
    build(tmp_path, [])
    (tmp_path / "src/sereno/cellar").mkdir()
    (tmp_path / "src/sereno/cellar/__init__.py").touch()
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "sereno.cellar" in done.stdout


@pytest.mark.parametrize("line", ["import sereno.device", "def f() -> None:\n    from sereno import device"])
def test_the_real_tree_with_one_wrong_import_is_refused(tmp_path: Path, line: str) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "static"))
    with (tmp_path / "src/sereno/model/__init__.py").open("a") as file:
        file.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "sereno.model -> sereno.device" in done.stdout


def test_contracts_name_only_rooms_that_have_a_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {word.strip("()") for layer in contracts[0]["layers"] for word in layer.split() if word not in "|:"}
    assert layers == {*ROOMS, "__main__"}
    for contract in contracts[1:]:
        named = [
            *contract.get("source_modules", []),
            *contract.get("forbidden_modules", []),
            *contract.get("modules", []),
        ]
        rooms = {name.split(".")[1] for name in named if "." in name}
        assert rooms <= layers, contract["id"]
    runtime = next(contract for contract in contracts if contract["id"] == "testing-stays-out")
    assert {name.split(".")[1] for name in runtime["source_modules"]} == layers - {"testing"}
