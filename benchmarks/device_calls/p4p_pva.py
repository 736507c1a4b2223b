"""p4p: PV Access with SharedPVs and the thread client."""

from __future__ import annotations

import json
import sys
import threading

import numpy as np
from p4p.client.thread import Context
from p4p.nt import NTScalar
from p4p.server import Server
from p4p.server.thread import SharedPV

from device_calls import asking, serving


def serve(size: int) -> None:
    numbers = {f"bench:t{i:05d}": SharedPV(nt=NTScalar("d"), initial=0.0) for i in range(size)}
    wave = SharedPV(nt=NTScalar("ad"), initial=np.arange(1000.0))
    with Server(providers=[{**numbers, "bench:wave": wave}], isolate=True) as server:
        serving.ready(dict(server.conf()))
        pvs = list(numbers.values())

        def one_round(number: float) -> int:
            for pv in pvs:
                pv.post(number)
            return size

        serving.obey(lambda seconds: serving.flat_out(seconds, one_round))


def ask(address: dict[str, str], size: int, seconds: float) -> None:
    with Context("pva", conf=address, useenv=False) as context:
        names = [f"bench:t{i:05d}" for i in range(size)]
        kept = []

        def subscribe(take) -> None:
            missing = threading.Semaphore(0)
            seen = [False] * size
            for i, name in enumerate(names):

                def came(value, i=i) -> None:
                    take(i, float(value))
                    if not seen[i]:
                        seen[i] = True
                        missing.release()

                kept.append(context.monitor(name, came))
            for _ in names:
                missing.acquire(timeout=20)

        asker = asking.Asker(
            lambda: float(context.get(names[0])),
            lambda: [float(v) for v in context.get(names)],
            lambda: context.get("bench:wave"),
            subscribe,
        )
        asking.measure(asker, size, seconds)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(int(sys.argv[2]))
    else:
        ask(json.loads(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
