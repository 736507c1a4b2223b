"""How defects are kept and planted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

DEFECTS: dict[str, tuple[str, Callable[[ExitStack], None]]] = {}
"""Name -> the target that must find it, and what plants it."""

Planter = Callable[[ExitStack], None]


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The program with this defect. Raises KeyError for an unknown name."""
    with ExitStack() as stack:
        DEFECTS[name][1](stack)
        yield


def found_by(target: str) -> Callable[[Planter], Planter]:
    """Keep a defect that this target must find."""

    def keep(planter: Planter) -> Planter:
        DEFECTS[planter.__name__.replace("_", "-")] = target, planter
        return planter

    return keep
