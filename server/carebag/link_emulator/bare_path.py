"""The bare path: UDP packets through an empty copy of the same link, fifty a second, without any of our code above.

What our own code adds is measured against this, in the same run. Runs as a process of its own until its input ends.
"""

import json
import socket
import struct
import sys
import threading
import time

from carebag.link_emulator.forwarder import hurry

PERIOD_S = 0.02
_STAMP = struct.Struct(">Id")


def receive(sink: socket.socket, arrived: dict[int, float]) -> None:
    """Note when each packet came, by its number, until the socket is closed."""
    while True:
        try:
            data = sink.recv(2048)
        except OSError:
            return
        if len(data) >= _STAMP.size:
            arrived[_STAMP.unpack_from(data)[0]] = time.time()


def send(
    source: socket.socket, address: tuple[str, int], size: int, stop: threading.Event, packets: int | None
) -> list[float]:
    """Unix seconds at which each packet left; one that could not leave has its time too."""
    sent: list[float] = []
    began = time.monotonic()
    while len(sent) != packets and not stop.wait(max(0.0, began + len(sent) * PERIOD_S - time.monotonic())):
        now = time.time()
        sent.append(now)
        try:
            source.sendto(_STAMP.pack(len(sent) - 1, now).ljust(size, b"\0"), address)
        except OSError:
            continue  # no address just now
    return sent


def _until_input_ends(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def main() -> None:
    told = json.loads(sys.argv[1])
    hurry()
    source, sink = socket.socket(fileno=told["source"]), socket.socket(fileno=told["sink"])
    arrived: dict[int, float] = {}
    threading.Thread(target=receive, args=(sink, arrived), daemon=True).start()
    stop = threading.Event()
    threading.Thread(target=_until_input_ends, args=(stop,), daemon=True).start()
    sent = send(source, (told["host"], told["port"]), told["size"], stop, told["packets"])
    time.sleep(0.5)  # the last ones are still on their way
    json.dump([[left, arrived.get(number)] for number, left in enumerate(sent)], sys.stdout)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
