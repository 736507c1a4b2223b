"""Figures of each device and of each kind of subscriber for /metrics, with a bound on how many labels there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sereno.client import DeviceStatus
from sereno.model import LinkState

from .outlets import Outlets

MOST_DEVICES = 500
MOST_SUBSCRIBERS = 100
MOST_COUNTERS = 100
OTHERS = "(others)"
_COUNTED = {"scans": "Scans", "overruns": "Periods missed", "incomplete": "Scans without all answers"}
_SENT = {"sent": "Frames and events sent", "bytes": "Bytes sent", "dropped": "Updates merged for slow clients"}


def render_labelled(devices: Sequence[DeviceStatus], outlets: Outlets) -> bytes:
    """In Prometheus' text format: the devices that the asking actor may read, and the subscribers by actor."""
    registry = CollectorRegistry()
    registry.register(_Made([*device_families(devices), *subscriber_families(outlets)]))
    return generate_latest(registry)


def device_families(devices: Sequence[DeviceStatus]) -> Iterator[Metric]:
    """Counters, link and durations by device; those beyond `MOST_DEVICES` are summed up."""
    named = [(d.path if n < MOST_DEVICES else OTHERS, d) for n, d in enumerate(devices)]
    for name, words in _COUNTED.items():
        totals: Counter[str] = Counter()
        for label, device in named:
            totals[label] += sum(getattr(group, name) for group in device.groups)
        yield _counter(f"sereno_device_{name}", words, "device", totals)
    up = GaugeMetricFamily("sereno_device_up", "1 while the link is up", labels=["device"])
    last = GaugeMetricFamily("sereno_device_scan_seconds", "How long the last scan took", labels=["device"])
    for label, device in named[:MOST_DEVICES]:
        up.add_metric([label], float(device.link is LinkState.UP))
        last.add_metric([label], max((group.last_duration for group in device.groups), default=0.0))
    yield up
    yield last
    yield _counted(devices[:MOST_DEVICES])


def _counted(devices: Sequence[DeviceStatus]) -> Metric:
    """What each device counts itself, by name: the first `MOST_COUNTERS` of each."""
    family = CounterMetricFamily("sereno_device_counter", "Counts of the device's page", labels=["device", "counter"])
    for device in devices:
        for name, number in list(device.counters.items())[:MOST_COUNTERS]:
            family.add_metric([device.path, name], number)
    return family


def subscriber_families(outlets: Outlets) -> Iterator[Metric]:
    """What open live connections were sent, by actor; those beyond `MOST_SUBSCRIBERS` are summed up."""
    actors = sorted({one.actor.name for one in outlets})
    labels = {actor: actor if n < MOST_SUBSCRIBERS else OTHERS for n, actor in enumerate(actors)}
    for name, words in _SENT.items():
        totals: Counter[str] = Counter()
        for one in outlets:
            totals[labels[one.actor.name]] += getattr(one, name)
        yield _gauge(f"sereno_subscriber_{name}", f"{words} on open connections", "actor", totals)
    held: Counter[str] = Counter()
    for one in outlets:
        held[labels[one.actor.name]] += one.held
    yield _gauge("sereno_subscriber_held_bytes", "Bytes that clients have not taken yet", "actor", held)


def _counter(name: str, words: str, label: str, totals: Counter[str]) -> Metric:
    family = CounterMetricFamily(name, words, labels=[label])
    for value, number in totals.items():
        family.add_metric([value], number)
    return family


def _gauge(name: str, words: str, label: str, totals: Counter[str]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for value, number in totals.items():
        family.add_metric([value], number)
    return family


class _Made(Collector):
    """Families that are there already."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        return iter(self._families)
