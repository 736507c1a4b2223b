from __future__ import annotations

import pytest

from sereno.device._marks import only_reads
from sereno.model import Marks


@pytest.mark.parametrize(
    ("marks", "said", "by_code", "expected"),
    [
        ({}, {}, False, False),
        ({}, {}, True, True),
        ({}, {"look": True}, False, True),
        ({}, {"Look": True}, False, False),  # a device may have both
        ({}, {"Look": False}, True, False),
        ({"LOOK": Marks(approval=60.0)}, {}, True, False),
        ({"look": Marks(sign=("seen",))}, {"look": True}, True, False),
        ({"look": Marks(interlock="a/b/c", timeout=5.0)}, {}, True, True),
    ],
)
def test_the_plant_file_takes_away_in_any_case_and_grants_by_the_very_name(
    marks: dict[str, Marks], said: dict[str, bool], by_code: bool, expected: bool
) -> None:
    assert only_reads("look", marks, said, by_code=by_code) is expected
