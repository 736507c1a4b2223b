"""Ports for programs that cannot be asked to choose one themselves."""

from __future__ import annotations

import random
import socket

LOW, HIGH = 12_000, 30_000
"""Below those that a system gives to whoever asks for any: between now and its use nobody gets it by chance."""


def free_port() -> int:
    """A port of 127.0.0.1 at which nobody listens now."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(LOW, HIGH)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
