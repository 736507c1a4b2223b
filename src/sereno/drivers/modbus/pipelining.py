"""How many requests a server takes at once, found out by trying: up step by step, and down for good. Pure."""

from __future__ import annotations

HIGHEST = 8
"""Requests on the way at once that are tried for; beyond it little is gained."""

PROOF = 8
"""So many exchanges must come back whole before more is tried, and before a loss may have another cause."""

LOSSES, WINDOW = 3, 3600.0
"""So many losses within so many seconds are no coincidence any more."""


class Pipelining:
    """What is known of one server. `depth` is how many requests may be on the way to it now; `reason` says in words
    why it is fewer than `HIGHEST` for good, and is empty as long as nothing speaks against it.

    A reply out of order or twice settles it at one request. A loss, which may also be a broken cable, does not count
    against a depth that has been proven, unless it comes again and again; one that comes while a depth is on trial
    settles it at the last one that was proven.
    """

    def __init__(self) -> None:
        self.depth = 1
        self.reason = ""
        self._ceiling = HIGHEST
        self._proven = 1
        self._clean = 0
        self._losses: list[float] = []

    def answered(self, together: int) -> None:
        """An exchange was answered whole; at most `together` of its requests were on the way at once."""
        if self.depth == self._ceiling == self._proven or together < self.depth:
            return
        self._clean += 1
        if self.depth > 1 and self._clean < PROOF:
            return
        self._proven, self._clean = max(self._proven, self.depth), 0
        self.depth = min(2 * self.depth, self._ceiling)

    def disordered(self, text: str) -> bool:
        """A reply overtook another or came twice, as `text` says; True if that is news."""
        return self._settle(1, text)

    def lost(self, t: float, together: int, text: str) -> bool:
        """At monotonic time `t` the connection ended with requests unanswered, after `together` were on the way at
        once; True if that is news. It goes on with one request, and from there up again.
        """
        proven, self.depth, self._clean = self._proven, 1, 0
        if together < 2 or self._ceiling == 1:
            return False
        if together > proven:
            return self._settle(proven, text)
        self._proven = 1
        self._losses = [*(was for was in self._losses if t - was < WINDOW), t]
        return len(self._losses) >= LOSSES and self._settle(1, text)

    def _settle(self, ceiling: int, text: str) -> bool:
        news = ceiling < self._ceiling
        self._ceiling, self._proven, self.depth = min(ceiling, self._ceiling), 1, 1
        if news:
            self.reason = text
        return news

    def words(self) -> str:
        """One line for people."""
        if not self.reason:
            return f"pipelining: {self.depth} on the way at once, nothing speaks against it"
        most = "one request at a time" if self._ceiling == 1 else f"at most {self._ceiling} on the way at once"
        return f"pipelining: {most}, for good: {self.reason}"
