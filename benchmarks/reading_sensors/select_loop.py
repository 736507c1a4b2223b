"""The same server as one loop around select, as the original is. Prints its port. At most some thousand readers."""

from __future__ import annotations

import select
import socket

tcp = socket.create_server(("127.0.0.1", 0), backlog=4096)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(tcp.getsockname())
print(udp.getsockname()[1], flush=True)
latest = b"nan"
readers: list[socket.socket] = []
while True:
    for ready in select.select([udp, tcp, *readers], [], [], 1.0)[0]:
        if ready is udp:
            latest = udp.recv(1024)
        elif ready is tcp:
            readers.append(tcp.accept()[0])
        else:
            try:
                asked = ready.recv(64)
                if asked == b"n":
                    ready.sendall(latest)
            except OSError:
                asked = b""
            if not asked:
                readers.remove(ready)
                ready.close()
