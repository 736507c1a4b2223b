"""What the program loads, and what it leaves out."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from sereno.app import loading


def _after(*words: str, show: str) -> str:
    """What `show` is in a program of its own, after a command line."""
    code = (
        "import gc, sys; from sereno.__main__ import main; sys.argv[0] = 'sereno'\n"
        "try: main()\n"
        f"except SystemExit: print('shown', {show}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return done.stderr.splitlines()[-1].removeprefix("shown ")


def test_a_client_command_loads_nothing_that_only_a_node_needs() -> None:
    heavy = "{'rich', 'twisted', 'pydantic', 'sqlalchemy', 'fastapi', 'sereno.device'} & sys.modules.keys()"
    assert _after("get", "--help", show=heavy) == "set()"


def test_what_was_absent_can_be_had_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with loading.absent("colorsys", "json"):
        with pytest.raises(ImportError):
            import colorsys
        import json  # was loaded before
    import colorsys

    assert json.loads("1") == colorsys.ONE_THIRD * 3


def test_garbage_is_looked_for_as_usual_once_the_program_is_loaded() -> None:
    usual, frozen = gc.get_threshold(), gc.get_freeze_count()
    loading.done()
    assert gc.get_freeze_count() == frozen  # not begun: a program of somebody else's stays as it is
    loading.begin()
    try:
        assert gc.get_threshold()[0] > usual[0]
        loading.done()
        assert gc.get_threshold() == usual
        assert gc.get_freeze_count() > frozen
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
