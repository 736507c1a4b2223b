"""Calls that are not the same on every system."""

from __future__ import annotations

import subprocess
import sys

import pytest

HOLDING = """
import ctypes, sys
from sereno.app.platform import give_memory_back, process_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
if "back" in sys.argv and not give_memory_back():
    sys.exit("no glibc")
def use(size):
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    return block
before = process_memory()[0]
for _ in range(3):
    block = use(19 << 20)
    above = use(100_000)  # what a program makes meanwhile and keeps
    libc.free(block)
print((process_memory()[0] - before) >> 20)
"""


def _held(*arguments: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", HOLDING, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    if "no glibc" in done.stderr:
        pytest.skip("the C library cannot give memory back: it is not glibc")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux'")
def test_what_a_password_hash_took_goes_back_to_the_system() -> None:
    assert _held("back") < 5
    assert _held() > 15, "without it the system keeps the block; if not, the call is needed no more"
