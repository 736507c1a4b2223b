"""How log files are named: by numbers that only grow."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"sereno-([0-9]{6,12})\.jsonl\Z")


def log_file(folder: Path, number: int) -> Path:
    """The file of a number."""
    return folder / f"sereno-{number:06d}.jsonl"


def numbers_in(folder: Path) -> list[int]:
    """Numbers of the log files that are there, ascending; none where there is no folder."""
    try:
        found = [_NAME.match(entry.name) for entry in folder.iterdir()]
    except OSError:
        return []
    return sorted(int(one[1]) for one in found if one)
