from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.historian.tags import TagBook, decode_definition, define, encode_definition
from sereno.model import TagHandle, TagSpec, ValueType, tag_id
from tests.historian.rig import Plant, floats

SPEC = TagSpec(path="north/plc1/mode", type=ValueType.ENUM, labels=("aus", "än"), unit="", decimals=2)


def handles(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def test_a_line_is_json_and_checked() -> None:
    definition = define(SPEC, 77)
    line = encode_definition(definition)
    assert line.endswith(b'"}\n')
    assert decode_definition(line[:-1]) == definition


@given(st.integers(0, len(encode_definition(define(SPEC, 77))) - 2), st.integers(1, 255))
def test_a_damaged_line_is_refused(at: int, flip: int) -> None:
    line = bytearray(encode_definition(define(SPEC, 77))[:-1])
    line[at] ^= flip
    with pytest.raises(ValueError, match=r"."):
        decode_definition(bytes(line))


def test_ids_come_from_the_birth_path() -> None:
    book = TagBook(Plant(TagSpec(path="a/b/c"), TagSpec(path="a/b/d", was="a/b/old", type=ValueType.INT64)))
    book.register(handles(0, 1), 5)
    assert book.ids(handles(1, 0)).tolist() == [tag_id("a/b/old"), tag_id("a/b/c")]
    assert book.exact(handles(0, 1)).tolist() == [False, True]
    assert book.handle_of(tag_id("a/b/old")) == 1
    assert book.handle_of(tag_id("a/b/d")) is None


def test_a_change_of_definition_is_one_more_line() -> None:
    book = TagBook(floats(2))
    book.register(handles(0, 1), 5)
    lines = book.take_unsaved()
    assert lines.count(b"\n") == 2
    again = TagBook(floats(2))
    assert again.load(lines, Path("tags.jsonl")) == []
    again.register(handles(0, 1), 6)
    assert again.take_unsaved() == b""
    changed = TagBook(Plant(TagSpec(path="north/plc1/tag0", unit="cm"), floats(2).specs[1]))
    changed.load(lines, Path("tags.jsonl"))
    changed.register(handles(0, 1), 7)
    (line,) = changed.take_unsaved().splitlines()
    assert (decode_definition(line).unit, decode_definition(line).since) == ("cm", 7)


def test_damaged_lines_are_named_and_the_others_kept() -> None:
    book = TagBook(floats(3))
    book.register(handles(0, 1, 2), 5)
    lines = book.take_unsaved().split(b"\n")
    lines[1] = lines[1].replace(b"tag1", b"tag7")
    again = TagBook(floats(3))
    (fault,) = again.load(b"\n".join(lines), Path("tags.jsonl"))
    assert str(fault).startswith("tags.jsonl:2: damaged definition")
    assert again.paths() == ["north/plc1/tag0", "north/plc1/tag2"]


def test_lines_that_could_not_be_saved_are_handed_out_again() -> None:
    book = TagBook(floats(2))
    book.register(handles(0), 5)
    lines = book.take_unsaved()
    book.keep(lines)
    book.register(handles(0, 1), 6)
    assert book.take_unsaved().startswith(lines)


class Counted(dict[TagHandle, TagSpec]):
    """A directory that counts how often somebody goes through it."""

    walks = 0

    def items(self) -> Any:
        self.walks += 1
        return super().items()


def test_tags_that_are_gone_do_not_cost_a_walk_each() -> None:
    plant = floats(50)
    directory = Counted(plant.directory())
    plant.directory = lambda: directory  # type: ignore[method-assign]
    book = TagBook(plant)
    lines = b"".join(encode_definition(define(TagSpec(path=f"gone/plc/tag{i}"), 3)) for i in range(20))
    assert book.load(lines, Path("tags.jsonl")) == []
    found = [book.definition(f"gone/plc/tag{i}", 5) for i in range(20)]
    assert [d.path for d in found if d is not None] == [f"gone/plc/tag{i}" for i in range(20)]
    assert book.definition("north/plc1/tag7", 5) is not None
    assert directory.walks == 1
    plant.specs.append(TagSpec(path="gone/plc/tag3", unit="m"))
    directory = Counted({**directory, TagHandle(50): plant.specs[-1]})
    again = book.definition("gone/plc/tag3", 6)
    assert again is not None
    assert again.unit == "m"
