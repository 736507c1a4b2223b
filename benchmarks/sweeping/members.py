"""COUNT DEAD SLOW: one port at COUNT loopback addresses; the first DEAD never answer, the next SLOW after 0.8 s.

Prints the port. Speaks just enough of HTTP for many clients at once.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop

BODY = b"[1, 2, 3]"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
SLOW = 0.8


def number_of(address: str) -> int:
    """127.1.a.b is member a * 250 + b."""
    _, _, a, b = address.split(".")
    return int(a) * 250 + int(b)


class Member(asyncio.Protocol):
    """One connection."""

    def __init__(self, dead: int, slow: int) -> None:
        self.dead, self.slow = dead, slow

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.number = number_of(transport.get_extra_info("sockname")[0])

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"\r\n\r\n")):
            if self.number >= self.dead + self.slow:
                self.transport.write(ANSWER)
            elif self.number >= self.dead:
                asyncio.get_running_loop().call_later(SLOW, self._later)

    def _later(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def main(dead: int, slow: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Member(dead, slow), "0.0.0.0", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
