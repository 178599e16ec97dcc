"""What the kernel knows of the other end of a connection on 127.0.0.1."""

import pathlib
import socket

from tests.e2e import harness


def _end(address: tuple[str, int]) -> str:
    octets = socket.inet_aton(address[0])[::-1]
    return f"{octets.hex().upper()}:{address[1]:04X}"


def unread(connection: socket.socket) -> int:
    """How many bytes that were sent have not been read (rx_queue in /proc/net/tcp, see proc(5))."""
    ends = [_end(connection.getpeername()), _end(connection.getsockname())]
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines():
        fields = line.split()
        if fields[1:3] == ends:
            return int(fields[4].partition(":")[2], 16)
    return 0


def wait_until_read(connection: socket.socket):
    """Returns when the other end has read all that was sent to it."""
    harness.wait_for(lambda: not unread(connection), "reading what was sent")
