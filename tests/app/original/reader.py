"""HOST PORT DT N: N times a connection, n, and the answer; written from the description, without Sereno."""

import socket
import sys
import time
from collections import deque

host, port, dt, count = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
last = deque(maxlen=20)
for _ in range(count):
    with socket.create_connection((host, port)) as server:
        server.sendall(b"n")
        last.append(float(server.recv(1024)))
    time.sleep(dt)
print(list(last))
