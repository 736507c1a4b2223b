"""One device of a subject on a jumping clock, with the network at hand."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sereno.device import (
    Conditions,
    DeviceConfig,
    DeviceRunner,
    DeviceSet,
    DeviceTag,
    Environment,
    GroupConfig,
    MemoryTransports,
    RetryConfig,
)
from sereno.testing._clock import JumpingClock
from sereno.testing._ingest import RecordingIngest, Sample

from ._subject import Subject

DEVICE = "test/device"


@dataclass(slots=True)
class Bench:
    """What a rule works with. The device is scanned once a second."""

    subject: Subject
    clock: JumpingClock
    ingest: RecordingIngest
    devices: DeviceSet
    network: Conditions

    @property
    def runner(self) -> DeviceRunner:
        """The device as it runs."""
        return self.devices.handlers[DEVICE]

    def sample(self, name: str) -> Sample | None:
        """The last that came of a tag."""
        return self.ingest.latest(f"{DEVICE}/{name}")

    def batches(self) -> int:
        """Scans that were published."""
        return len(self.ingest.batches)


@asynccontextmanager
async def bench_of(subject: Subject, clock: JumpingClock) -> AsyncIterator[Bench]:
    """The device, answering for two seconds already."""
    transports, ingest = MemoryTransports(), RecordingIngest(clock)
    async with subject.far_end(transports, clock) as port:
        config = DeviceConfig(
            path=DEVICE,
            driver=subject.driver,
            config=subject.config(port),
            groups={"default": GroupConfig(1.0, 0.0)},
            tags=tuple(DeviceTag(tag) for tag in subject.tags(DEVICE)),
            retry=RetryConfig(jitter=0.0, max=2.0),
        )
        environment = Environment(clock=clock, transports=transports, random=random.Random(1))  # noqa: S311 - repeatable
        async with DeviceSet([config], ingest, environment) as devices:
            await clock.sleep(2.5)
            yield Bench(subject, clock, ingest, devices, transports.at(port))
