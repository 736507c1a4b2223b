"""Figures by columns equal a brute-force computation, row after row, on synthetic journals."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.alarms import figures as module
from sereno.alarms.figures import JournalColumns, figures
from sereno.client import AlarmState

S = 10**9
STATES = list(AlarmState)
Row = tuple[int, str, str, int]


def columns(rows: list[Row]) -> JournalColumns:
    names = sorted({name for _, name, _, _ in rows})
    return JournalColumns(
        names,
        np.array([t for t, _, _, _ in rows], np.int64),
        np.array([names.index(name) for _, name, _, _ in rows], np.intp),
        np.array([STATES.index(AlarmState(state)) for _, _, state, _ in rows], np.intp),
        np.array([priority for _, _, _, priority in rows], np.intp),
    )


def by_hand(rows: list[Row], start: int, end: int, operators: int) -> dict[str, Any]:
    """The same figures, each from its definition."""
    came = [row for row in rows if start <= row[0] < end and row[2] == "unacknowledged"]
    periods = max(1, -(-(end - start) // (600 * S)))
    per = [sum((t - start) // (600 * S) == n for t, *_ in came) for n in range(periods)]
    floods, in_flood, flooded = 0, 0, False
    for count in per:
        if not flooded and count > 10 * operators:
            flooded, floods = True, floods + 1
        elif flooded and count < 5 * operators:
            flooded = False
        in_flood += flooded
    counts = Counter(name for _, name, _, _ in came)
    chattering = []
    for name in sorted(counts):
        times = [t for t, other, _, _ in came if other == name]
        if any(sum(first <= t <= first + 60 * S for t in times) >= 3 for first in times):
            chattering.append((name, counts[name]))
    waited = []
    for at, (t, name, state, _) in enumerate(rows):
        if state == "unacknowledged" and start <= t < end:
            following = next((row for row in rows[at + 1 :] if row[1] == name), None)
            if following and following[2] == "acknowledged" and following[0] < end:
                waited.append((following[0] - t) / S)
    stale = {}
    for name in {row[1] for row in rows}:
        since = None
        for t, _, state, _ in [row for row in rows if row[1] == name and row[0] < end] + [(end, name, "end", 0)]:
            standing = state in ("unacknowledged", "acknowledged")
            if standing and since is None:
                since = t
            elif not standing and since is not None:
                if t > start and t - since > 86400 * S:
                    stale[name] = max(stale.get(name, 0.0), (t - since) / S)
                since = None
    top = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:10]
    return {
        "annunciated": len(came),
        "per_10_min": len(came) / ((end - start) / (600 * S)) / operators,
        "worst_10_min": max(per),
        "over_10_share": sum(count > 10 * operators for count in per) / periods,
        "floods": floods,
        "flood_share": in_flood / periods,
        "top": tuple((name, count, count / len(came)) for name, count in top),
        "chattering": tuple(chattering),
        "stale": tuple(sorted(stale.items(), key=lambda one: (-one[1], one[0]))),
        "priorities": {str(p): n for p, n in Counter(row[3] for row in came).items()},
        "acknowledged_median": statistics.median(waited) if waited else None,
    }


def check(rows: list[Row], start: int, end: int, operators: int = 1) -> Any:
    found = figures(columns(rows), start, end, operators=operators)
    for name, expected in by_hand(rows, start, end, operators).items():
        value = getattr(found, name)
        assert value == (pytest.approx(expected) if isinstance(expected, float) else expected), name
    return found


def journal(seed: int, alarms: int, hours: float, busy: float) -> list[Row]:
    """A plausible journal: quiet and stormy stretches, chatter, some that stand for days, acts in between."""
    chooser, rows, t = random.Random(seed), [], 0
    last: dict[str, str] = {}
    while t < hours * 3600 * S:
        storm = chooser.random() < 0.05
        t += int(chooser.expovariate(busy * (40 if storm else 1)) * S)
        for _ in range(chooser.randrange(1, 40) if storm else 1):
            name = f"a{int(chooser.triangular(0, alarms, 0))}"
            state = chooser.choice([s for s in STATES[:7] if s != last.get(name)])
            last[name] = state
            t += chooser.randrange(0, 8 * S)
            rows.append((t, name, str(state), 1 + int(name[1:]) % 4))
            if chooser.random() < 0.03:  # chatter
                for _ in range(chooser.randrange(1, 6)):
                    t += 20 * S
                    rows += [
                        (t, name, "normal", 1 + int(name[1:]) % 4),
                        (t, name, "unacknowledged", 1 + int(name[1:]) % 4),
                    ]
                last[name] = "unacknowledged"
    return rows


@pytest.mark.parametrize(("seed", "hours", "operators"), [(1, 8, 1), (2, 90, 2), (3, 200, 1)])
def test_synthetic_journals(seed: int, hours: float, operators: int) -> None:
    rows = journal(seed, 30, hours, 0.01)
    found = check(rows, int(hours * 900) * S, int(hours * 3500) * S, operators)
    assert found.annunciated > 10
    assert found.chattering


rows_of = st.lists(
    st.tuples(
        st.integers(0, 4000).map(lambda n: n * 60 * S),
        st.sampled_from("abc"),
        st.sampled_from(STATES),
        st.integers(0, 4),
    ),
    max_size=40,
).map(lambda rows: sorted(((t, name, str(state), p) for t, name, state, p in rows), key=lambda row: row[0]))


@settings(max_examples=80, deadline=None)
@given(rows_of, st.integers(0, 2000), st.integers(1, 3000), st.integers(1, 3))
def test_any_journal(rows: list[Row], start: int, length: int, operators: int) -> None:
    check(rows, start * 60 * S, (start + length) * 60 * S, operators)


def test_a_flood_lasts_until_it_is_calm_again() -> None:
    rows = [(n * S, f"a{n}", "unacknowledged", 1) for n in range(12)]
    rows += [((600 + n) * S, f"b{n}", "unacknowledged", 1) for n in range(6)]
    rows += [((1200 + n) * S, f"c{n}", "unacknowledged", 1) for n in range(2)]
    found = check(rows, 0, 2400 * S)
    assert (found.floods, found.flood_share) == (1, 0.5)
    assert found.worst_10_min == 12


def test_wrong_figures_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLOOD_ENDS", 1)
    with pytest.raises(AssertionError, match="flood"):
        test_a_flood_lasts_until_it_is_calm_again()
