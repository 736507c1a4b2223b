from __future__ import annotations

import numpy as np
import pytest

from sereno.hub.table import LiveTable
from sereno.model import NotFoundError, Quality, TagSpec, ValueType


def specs(*paths: str) -> list[TagSpec]:
    return [TagSpec(path=p) for p in paths]


def test_handles_are_consecutive_and_columns_survive_growth() -> None:
    table = LiveTable(capacity=2)
    first = table.register(specs("a/b", "a/c"))
    table.value[first] = (1.0, 2.0)
    table.objects[0] = "x"
    generation = table.generation
    more = table.register([TagSpec(path=f"a/d{i}", deadband=i) for i in range(99)])
    assert more.tolist() == list(range(2, 101))
    assert table.generation > generation
    assert table.value[:2].tolist() == [1.0, 2.0]
    assert np.isnan(table.value[2:101]).all()
    assert table.deadband[more].tolist() == list(range(99))
    assert set(table.quality.tolist()) == {Quality.WAITING}
    assert len(table) == 101


def test_register_is_all_or_none() -> None:
    table = LiveTable()
    table.register(specs("a/b"))
    for bad in (specs("a/c", "a/b"), specs("a/c", "a/c")):
        with pytest.raises(ValueError, match="declared twice"):
            table.register(bad)
    assert len(table) == 1
    assert table.paths.get("a/c") is None
    assert table.register(specs("a/c")).tolist() == [1]


def test_collision_of_ids_names_both_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sereno.model._spec.tag_id", lambda path: 7)
    table = LiveTable()
    with pytest.raises(ValueError, match=r"'a/b' and 'a/c' have the same id 0000000000000007"):
        table.register(specs("a/b", "a/c"))
    table.register(specs("a/b"))
    with pytest.raises(ValueError, match=r"'a/b' and 'a/c'"):
        table.register(specs("a/c"))


def test_a_renamed_tag_keeps_its_id_to_itself() -> None:
    table = LiveTable()
    with pytest.raises(ValueError, match=r"'a/new' and 'a/old' have the same id"):
        table.register([TagSpec(path="a/new", was="a/old"), TagSpec(path="a/old")])


def test_exact_types_are_known() -> None:
    table = LiveTable()
    table.register(
        [
            TagSpec(path="a/i", type=ValueType.INT64),
            TagSpec(path="a/u", type=ValueType.UINT64),
            TagSpec(path="a/w", type=ValueType.INT64, shape=(3,)),
            TagSpec(path="a/f"),
        ]
    )
    assert table.exactness[:4].tolist() == [1, 2, 0, 0]


def test_a_signalling_nan_of_a_device_is_no_whole_number_and_no_warning() -> None:
    table = LiveTable()
    handles = table.register([TagSpec(path="a/i", type=ValueType.INT64), TagSpec(path="a/f")])
    table.value[:2] = np.array([5, 0x7FF0000000000001], np.uint64).view(np.float64)
    table.value[0] = 5.0
    assert table.exact_rows(handles).tolist() == [0]


def test_lookups_refuse_what_is_not_there() -> None:
    table = LiveTable()
    table.register(specs("river/plc1/level"))
    assert table.handle("river/plc1/level") == 0
    with pytest.raises(NotFoundError, match=r"no tag 'river/plc1/levle'; did you mean 'river/plc1/level'\?"):
        table.handle("river/plc1/levle")
    for handle in (-1, 1):
        with pytest.raises(IndexError):
            table.spec(handle)


def test_a_kept_tag_is_let_go_and_taken_up_by_the_same_handle() -> None:
    table = LiveTable()
    handles = table.register(specs("a/b", "a/c", "a/d"))
    table.value[handles] = (1.0, 2.0, 3.0)
    again = [TagSpec(path="a/c", unit="m", deadband=0.5), TagSpec(path="a/b", type=ValueType.STRING), *specs("a/e")]
    table.keep(again)
    table.withdraw(handles.tolist())
    assert table.register(again).tolist() == [1, 3, 4]
    table.end_keeping()
    assert (table.value[1], table.deadband[1], table.spec(1).unit) == (2.0, 0.5, "m")
    assert table.paths.find_all(()) == ["a/b", "a/c", "a/e"]


def test_what_was_let_go_and_not_taken_up_is_withdrawn() -> None:
    table = LiveTable()
    (handle,) = table.register(specs("a/b")).tolist()
    table.keep(specs("a/b"))
    with pytest.raises(ValueError, match="declared twice"):
        table.register(specs("a/b"))
    table.withdraw([handle])
    assert table.paths.get("a/b") == handle
    table.end_keeping()
    assert table.paths.get("a/b") is None
    assert table.register(specs("a/b")).tolist() == [1]


def test_another_tag_under_the_old_name_of_one_that_goes() -> None:
    table = LiveTable()
    (handle,) = table.register(specs("a/b")).tolist()
    renamed = [TagSpec(path="a/c", was="a/b")]
    table.keep(renamed)
    table.withdraw([handle])
    assert table.register(renamed).tolist() == [1]
    table.end_keeping()
    assert table.paths.find_all(()) == ["a/c"]
