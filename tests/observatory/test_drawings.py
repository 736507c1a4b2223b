"""The drawing of the observatory's site follows the house's rule: a state is shown once."""

from __future__ import annotations

import re
from pathlib import Path

import sereno_observatory

DRAWING = Path(str(sereno_observatory.__file__)).parent / "site" / "site.svg"


def test_no_two_commands_show_the_same_state() -> None:
    groups = re.findall(r"<g [^>]*data-write[^>]*>", DRAWING.read_text("utf-8"))
    shown = [found[1] for one in groups if (found := re.search(r'data-tag="([^"]*)"', one))]
    assert len(groups) > len(shown) == len(set(shown))
    commands = [one for one in groups if "data-tag" not in one]
    assert [re.search(r'data-write="([^"]*)"', one)[1] for one in commands] == [  # type: ignore[index]
        "site/plc/dome_open",
        "site/plc/dome_close",
    ]
