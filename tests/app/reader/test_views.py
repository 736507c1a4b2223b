from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from sereno.app.reader.ring import Read, Ring
from sereno.app.reader.views import Lines, Notebook, Terminal, Window, view_of
from sereno.model import OperationError


def ring(*values: float) -> Ring:
    made = Ring(20)
    for n, value in enumerate(values):
        made.add(Read(value, n * 10**9))
    return made


def test_lines_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (False, True):
        view = Lines(as_json=as_json)
        view.take(Read(0.5, 10**18))
        view.take(Read(float("nan"), 10**18, good=False))
    first, second, third, fourth = capsys.readouterr().out.splitlines()
    assert first.endswith("0.5")
    assert second.endswith("nan  bad")
    assert json.loads(third) == {"t": "2001-09-09T01:46:40.000Z", "value": 0.5, "good": True}
    assert json.loads(fourth)["value"] is None


def test_the_terminal_shows_shape_and_value(capsys: pytest.CaptureFixture[str]) -> None:
    view = Terminal("here")
    view.draw(ring(-1.0, 0.0, 1.0, 0.5))
    drawn = capsys.readouterr().out
    assert "here  0.5" in drawn
    view.draw(ring(-1.0, 0.0, 1.0, 0.5))
    assert capsys.readouterr().out == ""


def test_without_plotext_the_terminal_shows_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotext", None)
    assert Terminal("here").picture(ring(-1.0, 0.0, 1.0)) == "here  1.0\n ▄█"
    assert Terminal("here").picture(ring()) == "here"


def test_what_is_no_terminal_gets_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(view_of("auto", "x", as_json=False), Lines)
    assert isinstance(view_of("window", "x", as_json=True), Lines)


def test_a_window_without_a_screen_is_an_error_that_says_so(require_package: Callable[[str, str], Any]) -> None:
    require_package("matplotlib.pyplot", "matplotlib").switch_backend("agg")
    with pytest.raises(OperationError, match="no screen"):
        Window("here")


def test_a_notebook_draws_into_one_picture(
    monkeypatch: pytest.MonkeyPatch, require_package: Callable[[str, str], Any]
) -> None:
    shown: list[Any] = []

    class Handle:
        def update(self, figure: Any) -> None:
            shown.append(figure)

    require_package("matplotlib", "matplotlib")
    display = require_package("IPython.display", "ipython")
    monkeypatch.setattr(display, "display", lambda figure, display_id: Handle())
    view = Notebook("here")
    view.draw(ring(1.0, 2.0))
    view.draw(ring(1.0, 2.0))
    assert len(shown) == 1
    assert view._line.get_ydata().tolist() == [1.0, 2.0]


WINDOW = """
import sys, asyncio
from pathlib import Path
from PIL import ImageGrab
from sereno.app.reader.ring import Read, Ring
from sereno.app.reader.views import Window
view, ring = Window("levels"), Ring(20)
for n in range(20):
    ring.add(Read(abs(10 - n) / 10, n * 10**8))
    view.draw(ring)
for _ in range(50):
    view.draw(ring)
picture = ImageGrab.grab()
picture.save(sys.argv[1])
assert not view.closed
view.close()
assert view.closed
print(len(set(picture.getdata())))
"""


def test_a_window_opens_on_a_screen(
    tmp_path: Path, require_program: Callable[[str, str], Path], require_package: Callable[[str, str], Any]
) -> None:
    require_package("matplotlib", "matplotlib")
    if find_spec("_tkinter") is None and sys.base_prefix != "/usr":
        pytest.skip("this Python was built without tkinter")
    require_package("_tkinter", "python3-tk")
    xvfb = require_program("xvfb-run", "xvfb")
    done = subprocess.run(
        [str(xvfb), "-a", sys.executable, "-c", WINDOW, str(tmp_path / "window.png")],
        capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": "/tmp"},  # xvfb-run: without spaces
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10, "the screen is empty"


def test_views_of_a_notebook_are_an_error_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    with pytest.raises(OperationError, match="a notebook needs"):
        Notebook("here")
