"""The same server with a thread for each reader. Prints its port."""

from __future__ import annotations

import contextlib
import socket
import threading

tcp = socket.create_server(("127.0.0.1", 0), backlog=4096)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(tcp.getsockname())
print(udp.getsockname()[1], flush=True)
latest = b"nan"


def hear() -> None:
    global latest  # noqa: PLW0603 - the original's way
    while True:
        latest = udp.recv(1024)


def answer(reader: socket.socket) -> None:
    with reader, contextlib.suppress(OSError):
        while reader.recv(64) == b"n":
            reader.sendall(latest)


threading.stack_size(256 * 1024)
threading.Thread(target=hear, daemon=True).start()
while True:
    threading.Thread(target=answer, args=(tcp.accept()[0],), daemon=True).start()
