"""Which blocks to read: neighbours joined over a gap, within the device's limits, around what it refuses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .address import BIT_TABLES, Area
from .tags import ModbusConfig


@dataclass(frozen=True, slots=True)
class Block:
    """One read request: `area` covers `members`, the areas of tags, in order of their start."""

    area: Area
    members: tuple[Area, ...]


@dataclass(slots=True)
class Refusals:
    """What a device was found not to answer, until it is asked again.

    `areas` of single tags; `walls`: addresses that cannot be read together with those before them.
    """

    areas: set[Area] = field(default_factory=set)
    walls: set[tuple[str, int]] = field(default_factory=set)
    generation: int = 0
    _walls_are_proven: bool = True

    def learn(self, block: Block) -> None:
        """The device refused this block: from now on without its only member, or in two parts."""
        if len(block.members) == 1:
            self.areas.add(block.members[0])
            self._walls_are_proven = False
        else:
            part = split_block(block)[1].area
            self.walls.add((part.table, part.start))
        self.generation += 1

    def settle(self) -> None:
        """Nothing more was refused: walls that were only on the way to a refused area may fall, those that are needed
        will be found again.
        """
        if not self._walls_are_proven:
            self._walls_are_proven = True
            if self.walls:
                self.walls.clear()
                self.generation += 1

    def stand_between(self, end: int, area: Area) -> bool:
        """True if `area` may not be read in one request with what ends at `end`."""
        if (area.table, area.start) in self.walls:
            return True
        return any(r.table == area.table and r.start < area.start and end < r.end for r in self.areas)

    def forget(self) -> None:
        """Ask again for everything."""
        if self.areas or self.walls:
            self.areas.clear()
            self.walls.clear()
            self.generation += 1


def join_areas(areas: Iterable[Area], config: ModbusConfig, refusals: Refusals) -> list[Block]:
    """Blocks that cover every area that is not refused, each area whole in one block."""
    blocks: list[Block] = []
    members: list[Area] = []
    end = 0
    for area in sorted(set(areas) - refusals.areas):
        if members and not (_within_limits(members[0], end, area, config) and not refusals.stand_between(end, area)):
            blocks.append(block_of(members))
            members, end = [], 0
        members.append(area)
        end = max(end, area.end)
    if members:
        blocks.append(block_of(members))
    return blocks


def _within_limits(first: Area, end: int, area: Area, config: ModbusConfig) -> bool:
    bits = area.table in BIT_TABLES
    gap, limit = (config.gap * 16, config.max_coils) if bits else (config.gap, config.max_registers)
    return area.table == first.table and area.start - end <= gap and max(end, area.end) - first.start <= limit


def block_of(members: Sequence[Area]) -> Block:
    """The block that covers `members`, which are in order."""
    start = members[0].start
    return Block(Area(members[0].table, start, max(m.end for m in members) - start), tuple(members))


def split_block(block: Block) -> tuple[Block, Block]:
    """Two blocks of a refused one that has several members: apart at the widest gap, else in the middle."""
    members = block.members
    middle = len(members) // 2
    ends = np.maximum.accumulate([m.end for m in members])
    gaps = [members[i].start - int(ends[i - 1]) for i in range(1, len(members))]
    at = 1 + max(range(len(gaps)), key=lambda i: (gaps[i] if gaps[i] > 0 else 0, -abs(i + 1 - middle)))
    return block_of(members[:at]), block_of(members[at:])
