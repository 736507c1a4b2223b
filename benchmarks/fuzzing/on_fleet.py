"""What members of a fleet answer."""

from __future__ import annotations

import json

from sereno.drivers.http.aggregate import total_of
from sereno.drivers.http.protocol import AnswerError, parse_answer, parse_inventory
from sereno.drivers.http.tags import HttpTagConfig

from .targets import target

TAGS = [
    HttpTagConfig.model_validate({"get": "/v", "reduce": how, **more})
    for how in ("sum", "min", "max", "mean", "count", "missing", "table")
    for more in ({}, {"length": 3}, {"length": 3, "element": 1}, {"pick": "value"}, {"pick": "a.0"})
]


@target("fleet-inventory", raises=(AnswerError,), longest=600,
        seeds=[b'{"a": "10.0.0.7"}', b'{"a": {"API": "p", "RASP_catch": "[::1]:80"}}', b'["http://x:1"]'])  # fmt: skip
def inventory(data: bytes) -> None:
    """An inventory: every member has an address that is a host and a port."""
    for base in parse_inventory(data, 8000).members.values():
        scheme, _, rest = base.partition("://")
        assert scheme in ("http", "https")
        assert rest.rpartition(":")[2].isdigit()
        assert "/" not in rest


@target("fleet-answer", raises=(AnswerError,), longest=600,
        seeds=[b"[1, 2, 3]", b'{"value": 7}', b'{"a": [1.5]}', b"1e400", b"true"])  # fmt: skip
def answer(data: bytes) -> None:
    """An answer beside a good one: a total is good only if both are numbers."""
    found = parse_answer(data)
    for config in TAGS:
        total = total_of(config, {"good": _good(config), "other": found})
        alone = total_of(config.model_copy(update={"reduce": "missing"}), {"other": found})
        if config.reduce in ("sum", "min", "max", "mean"):
            assert (total.quality == 0) is (alone.value == 0)
        elif config.reduce == "table":
            json.loads(total.value)


def _good(config: HttpTagConfig) -> object:
    if config.pick:
        return {"value": 1} if config.pick == "value" else {"a": [1]}
    return [1, 2, 3] if config.length else 1
