"""On whose behalf an order is given: believed where a node passes it on, else refused."""

from __future__ import annotations

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.gateways.native.orders import on_behalf
from sereno.model import RefusedError
from sereno.wire.messages import Asked, Order

NODE = Actor("console", (ROLES["admin"],), "token")
ORDER = Order(target="lab/keeper", key="k" * 8, asker=Asked("vera:key", "token", ["operator"]))


def test_who_passes_on_is_believed_and_keeps_the_rights() -> None:
    actor = on_behalf(ORDER, NODE, believed=True)
    assert actor == NODE
    assert actor.asker is not None
    assert (actor.asker.person, actor.asker.kind, actor.asker.role_names) == ("vera", "token", ("operator",))
    assert on_behalf(Order(target="lab/keeper", key="k" * 8), NODE, believed=False) is NODE


def test_nobody_else_speaks_for_others() -> None:
    with pytest.raises(RefusedError, match="the token says who asks"):
        on_behalf(ORDER, NODE, believed=False)
