"""C parts of the benchmark, built where there is a compiler; the simulator of last resort is ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent


def compiler() -> str:
    """A C compiler, or empty."""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), "") if sys.platform == "linux" else ""


def built(source: str, folder: Path, name: str, *options: str) -> Path | None:
    """The program of a C source; None where it cannot be built."""
    if not compiler():
        return None
    target = folder / name
    command = [compiler(), "-O2", "-o", str(target), str(HERE / source), *options]
    return target if subprocess.run(command, capture_output=True, check=False).returncode == 0 else None


@contextmanager
def simulator(folder: Path) -> Iterator[int]:
    """A simulated device in a process of its own: in C where that can be built, else ours. Yields its port."""
    program = built("simulator.c", folder, "simulator")
    command = [str(program)] if program else [sys.executable, str(HERE / "simulator.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()
