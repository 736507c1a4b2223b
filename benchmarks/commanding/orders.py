"""What is asked for: an opening that meets every trouble once, one after the other, and then anything by chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from commanding.people import Steps, drawn_steps, late, oneself
from commanding.plant import HIGHEST, marks, targets

ACTORS = ("olga", "otto")


@dataclass(frozen=True, slots=True)
class Order:
    """One command. `patience`: seconds until it expires; `held_up`: it reaches the node after that.

    `clicks` go out at once; `replay`: seconds after its end at which it is sent again, None for never. `lose`: its
    reply is lost. `steps` of people follow if it waits for them.
    """

    target: str
    actor: str = "olga"
    patience: float = 2.0
    beyond: bool = False
    expected: int | None = None
    held_up: bool = False
    clicks: int = 1
    replay: float | None = None
    lose: bool = False
    steps: Callable[[], Steps] = lambda: iter(())

    def value(self, number: int) -> int:
        """A value of its own."""
        return number + (HIGHEST if self.beyond else 0)


def opening() -> list[Order]:
    """Replayed, doubly pressed, too late, too high, without a reply, approved by oneself, executed too late."""
    plain, selected, approved = (targets()[i] for i in (0, 4, 5))
    return [
        Order(plain, replay=0.0),
        Order(plain, clicks=2),
        Order(plain, patience=0.05, held_up=True),
        Order(plain, beyond=True),
        Order(plain, lose=True),
        Order(approved, steps=lambda: oneself("olga")),
        Order(selected, steps=lambda: late("olga")),
    ]


def drawn(choice: random.Random) -> Order:
    """Anything."""
    target, actor = choice.choice(targets()), choice.choice(ACTORS)
    people = random.Random(choice.random())
    return Order(
        target,
        actor,
        patience=choice.uniform(0.03, 0.4) if choice.random() < 0.4 else 2.0,
        beyond=choice.random() < 0.06,
        expected=1 if choice.random() < 0.05 else None,
        held_up=choice.random() < 0.06,
        clicks=2 if choice.random() < 0.2 else 1,
        replay=choice.uniform(0.0, 0.5) if choice.random() < 0.25 else None,
        steps=lambda: drawn_steps(marks(target), actor, people),
    )
