"""Whether the hour can be believed: a clock that is wrong makes a night of a day."""

from __future__ import annotations

CLOCK = "sereno/node/clock"
"""What the node says of the clock that it runs on."""
_KEPT = ("synchronised", "simulated")
_DOUBTS = {
    "unsynchronised": "the clock of this machine is not synchronised",
    None: "nobody knows whether the clock of this machine is synchronised",
}


class Hour:
    """Not believed, where that is `needed`, before the node has said once that its clock is kept right.

    A time service that ends later does not make a right clock wrong by hours.
    """

    def __init__(self, *, needed: bool) -> None:
        self._believed = not needed

    @property
    def asks(self) -> tuple[str, ...]:
        """Tags to look at before `doubt`."""
        return () if self._believed else (CLOCK,)

    def doubt(self, said: str | None) -> str:
        """Why not, in words, given what the node says now, None if nothing; empty if it is believed."""
        self._believed = self._believed or said in _KEPT
        return "" if self._believed else _DOUBTS.get(said, _DOUBTS[None])
