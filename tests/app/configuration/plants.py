"""A plant of three devices, a derived one and a guard, for all that is told about changing it."""

from __future__ import annotations

PLANT = """
[plant]
name = "Changing"

[history]
days = 1

[[device]]
name = "a/d1"
driver = "modbus"
url = "tcp://127.0.0.1:5021"
scan = "100ms"
[[device.tag]]
name = "x"
address = "holding:0"
type = "float32"
unit = "m"
alarm = { hi = 50, priority = 2, cause = "c", consequence = "q", response = "r" }

[[device]]
name = "a/d2"
driver = "modbus"
url = "tcp://127.0.0.1:5022"
scan = "100ms"
[[device.tag]]
name = "y"
address = "holding:8"
type = "float32"
access = "read_write"
setpoint = { high = 90, interlock = "a/d1/x < 5", select = 0 }

[[device]]
name = "a/d3"
driver = "modbus"
url = "tcp://127.0.0.1:5023"
scan = "100ms"
enabled = true
tag = [{ name = "z", address = "holding:4", type = "uint16", counter = {} }]

[[device]]
name = "a/sum"
driver = "derived"
tag = [{ name = "s", value = "a/d1/x + 1" }, { name = "f", function = "twice.py:twice", inputs = ["a/d1/x"] }]

[[guard]]
name = "stop"
when = "a/d1/x > 40"
for = "0s"
command = { target = "a/d2/y", value = 0 }
"""


FUNCTIONS = "def twice(value):\n    return 2 * value\n"


def at(*ports: int, text: str = PLANT) -> str:
    """With the ports of three servers."""
    for number, port in enumerate(ports, 1):
        text = text.replace(f':502{number}"', f':{port}"')
    return text
