"""PORT: keeps the latest value from UDP and tells it by TCP to who sends n; from the description, without Sereno."""

import select
import socket
import sys

udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", int(sys.argv[1])))
tcp = socket.create_server(("127.0.0.1", udp.getsockname()[1]))
print(udp.getsockname()[1], flush=True)
latest, clients = b"", []
while True:
    for ready in select.select([udp, tcp, *clients], [], [], 1.0)[0]:
        if ready is udp:
            latest = udp.recv(1024)
        elif ready is tcp:
            clients.append(tcp.accept()[0])
        elif ready.recv(1) == b"n":
            ready.sendall(latest)
        else:
            clients.remove(ready)
            ready.close()
