"""Tag paths in order: found by path, glob, prefix or near spelling."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from sereno.model import TagHandle, match_paths, split_tag_path

MAX_CANDIDATES = 2000
_WILDCARDS = "*?["


class PathIndex:
    """Paths with their handles. A glob costs the range below its fixed beginning, not the whole plant."""

    def __init__(self) -> None:
        self._handles: dict[str, TagHandle] = {}
        self._ordered: list[str] = []
        self._devices: list[str] = []
        self._in_order = True

    def add(self, path: str, handle: TagHandle) -> None:
        """Add a path that is not there yet."""
        self._handles[path] = handle
        self._ordered.append(path)
        self._in_order = False

    def remove(self, paths: Sequence[str]) -> None:
        """Take away paths that are there."""
        for path in paths:
            del self._handles[path]
        self._ordered = [path for path in self._ordered if path in self._handles]
        self._in_order = False

    def get(self, path: str) -> TagHandle | None:
        """Handle of exactly this path."""
        return self._handles.get(path)

    def find(self, glob: str) -> list[str]:
        """What `model.match_paths` gives over all paths, in path order."""
        ordered = self._sorted()
        first = next((i for i, c in enumerate(glob) if c in _WILDCARDS), None)
        if first is not None:
            return match_paths(glob, ordered[slice(*_range(ordered, glob[:first]))])
        exact = [glob] if glob in self._handles else []
        return exact + ordered[slice(*_range(ordered, glob + "/"))]

    def find_all(self, globs: Iterable[str]) -> list[str]:
        """The paths that any glob names, each once, in path order; no glob means all."""
        wanted = list(globs)
        if not wanted:
            return list(self._sorted())
        found = [self.find(glob) for glob in wanted]
        return found[0] if len(found) == 1 else sorted(set().union(*found))

    def nearest(self, path: str, allowed: Callable[[str], bool] = lambda _: True) -> list[str]:
        """Up to three existing paths spelled like `path`, of the same device where there is one."""
        device, name = split_tag_path(path)
        devices = [device] if self.find(device) else near_spellings(device, self._known_devices())[:2]
        near = []
        for known in devices:
            below = [p[len(known) + 1 :] for p in self.find(known) if allowed(p)]
            near += [f"{known}/{n}" for n in near_spellings(name, below)]
        return near[:3]

    def _sorted(self) -> list[str]:
        if not self._in_order:
            self._ordered.sort()
            self._devices = sorted({split_tag_path(p)[0] for p in self._ordered})
            self._in_order = True
        return self._ordered

    def _known_devices(self) -> list[str]:
        self._sorted()
        return self._devices


def near_spellings(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known names that are spelled like `name`."""
    return get_close_matches(name, list(known)[:MAX_CANDIDATES], 3, 0.6)


def _range(ordered: list[str], prefix: str) -> tuple[int, int]:
    """Bounds of the paths that begin with `prefix`."""
    if not prefix:
        return 0, len(ordered)
    after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return bisect_left(ordered, prefix), bisect_left(ordered, after)
