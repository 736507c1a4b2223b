"""The plant at the prompt: names complete, values show, errors are sentences, trends are drawn; the tutorial runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sereno.app.console.extension import load, unload
from sereno.app.console.pictures import Plot, trend_of
from sereno.app.console.plant import MissingError, PlantAtPrompt, Table
from sereno.client import Series, connect_sync
from sereno.model import OperationError, RefusedError
from tests.web.browser.conftest import RunningNode

TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorials" / "shell.ipynb"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("console") / "data") as running:
        yield running


@pytest.fixture
def plant(node: RunningNode) -> Iterator[PlantAtPrompt]:
    with connect_sync(data=node.folder) as client:
        yield PlantAtPrompt(client)


def test_names_complete_level_by_level(plant: PlantAtPrompt) -> None:
    assert {"river", "town", "works"} <= set(dir(plant))
    assert "plc1" in dir(plant.river)
    assert "tank_level" in dir(plant.river.plc1)
    assert "river/plc1" in plant._ipython_key_completions_()
    assert "plc1" in plant.river._ipython_key_completions_()


def test_values_and_tables(plant: PlantAtPrompt) -> None:
    plant.client.tag("river/plc1/chlorine_setpoint").wait_for(0.85, 10.0, tolerance=10.0)
    value = plant.river.plc1.chlorine_setpoint.read()
    assert repr(plant.river.plc1.chlorine_setpoint) == repr(value)
    shown = repr(plant["works/balance"])
    assert [line.split()[0] for line in shown.splitlines()] == [
        "works/balance/hours_left",
        "works/balance/net_flow",
        "works/balance/stored_volume",
    ]
    assert repr(Table([])) == "no tags"


def test_writing_and_what_is_refused(plant: PlantAtPrompt) -> None:
    tag = plant["river/plc1/chlorine_setpoint"]
    assert str(tag.write(0.7).state) == "done"
    with pytest.raises(RefusedError, match="above the limit"):
        tag.write(80)


def test_what_is_not_there_is_told_with_what_is(plant: PlantAtPrompt) -> None:
    with pytest.raises(MissingError, match=r"no 'river/plc1/tank_levl'; below 'river/plc1' there is: tank_level"):
        plant.river.plc1.tank_levl  # noqa: B018
    assert not hasattr(plant, "anything")


def test_monitor_prints_changes_for_so_long(plant: PlantAtPrompt, capsys: pytest.CaptureFixture[str]) -> None:
    plant.monitor("river/plc1/chlorine_setpoint", seconds=0.0)
    assert "river/plc1/chlorine_setpoint" in capsys.readouterr().out


def series(*values: float, unit: str = "m") -> Series:
    t = np.arange(len(values), dtype=np.int64) * 10**9
    return Series("a/b/c", unit, t, np.array(values), np.zeros(len(values), np.uint16))


def test_a_trend_in_characters(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("plotext", "plotext")
    text = repr(trend_of([series(1.0, 2.0, np.nan, 3.0)]))
    assert "a/b/c [m]" in text
    assert "\x1b" not in text


def test_a_trend_without_any_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plotext", None)
    assert repr(Plot([series(0.0, 4.0, 8.0)])) == "a/b/c [m]  0 .. 8\n ▄█"
    assert "no values" in repr(Plot([series(np.nan)]))


def test_a_trend_as_a_picture(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("matplotlib", "matplotlib")
    made = trend_of([series(1.0, 2.0)])._repr_png_()
    assert made is not None
    assert made.startswith(b"\x89PNG")


def test_texts_have_no_trend() -> None:
    text = Series("a/b/c", "", np.zeros(1, np.int64), np.zeros(1), np.zeros(1, np.uint16), objects=("x",))
    with pytest.raises(OperationError, match="no trend"):
        trend_of([text])


class Shell:
    """What IPython's shell is to an extension."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.magics: dict[str, Callable[[str], Any]] = {}

    def push(self, names: dict[str, Any]) -> None:
        self.user_ns.update(names)

    def set_custom_exc(self, kinds: Any, handler: Any) -> None:
        self.told = handler

    def register_magic_function(self, function: Callable[[str], Any], magic_name: str) -> None:
        self.magics[magic_name] = function


def test_the_extension_greets_and_leaves_nothing(node: RunningNode, capsys: pytest.CaptureFixture[str]) -> None:
    shell, before = Shell(), threading.active_count()
    words = load(shell, data=node.folder)
    assert "plant.river.plc1." in words
    assert len(shell.magics["read"]("river/plc1/tank* works/*")) > 3
    shell.told(shell, RefusedError, RefusedError("not now"), None)
    assert capsys.readouterr().err == "Refused: not now\n"
    unload(shell)
    assert threading.active_count() == before


def test_the_tutorial_runs(node: RunningNode, require_package: Callable[[str, str], ModuleType]) -> None:
    said = told_by(TUTORIAL, node, require_package)
    assert "done" in said[3]
    assert "above the limit" in said[4]
    assert "image/png" in said[6]
    assert "river/plc1" in said[7]


def test_the_analysis_runs(node: RunningNode, require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("pandas", "pandas")
    require_package("matplotlib", "matplotlib")
    said = told_by(TUTORIAL.with_name("analysis.ipynb"), node, require_package)
    assert "time_mean" in said[1]
    assert "river/plc1/chlorine" in said[2]
    assert "mg/L" in said[2]
    assert "image/png" in said[3]


def told_by(tutorial: Path, node: RunningNode, require_package: Callable[[str, str], ModuleType]) -> list[str]:
    """What the code cells of a notebook put out, run beside the node's folder."""
    nbclient = require_package("nbclient", "nbclient")
    nbformat = require_package("nbformat", "nbformat")
    require_package("ipykernel", "ipykernel")
    notebook = nbformat.read(tutorial, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "the tutorial is kept without outputs"
    runner = nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(node.folder.parent)}}
    )
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(runner.async_execute())
    finally:
        loop.close()
    return [str(cell.outputs) for cell in runner.nb.cells if cell.cell_type == "code"]
