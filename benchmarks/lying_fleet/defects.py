"""Defects to plant: each breaks a promise of the rig, which must find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import msgspec

from sereno.device import _http
from sereno.drivers.http import aggregate, asking, driver, inventory, protocol, writing

DEFECTS: dict[str, tuple[str, Callable[[ExitStack], None]]] = {}
"""Name -> the promise that it breaks, and what plants it."""
Planter = Callable[[ExitStack], None]


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The program with this defect. Raises KeyError for an unknown name."""
    with ExitStack() as stack:
        DEFECTS[name][1](stack)
        yield


def _breaks(promise: str) -> Callable[[Planter], Planter]:
    def keep(planter: Planter) -> Planter:
        DEFECTS[planter.__name__.replace("_", "-")] = promise, planter
        return planter

    return keep


@_breaks("wrong_total")
def partial_totals(stack: ExitStack) -> None:
    """The total of those that answered is taken for that of all."""
    sort = aggregate._sorted_out
    stack.enter_context(patch.object(aggregate, "_sorted_out", lambda *given: (sort(*given)[0], {})))


@_breaks("wrong_total")
def any_status(stack: ExitStack) -> None:
    """The body of an error or a redirect is an answer."""

    ask = _http.HttpClient.ask

    async def anything(self: Any, *given: Any, **more: Any) -> Any:
        return await ask(self, *given, **{**more, "accept": None})

    stack.enter_context(patch.object(_http.HttpClient, "ask", anything))


@_breaks("wrong_total")
def old_inventory_good(stack: ExitStack) -> None:
    """When nobody can say who belongs to the fleet, those of before do, and nothing is said of it."""
    stack.enter_context(patch.object(driver, "doubted", lambda total, _: total))


@_breaks("wrong_total")
def inventory_once(stack: ExitStack) -> None:
    """The inventory is read at the start and never again."""
    now = inventory.InventorySource.now

    async def kept(self: Any, getter: Any) -> Any:
        if self._last is not None:
            return self._last, ""
        return await now(self, getter)

    stack.enter_context(patch.object(inventory.InventorySource, "now", kept))


@_breaks("wrong_total")
def last_of_two_keys(stack: ExitStack) -> None:
    """Of a key that is there twice the last one counts."""
    stack.enter_context(patch.object(protocol, "_json", msgspec.json.decode))


@_breaks("wrong_total")
def any_length(stack: ExitStack) -> None:
    """A vector is as long as it is wanted to be."""

    def vector(value: Any, length: int) -> tuple[float, ...]:
        if not isinstance(value, list):
            raise protocol.AnswerError("no vector")
        return tuple(protocol.number_of(one) for one in [*value, 0, 0, 0][:length])

    stack.enter_context(patch.object(aggregate, "vector_of", vector))


@_breaks("wrong_total")
def text_is_a_number(stack: ExitStack) -> None:
    """What can be made a number of is one."""

    def number(value: Any) -> float:
        try:
            return float(value or 0)
        except (TypeError, ValueError, OverflowError):
            raise protocol.AnswerError("no number") from None

    stack.enter_context(patch.object(aggregate, "number_of", number))


@_breaks("wrong_total")
def what_came_counts(stack: ExitStack) -> None:
    """A body that was cut is filled up, as some parsers do."""
    parse = protocol.parse_answer

    def filled(data: bytes) -> Any:
        try:
            return parse(data)
        except protocol.AnswerError:
            return parse(data.rpartition(b",")[0] + b", 0]")

    stack.enter_context(patch.object(asking, "parse_answer", filled))


@_breaks("wrong_write")
def written_unseen(stack: ExitStack) -> None:
    """Whatever is to be written is sent to whom the last sweep asked."""
    stack.enter_context(patch.object(driver.HttpDriver, "_may_be_written", lambda self, *_: self._last))


@_breaks("wrong_write")
def told_twice(stack: ExitStack) -> None:
    """What was not answered is sent again."""
    order = writing.Telling._order

    async def again(self: Any, *given: Any) -> Any:
        found = await order(self, *given)
        return found if found.ok else await order(self, *given)

    stack.enter_context(patch.object(writing.Telling, "_order", again))


@_breaks("too_much")
def endless_bodies(stack: ExitStack) -> None:
    """All of an answer is read, however long it is."""

    def body(self: Any, data: bytes) -> None:
        self._body += data

    stack.enter_context(patch.object(_http._Connection, "on_body", body))
    stack.enter_context(patch.object(_http, "FRAMED", 1 << 40))


@_breaks("too_much")
def endless_heads(stack: ExitStack) -> None:
    """A head may be longer than any answer."""
    stack.enter_context(patch.object(_http, "MOST_HEAD", 1 << 21))


@_breaks("late_sweeps")
def one_after_another(stack: ExitStack) -> None:
    """Each waits for the time-outs of those before it."""
    make = asking.Sweep.__init__

    def narrow(self: Any, *given: Any, **more: Any) -> None:
        make(self, *given, **{**more, "at_once": 1})

    stack.enter_context(patch.object(asking.Sweep, "__init__", narrow))


@_breaks("leaked")
def connections_kept(stack: ExitStack) -> None:
    """A connection whose answer did not come is forgotten, and stays."""

    async def on(_: Any, connection: Any, __: Any, data: bytes, most: int, accept: Any) -> Any:
        found = await connection.ask(data, most, accept, keep=False)
        connection.abort()
        return found

    stack.enter_context(patch.object(_http.HttpClient, "_on", on))


@_breaks("uncaught")
def not_json_raises(stack: ExitStack) -> None:
    """What is no JSON raises what nobody expects."""
    stack.enter_context(patch.object(asking, "parse_answer", msgspec.json.decode))


@_breaks("not_recovered")
def once_out_for_ever_out(stack: ExitStack) -> None:
    """A member that failed once is not asked again."""
    failed: set[str] = set()
    ask = asking.Sweep._one

    async def one(self: Any, url: str) -> Any:
        if url in failed:
            return asking.NoAnswerError("it failed before")
        found = await ask(self, url)
        if isinstance(found, Exception):
            failed.add(url)
        return found

    stack.enter_context(patch.object(asking.Sweep, "_one", one))


def maybe(name: str) -> Any:
    """The program with this defect, or as it is."""
    return planted(name) if name else nullcontext()
