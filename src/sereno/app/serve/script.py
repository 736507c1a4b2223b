"""sereno.run and Device.run: the last line of a script that serves its own classes."""

from __future__ import annotations

import sys
from typing import Any

from sereno.app.cli import run_cli
from sereno.device import Device


def run_devices(*devices: Any) -> int:
    """Serve classes, each followed by names, and options of `sereno serve`; without names those of the command line.

    Returns the exit code. Raises TypeError for anything else.
    """
    given: dict[str, type[Device]] = {}
    tokens: list[str] = []
    for one in devices:
        if isinstance(one, type) and issubclass(one, Device):
            token = f"{one.__module__}:{one.__qualname__}"
            given[token] = one
            tokens.append(token)
        elif isinstance(one, str):
            tokens.append(one)
        else:
            raise TypeError(f"run takes subclasses of Device and names, this is {one!r}")
    if all(token in given for token in tokens):
        tokens += sys.argv[1:]
    return run_cli(["serve", *tokens], given)
