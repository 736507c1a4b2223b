"""How a program of ours is loaded: garbage is not looked for meanwhile, and what is loaded is never looked through."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_MEANWHILE = 400_000
"""Objects made until garbage is looked for: more than a node loads. What is imported is none, and looking took a tenth
of a node's start."""
_usual = gc.get_threshold()


def begin() -> None:
    """From here on the program is loaded, until `done`."""
    gc.set_threshold(_MEANWHILE, *_usual[1:])


def done() -> None:
    """What is there stays, and is not looked through again: that stopped a node for 50 ms. Nothing without `begin`."""
    if gc.get_threshold()[0] == _MEANWHILE:
        gc.set_threshold(*_usual)
        gc.freeze()


@contextmanager
def absent(*packages: str) -> Iterator[None]:
    """Packages as if they were not installed, for whoever can do without; not those that are loaded already."""
    hidden = [name for name in packages if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
