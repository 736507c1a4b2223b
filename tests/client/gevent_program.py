"""A gevent program that reads a device while another greenlet runs."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.argv[2] == "1":
        from gevent import monkey

        monkey.patch_all()

    import gevent

    from sereno.client import connect_gevent
    from sereno.model import NotConnectedError, SerenoError

    with connect_gevent(sys.argv[1], "operator") as client:
        ps = client["lab/ps/1"]
        print(ps.voltage.read().value)
        turns = 0

        def turn() -> None:
            global turns  # noqa: PLW0603 - a script
            while True:
                turns += 1
                gevent.sleep(0)

        other = gevent.spawn(turn)
        ps.voltage.read()
        print("others", "ran" if turns else "waited")
        try:
            ps.current.write(1.0)
        except SerenoError as error:
            print(type(error).__name__)
        readers = [gevent.spawn(ps.voltage.read) for _ in range(50)]
        gevent.joinall(readers, timeout=60)
        print(sum(reader.value.value == 1.5 for reader in readers))
        other.kill()
    try:
        ps.voltage.read()
    except NotConnectedError:
        print("closed")
