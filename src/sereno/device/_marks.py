"""Which of a device's named commands wait for people, as the plant file says and as the device has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sereno.client import CommandSpec
from sereno.model import Marks


def with_marks(command: CommandSpec, marks: Mapping[str, Marks]) -> CommandSpec:
    """The command with its marks; the case of a name makes no difference."""
    found = [marked for name, marked in marks.items() if name.casefold() == command.name.casefold()]
    return replace(command, marks=found[0]) if found else command


def only_reads(name: str, marks: Mapping[str, Marks], said: Mapping[str, bool], *, by_code: bool) -> bool:
    """Whether a command only reads. What grants it is the very name; what forbids it, or has it wait, is any case."""
    called = name.casefold()
    if any(mark.marked for one, mark in marks.items() if one.casefold() == called):
        return False
    if any(not reads for one, reads in said.items() if one.casefold() == called):
        return False
    return said.get(name, False) or by_code


def marks_of_nothing(marks: Mapping[str, Marks], commands: Sequence[CommandSpec]) -> list[str]:
    """A remark for each name that the device has no command of."""
    known = {command.name.casefold() for command in commands}
    return [f"'commands' marks {name!r}, which the device has not" for name in marks if name.casefold() not in known]
