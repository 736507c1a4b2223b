"""A Tango device server, a program of its own, with attributes of every type and access. Arguments: those of Tango."""

import enum
import os
import sys
import time

import numpy as np
import tango
from tango import AttrQuality, AttrWriteType, DevState
from tango.server import Device, attribute, command, run
from values import START

TYPES = {"bool": bool, "string": str, "float": "DevFloat", "double": "DevDouble", "uchar": "DevUChar"}


class Mode(enum.IntEnum):
    idle = 0
    slow = 1
    fast = 2


def _made(name, kind, initial, dims):
    """An attribute that keeps what is written to it."""

    def read(self, attr=None):
        return self.kept.get(name, initial)

    def write(self, value, attr=None):
        self.kept[name] = value
        self.writes += 1

    dtype = kind if dims == 0 else (kind,) if dims == 1 else ((kind,),)
    sizes = {1: {"max_dim_x": 64}, 2: {"max_dim_x": 16, "max_dim_y": 16}}.get(dims, {})
    return attribute(name=name, dtype=dtype, fget=read, fset=write, access=AttrWriteType.READ_WRITE, **sizes)


class EveryType(Device):
    def init_device(self):
        super().init_device()
        self.kept, self.writes = {}, 0
        self.set_state(DevState.ON)
        self.set_status("all is well")
        self.set_change_event("pushed", True, False)
        self.set_change_event("waves", True, False)

    for _name, _start in START.items():
        _kind = TYPES.get(_name, "Dev" + {"long64": "Long64", "ulong64": "ULong64", "ulong": "ULong",
                                          "ushort": "UShort"}.get(_name, _name.capitalize()))  # fmt: skip
        locals()[f"{_name}_scalar"] = _made(f"{_name}_scalar", _kind, _start, 0)
        locals()[f"{_name}_spectrum"] = _made(f"{_name}_spectrum", _kind, [_start, _start], 1)
        locals()[f"{_name}_image"] = _made(f"{_name}_image", _kind, [[_start, _start, _start]] * 2, 2)

    mode = _made("mode", Mode, Mode.slow, 0)

    @attribute(dtype=DevState)
    def valve(self):
        return DevState.OPEN

    @attribute(dtype="DevEncoded")
    def recipe(self):
        return "json", b'{"steps": [1, 2]}'

    @attribute(dtype=float)
    def doubtful(self):
        return 1.0, time.time(), AttrQuality.ATTR_INVALID

    @attribute(dtype=float)
    def broken(self):
        tango.Except.throw_exception("TubeBurst", "the tube has burst", "tube()")

    level = attribute(
        dtype=float, access=AttrWriteType.READ_WRITE, unit="m", doc="how full it is", format="%5.2f",
        min_value=0, max_value=10, min_alarm=1, min_warning=2, max_warning=8, max_alarm=9,
    )  # fmt: skip

    def read_level(self):
        return self.kept.get("level", 5.0)

    def write_level(self, value):
        self.kept["level"] = value
        self.writes += 1

    @attribute(dtype=float)
    def pushed(self):
        return self.kept.get("pushed", 0.0)

    @attribute(dtype=(float,), max_dim_x=64)
    def waves(self):
        return self.kept.get("waves", [0.0])

    @attribute(dtype=float, polling_period=50, abs_change=0.5)
    def polled(self):
        return self.kept.get("polled", 0.0)

    wo = attribute(dtype=int, access=AttrWriteType.WRITE)

    def write_wo(self, value):
        self.kept["wo"] = value

    @command(dtype_in=(float,))
    def Push(self, values):
        for value in values:
            self.kept["pushed"] = float(value)
            self.push_change_event("pushed", float(value))

    @command(dtype_in=(float,))
    def PushWaves(self, values):
        self.kept["waves"] = np.array(values)
        self.push_change_event("waves", np.array(values))

    @command(dtype_in=float)
    def SetSilently(self, value):
        self.kept["pushed"] = value

    @command(dtype_in=float)
    def SetPolled(self, value):
        self.kept["polled"] = value

    @command
    def Break(self):
        self.set_state(DevState.FAULT)
        self.set_status("it broke")

    @command
    def Reset(self):
        self.set_state(DevState.ON)
        self.set_status("all is well")

    @command(dtype_in="DevVarLongStringArray", dtype_out="DevVarLongStringArray")
    def Mixed(self, both):
        return both

    @command(dtype_in=DevState, dtype_out=DevState)
    def EchoState(self, state):
        return state

    @command(dtype_in=str, dtype_out=str)
    def EchoString(self, text):
        return text

    @command(dtype_in=(str,), dtype_out=(str,))
    def EchoStrings(self, texts):
        return texts

    @command(dtype_in="DevULong64", dtype_out="DevULong64")
    def EchoBig(self, number):
        return number

    @command(dtype_in=bool, dtype_out=bool)
    def Negate(self, yes):
        return not yes

    @command(dtype_in=float)
    def Sleep(self, seconds):
        time.sleep(seconds)

    @command
    def Burst(self):
        tango.Except.throw_exception("TubeBurst", "the tube has burst", "tube()")

    @command
    def Die(self):
        os._exit(9)


if __name__ == "__main__":
    run((EveryType,), args=["EveryType", *sys.argv[1:]])
