"""HOST PORT DT: every DT seconds a number as text by UDP; written from the description, without Sereno."""

import socket
import sys
import time

host, port, dt = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
start = time.time()
try:
    while True:
        phase = (time.time() - start) % 1.0
        value = 4 * phase - 1 if phase < 0.5 else 3 - 4 * phase
        out.sendto(str(value).encode(), (host, port))
        time.sleep(dt)
except KeyboardInterrupt:
    out.close()
