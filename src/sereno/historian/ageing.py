"""Which slots of the cold files are to lose samples or roll-ups by age."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from sereno.model import match_paths

from .cold.kinds import ROLLUPS
from .cold.manifest import Manifest
from .cold.pruning import Pruning, Removal
from .retention import KeepRule

_AT_ONCE = 32


def aged(rules: Sequence[KeepRule], manifest: Manifest, paths: Mapping[str, int], now: int) -> Pruning | None:
    """What the rules take from the oldest slots now, some slots at a time; None if nothing. `paths`: ids of tags."""
    done = dict(manifest.thinned)
    removals: list[Removal] = []
    thinned: list[tuple[int, int]] = []
    tags = _tags(rules, paths)
    for start, end in sorted({(f.start, f.end) for f in manifest.files}):
        expired = [rule.expired((now - end) / 1e9) for rule in rules]
        mark = zlib.crc32(repr([(rule.tags, kinds) for rule, kinds in zip(rules, expired, strict=True)]).encode())
        if not any(expired) or done.get(start) == mark:
            continue
        for mine, kinds in zip(tags, expired, strict=True):
            rolled = tuple(kind for kind in kinds if kind in ROLLUPS)
            if kinds and mine:
                removals.append(Removal(mine, start, end, rolled, last=len(rolled) < len(ROLLUPS)))
        thinned.append((start, mark))
        if len(thinned) == _AT_ONCE:
            break
    return Pruning(tuple(removals), tuple(thinned)) if thinned else None


def _tags(rules: Sequence[KeepRule], paths: Mapping[str, int]) -> list[tuple[int, ...]]:
    """The tags that go by each rule."""
    left = sorted(paths)
    found: list[tuple[int, ...]] = []
    for rule in rules:
        mine = match_paths(rule.tags, left)
        found.append(tuple(paths[path] for path in mine))
        gone = set(mine)
        left = [path for path in left if path not in gone]
    return found
