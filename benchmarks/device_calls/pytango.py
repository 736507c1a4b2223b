"""PyTango without a database: dynamic attributes, read_attributes, change events pushed by code."""

from __future__ import annotations

import json
import sys
import threading

import numpy as np
import tango
from tango.server import Device, run

from device_calls import asking, serving

NAME = "test/bench/1"
SIZE = [0]
STARTED = threading.Event()


class Bench(Device):
    """A device of many numbers."""

    def init_device(self) -> None:
        super().init_device()
        self.wave = np.arange(1000.0)
        for i in range(SIZE[0]):
            self.add_attribute(tango.Attr(f"t{i:05d}", tango.DevDouble, tango.READ), self.read_number)
            self.set_change_event(f"t{i:05d}", True, False)
        self.add_attribute(tango.SpectrumAttr("wave", tango.DevDouble, tango.READ, 1000), self.read_wave)

    def read_number(self, attribute: tango.Attribute) -> None:
        attribute.set_value(1.0)

    def read_wave(self, attribute: tango.Attribute) -> None:
        attribute.set_value(self.wave)


def serve(size: int, port: int) -> None:
    SIZE[0] = size

    def began() -> None:
        serving.ready(f"tango://127.0.0.1:{port}/{NAME}#dbase=no")
        serving.in_thread(push)

    def push(seconds: float) -> int:
        with tango.EnsureOmniThread():
            device = tango.Util.instance().get_device_by_name(NAME)
            names = [f"t{i:05d}" for i in range(size)]

            def one_round(number: float) -> int:
                for name in names:
                    device.push_change_event(name, number)
                return size

            return serving.flat_out(seconds, one_round)

    arguments = ["bench", "inst", "-nodb", "-dlist", NAME, "-host", "127.0.0.1", "-port", str(port)]
    run((Bench,), args=arguments, post_init_callback=began)


def ask(address: str, size: int, seconds: float) -> None:
    proxy = tango.DeviceProxy(address)
    proxy.set_timeout_millis(20_000)
    names = [f"t{i:05d}" for i in range(size)]

    def subscribe(take) -> None:
        for i, name in enumerate(names):

            def came(event, i=i) -> None:
                if not event.err:
                    take(i, event.attr_value.value)

            proxy.subscribe_event(name, tango.EventType.CHANGE_EVENT, came)

    asker = asking.Asker(
        lambda: proxy.read_attribute("t00000").value,
        lambda: [a.value for a in proxy.read_attributes(names)],
        lambda: proxy.read_attribute("wave").value,
        subscribe,
    )
    asking.measure(asker, size, seconds)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(int(sys.argv[2]), int(sys.argv[3]))
    else:
        ask(json.loads(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
