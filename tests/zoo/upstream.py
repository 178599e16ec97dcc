"""A scripted HTTP upstream on a free port of 127.0.0.1, a thread a connection, which the test holds in
its hands: a script may withhold an answer, cut it, or send it in pieces."""

import contextlib
import dataclasses
import json
import socket
import ssl
import struct
import threading
from typing import Any, Callable, Optional

from tests.e2e.certificates import Certificate
from tests.zoo import sockets


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request as it arrived.

    Attributes:
        number: of all this upstream was asked, from 1.
    """

    number: int
    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes


class Line:
    """The upstream's end of a connection, for answers that are no plain answers."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._open = True
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes):
        self._connection.sendall(data)

    def reset(self):
        """Resets the connection when the service has read all that was sent."""
        sockets.wait_until_read(self._connection)
        # Not lingering makes close() a reset (socket(7)). The stream that is read has the descriptor too.
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cut()

    def cut(self):
        """Ends the connection as if the network did: without the end of TLS, if it has TLS."""
        self._open = False

    def close(self):
        """Ends the connection; nothing is read from it any more."""
        self._open = False
        if isinstance(self._connection, ssl.SSLSocket):
            self._connection.unwrap()

    @property
    def open(self) -> bool:
        return self._open


# Says what an upstream does with a request: returns the answer, or None when it dealt with the line.
Script = Callable[[Asked, Line], Optional[bytes]]


def answer(body: Any, status: int = 200, **headers: str) -> bytes:
    """An HTTP response; a body that is no bytes goes as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(content)}"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def tls(certificate: Certificate) -> ssl.SSLContext:
    """What an upstream has that is this one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


class Upstream:
    """A context manager; it serves from construction to stop()."""

    def __init__(self, script: Script, port: int = 0, host: str = "127.0.0.1",
                 tls: Optional[ssl.SSLContext] = None):
        self._script = script
        self._tls = tls
        self._listener = socket.create_server((host, port))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._asked = 0
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                with self._lock:
                    self._connections.append(connection)
                    self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket):
        line = Line(connection)
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while line.open and (asked := self._read(stream)) is not None:
                reply = self._script(asked, line)
                if reply is not None:
                    line.send(reply)

    def _read(self, stream) -> Optional[Asked]:
        words = stream.readline().decode().split()
        if len(words) < 2:
            return None
        headers = {}
        while (field := stream.readline().decode().strip()):
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        with self._lock:
            self._asked += 1
            return Asked(self._asked, words[0], words[1], headers, body)

    def stop(self):
        """Ends it with all its connections, whatever their threads wait for on them."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
