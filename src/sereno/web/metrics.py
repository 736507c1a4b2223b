"""Figures of the web room, and those that other rooms hand over, as one Prometheus registry."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, Metric, UntypedMetricFamily
from prometheus_client.registry import Collector

from sereno.model import Clock

from .context import Figures

_LAG_PERIOD = 0.25
_LAG_KEPT = 240


class Metrics:
    """Own registry, so that two applications in a process do not meet."""

    def __init__(self, figures: Mapping[str, Figures]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Handed(figures))
        self.clients = Gauge("sereno_web_clients", "Open live connections", ["kind"], registry=self._registry)
        self.outlets: Callable[[], Mapping[str, Sent]] = dict
        self._registry.register(_SentByKind(self))
        self.stalled = Counter(
            "sereno_web_stalled", "Clients closed because they took nothing", registry=self._registry
        )
        self.late: deque[float] = deque(maxlen=_LAG_KEPT)
        self.lag = Histogram(
            "sereno_web_loop_lag_seconds",
            "How late the event loop wakes up",
            registry=self._registry,
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
        )

    def render(self) -> tuple[bytes, str]:
        """The text and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    async def watch_lag(self, clock: Clock) -> None:
        """Measure the event loop until cancelled."""
        while True:
            asked = clock.monotonic()
            await clock.sleep(_LAG_PERIOD)
            late = max(0.0, clock.monotonic() - asked - _LAG_PERIOD)
            self.lag.observe(late)
            self.late.append(late)

    def recent_lag(self) -> dict[str, float]:
        """How late the event loop woke up in the last minute, in ms: p50, p99, max."""
        late = sorted(self.late) or [0.0]
        found = {"p50_ms": late[len(late) // 2], "p99_ms": late[len(late) * 99 // 100], "max_ms": late[-1]}
        return {name: round(seconds * 1000, 3) for name, seconds in found.items()}


class Sent(Protocol):
    """What went out by one kind of connection."""

    frames: int
    bytes: int
    dropped: int


class _SentByKind(Collector):
    """Asks the open connections when somebody asks us: nothing is counted twice, or under a lock, for each frame."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        frames = CounterMetricFamily("sereno_web_frames", "Frames and events sent", labels=["kind"])
        size = CounterMetricFamily("sereno_web_sent_bytes", "Bytes of frames and events sent", labels=["kind"])
        dropped = 0
        for kind, sent in self._metrics.outlets().items():
            frames.add_metric([kind], sent.frames)
            size.add_metric([kind], sent.bytes)
            dropped += sent.dropped
        yield frames
        yield size
        yield CounterMetricFamily(
            "sereno_web_dropped", "Frames replaced by a fresh snapshot for slow clients", value=dropped
        )

    def describe(self) -> Iterator[Metric]:
        """See Collector."""
        return iter(())


class _Handed(Collector):
    """Asks every room for its present figures when somebody asks us."""

    def __init__(self, figures: Mapping[str, Figures]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        for room, ask in self._figures.items():
            for name, value in ask().items():
                yield _family(f"sereno_{room}_{name}", value)

    def describe(self) -> Iterator[Metric]:
        """Nothing is known beforehand; the rooms are not asked at registration."""
        return iter(())


def _family(name: str, value: float | Mapping[str, float]) -> Metric:
    if isinstance(value, Mapping):
        labelled = UntypedMetricFamily(name, name.replace("_", " "), labels=["name"])
        for label, number in value.items():
            labelled.add_metric([label], number)
        return labelled
    return UntypedMetricFamily(name, name.replace("_", " "), value=value)
