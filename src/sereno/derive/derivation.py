"""Derivation: listens to every batch, works out what depends on it, and publishes each derived device as one batch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from sereno.client import DeviceStatus, GroupSpec, GroupStatus, IngestPort
from sereno.model import (
    Clock,
    GroupId,
    LinkState,
    ObjectSample,
    OperationalState,
    RowIndex,
    SampleBatch,
    TagHandle,
    TagSpec,
    reason,
    seal,
    severity,
)

from .formulas import Cells, Formula, Slots, by_device, downstream, formulas
from .rule import DerivedRule

GROUP = "derived"
CONFIRM = 1.0
"""Seconds after which values that did not move are told again, because their inputs were."""


@dataclass(slots=True, eq=False)
class DerivedDevice:
    """What is published together. `rows` and `objects` are slots in the order of `index` and `object_handles`."""

    path: str
    group: GroupId
    index: RowIndex
    object_handles: tuple[TagHandle, ...]
    rows: Slots
    objects: Slots
    since: int
    batches: int = 0
    last: float = -math.inf
    t_last: int = 0
    reasons: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Route:
    """What a kind of batch may move: which of its rows are inputs, the slots of these, what depends on them."""

    rows: Slots
    slots: Slots
    work: list[Formula]
    devices: list[DerivedDevice]


class Derivation:
    """A BatchSink. Registers its tags at `ingest` when built; `inputs` has handle and declaration of all other tags.

    A derived value has the worst quality of its inputs, with words that name the input, and the time of the newest.
    What follows from a batch is published before the next one is looked at. Raises CycleError, KeyError.
    """

    def __init__(
        self,
        rules: Sequence[DerivedRule],
        ingest: IngestPort,
        clock: Clock,
        inputs: Mapping[str, tuple[int, TagSpec]],
    ) -> None:
        self._ingest = ingest
        self._clock = clock
        self.devices: list[DerivedDevice] = []
        self.build(rules, inputs)

    def retire(self) -> None:
        """Withdraw all derived tags; their devices are gone until `build` makes them again."""
        for device in self.devices:
            self._ingest.withdraw_tags([*device.index.handles.tolist(), *device.object_handles])
            self._ingest.end_group(device.group)
        self.devices = []

    def build(self, rules: Sequence[DerivedRule], inputs: Mapping[str, tuple[int, TagSpec]]) -> None:
        """Register what these rules derive, after `retire`. Raises CycleError, KeyError."""
        own = {rule.spec.path: rule.spec for rule in rules}
        others = dict.fromkeys(path for rule in rules for path in rule.inputs if path not in own)
        self._paths = [*own, *others]
        self._slot = {path: slot for slot, path in enumerate(self._paths)}
        self._needs = {self._slot[rule.spec.path]: [self._slot[path] for path in rule.inputs] for rule in rules}
        self._cells = Cells(len(self._paths))
        rows = {path for path in self._paths if (own[path] if path in own else inputs[path][1]).is_row}
        self._order = formulas(rules, self._slot.__getitem__, rows.__contains__)
        self._slot_of = {inputs[path][0]: self._slot[path] for path in others}
        self.devices += [self._register(device, members) for device, members in by_device(rules).items()]
        self._groups = frozenset(device.group for device in self.devices)
        self._routes: WeakKeyDictionary[RowIndex, dict[tuple[int, ...], _Route]] = WeakKeyDictionary()

    def begin(self) -> None:
        """Say that the derived devices are there."""
        for device in self.devices:
            self._ingest.report_link(device.path, LinkState.UP, "")
            self._ingest.report_state(device.path, OperationalState.ENABLED)

    def take_up(self, held: Iterable[SampleBatch]) -> None:
        """Work everything out from what the inputs hold now, and publish it as one batch for each device."""
        for batch in held:
            if batch.group not in self._groups:
                self._take(batch, self._route_of(batch))
        cells, now = self._cells, self._clock.monotonic()
        for formula in (one for level in self._order for one in level):
            formula.work(cells, np.arange(len(formula.slots)))
        self.begin()
        for device in self.devices:
            self._publish(device, now)

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink."""
        if batch.group in self._groups:
            return
        route = self._route_of(batch)
        if not route.work:
            return
        self._take(batch, route)
        moved = self._cells.moved
        for formula in route.work:
            at = np.flatnonzero(moved[formula.inputs].any(axis=0))
            if at.size:
                formula.work(self._cells, at)
                moved[formula.slots[at]] = True
        now = self._clock.monotonic()
        for device in route.devices:
            if device.last + CONFIRM <= now or moved[device.rows].any() or moved[device.objects].any():
                self._publish(device, now)

    def status(self) -> list[DeviceStatus]:
        """The derived devices as devices."""
        return [self._status(device) for device in self.devices]

    # ---- what comes in

    def _take(self, batch: SampleBatch, route: _Route) -> None:
        """Put the inputs that the batch brings into the cells, and mark those that changed."""
        cells, rows, slots = self._cells, route.rows, route.slots
        cells.moved[:] = False
        if batch.changed is not None:
            keep = batch.changed[rows]
            rows, slots = rows[keep], slots[keep]
        cells.value[slots] = batch.values[rows]
        cells.quality[slots] = batch.quality[rows]
        cells.t_source[slots] = batch.t_source[rows]
        cells.moved[slots] = True
        for sample in batch.objects:
            slot = self._slot_of.get(sample.handle)
            if slot is not None:
                cells.objects[slot] = sample.value
                cells.quality[slot] = sample.quality
                cells.t_source[slot] = sample.t_source
                cells.moved[slot] = True

    def _route_of(self, batch: SampleBatch) -> _Route:
        known = self._routes.get(batch.index)
        if known is None:
            known = self._routes[batch.index] = {}
        objects = tuple(sample.handle for sample in batch.objects)
        route = known.get(objects)
        if route is None:
            route = known[objects] = self._find_route(batch.index.handles.tolist(), objects)
        return route

    def _find_route(self, handles: list[int], objects: tuple[int, ...]) -> _Route:
        rows = [row for row, handle in enumerate(handles) if handle in self._slot_of]
        slots = np.array([self._slot_of[handles[row]] for row in rows], np.intp)
        beside = [self._slot_of[handle] for handle in objects if handle in self._slot_of]
        work = downstream(self._order, np.array([*slots, *beside], np.intp), len(self._paths))
        given = set(np.concatenate([formula.slots for formula in work]).tolist()) if work else set()
        devices = [d for d in self.devices if not given.isdisjoint([*d.rows.tolist(), *d.objects.tolist()])]
        return _Route(np.array(rows, np.intp), slots, work, devices)

    # ---- what goes out

    def _register(self, device: str, rules: Sequence[DerivedRule]) -> DerivedDevice:
        handles = self._ingest.register_tags([rule.spec for rule in rules]).tolist()
        count = sum(rule.spec.is_row for rule in rules)
        order = [*sorted(range(count), key=handles.__getitem__), *range(count, len(rules))]
        rules, handles = [rules[at] for at in order], [handles[at] for at in order]
        index = RowIndex(handles[:count])
        objects = tuple(TagHandle(handle) for handle in handles[count:])
        slots = np.array([self._slot[rule.spec.path] for rule in rules], np.intp)
        group = self._ingest.register_group(GroupSpec(GROUP, device, CONFIRM, math.inf, index, objects))
        return DerivedDevice(device, group, index, objects, slots[:count], slots[count:], self._clock.wall_ns())

    def _publish(self, device: DerivedDevice, now: float) -> None:
        cells = self._cells
        objects = tuple(
            ObjectSample(handle, cells.objects.get(slot), int(cells.t_source[slot]), int(cells.quality[slot]))
            for handle, slot in zip(device.object_handles, device.objects.tolist(), strict=True)
        )
        rows = device.rows
        batch = seal(
            device.group,
            device.batches,
            device.index,
            cells.value[rows],
            cells.t_source[rows],
            cells.quality[rows],
            objects=objects,
        )
        device.batches += 1
        device.last, device.t_last = now, self._clock.wall_ns()
        self._give_reasons(device)
        self._ingest.publish(batch)

    def _give_reasons(self, device: DerivedDevice) -> None:
        handles = [*device.index.handles.tolist(), *device.object_handles]
        slots = [*device.rows.tolist(), *device.objects.tolist()]
        quality = self._cells.quality
        reasons = {h: words for h, s in zip(handles, slots, strict=True) if quality[s] and (words := self._why(s))}
        if reasons != device.reasons:
            device.reasons = reasons
            self._ingest.report_reasons(device.group, reasons)

    def _why(self, slot: int) -> str:
        """Which input it was, followed to the one that is not derived."""
        quality = self._cells.quality
        while slot in self._needs:
            worst = max(self._needs[slot], key=lambda one: int(quality[one]))
            if severity(int(quality[worst])) == "good":
                return ""
            slot = worst
        return f"{self._paths[slot]}: {reason(int(quality[slot]))}"

    def _status(self, device: DerivedDevice) -> DeviceStatus:
        tags = len(device.index) + len(device.object_handles)
        group = GroupStatus(GROUP, CONFIRM, 0.0, tags, device.batches, 0, 0, 0.0, 0.0, device.t_last, False)
        return DeviceStatus(
            path=device.path,
            driver=GROUP,
            url="",
            state=OperationalState.ENABLED,
            link=LinkState.UP,
            last_error="",
            since=device.since,
            stale_after=0.0,
            groups=(group,),
        )
