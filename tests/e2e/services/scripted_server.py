"""usage: scripted_server.py PORT [MOOD]

An HTTP server on plain sockets, a thread a connection, which answers with exactly the bytes that the
request's path asks for. Bodies of requests are read by Content-Length and echoed by /echo; /now tells
the time, a random number and the mood; /upgrade goes over to echoing lines; /after-end answers when the
client has closed its half.
"""

import ctypes
import gzip
import os
import random
import signal
import socket
import sys
import threading
import time

GZIPPED = gzip.compress(b"squeezed " * 200, mtime=0)
INVALID_UTF8 = b'{"name": "\xff\xfe\x80 caf\xe9"}'
RESPONSES = {
    b"/no-reason": b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",
    b"/no-reason-no-space": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    b"/gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" %
              len(GZIPPED) + GZIPPED,
    b"/invalid-utf8": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" %
                      len(INVALID_UTF8) + INVALID_UTF8,
    b"/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n"
                 b"Trailer: t\r\n\r\n",
    b"/none": b"HTTP/1.1 204 No Content\r\n\r\n",
}
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
CLOSE_DELIMITED = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"until the end " * 500


class Connection:
    def __init__(self, client: socket.socket):
        self._client = client
        self._buffer = b""

    def _read_head(self) -> bytes:
        while b"\r\n\r\n" not in self._buffer:
            more = self._client.recv(65536)
            if not more:
                return b""
            self._buffer += more
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head

    def _read_body(self, head: bytes) -> bytes:
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        parts = [self._buffer[:length]]
        self._buffer = self._buffer[length:]
        missing = length - len(parts[0])
        while missing > 0:
            more = self._client.recv(min(missing, 1 << 20))
            if not more:
                break
            parts.append(more)
            missing -= len(more)
        return b"".join(parts)

    def _echo_lines(self):
        self._client.sendall(UPGRADED)
        received = self._buffer
        while received or (received := self._client.recv(65536)):
            self._client.sendall(b"%.6f " % time.time() + received)
            received = b""

    def _answer_now(self, head: bytes):
        text = b"%.6f %08x %s" % (time.time(), random.getrandbits(32), " ".join(sys.argv[2:]).encode())
        status = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text)
        self._client.sendall(status if head.startswith(b"HEAD") else status + text)

    def serve(self):
        with self._client:
            while head := self._read_head():
                path = head.split(b" ")[1]
                if b"\r\nExpect: 100-continue" in head:
                    self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = self._read_body(head)
                if path == b"/upgrade":
                    self._echo_lines()
                    return
                if path == b"/after-end" and not self._client.recv(1):
                    self._client.sendall(CLOSE_DELIMITED)
                    return
                if path in (b"/close-delimited", b"/close-delimited-kill"):
                    self._client.sendall(CLOSE_DELIMITED)
                    if path == b"/close-delimited-kill":
                        os.kill(os.getpid(), signal.SIGKILL)
                    return
                if path == b"/segv":
                    ctypes.string_at(0)
                if path == b"/half-segv":
                    self._client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly a part")
                    ctypes.string_at(0)
                if path == b"/kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                if path == b"/echo":
                    self._client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                elif path == b"/now":
                    self._answer_now(head)
                elif path == b"/length":
                    text = b"%d" % len(body)
                    self._client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
                else:
                    self._client.sendall(RESPONSES.get(path, NOT_FOUND))
                if b"\r\nConnection: close" in head:
                    return


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=Connection(client).serve, daemon=True).start()


if __name__ == "__main__":
    main()
