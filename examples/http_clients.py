"""HTTP/1.1 clients that keep their connections, and exact notes of what each of them received."""

import argparse
import collections
import dataclasses
import http.client
import json
import socket
import threading
import time
from typing import Callable, Generator, Optional

_PATIENCE_S = 60


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    target: str
    body: bytes = b""


@dataclasses.dataclass(frozen=True)
class Received:
    """The answer to a request, or the error that came instead of one (status 0)."""

    request: Request
    status: int = 0
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: Optional[str] = None
    finished_s: float = 0.0  # time.monotonic() when all of it was there

    def as_json(self, client: int, sequence: int) -> str:
        """One line; a body that is no UTF-8 has its bytes as the code points 0 to 255."""
        note = {"client": client, "sequence": sequence, "method": self.request.method,
                "target": self.request.target}
        if self.error is not None:
            return json.dumps({**note, "error": self.error})
        try:
            body = {"body": self.body.decode("utf-8")}
        except UnicodeDecodeError:
            body = {"body_latin1": self.body.decode("latin-1")}
        return json.dumps({**note, "status": self.status, "reason": self.reason,
                           "headers": self.headers, **body})


@dataclasses.dataclass(frozen=True)
class Complaint:
    """What somebody has against an answer that looked well to the service."""

    answer: Received
    text: str

    @property
    def request_id(self) -> str:
        """The one that the service's log has."""
        return dict(self.answer.headers)["X-Request-Id"]


# Yields requests; is sent what was received for each.
Script = Generator[Request, Received, None]


def _fetch(connection: http.client.HTTPConnection, request: Request) -> Received:
    try:
        connection.request(request.method, request.target, request.body or None)
        response = connection.getresponse()
        return Received(request, response.status, response.reason, tuple(response.getheaders()),
                        response.read(), finished_s=time.monotonic())
    except (OSError, http.client.HTTPException) as error:
        connection.close()  # The next request opens it anew.
        return Received(request, error=f"{type(error).__name__}: {error}")


def _follow(script: Script, host: str, port: int, notes: list[Received]):
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)
    request = next(script, None)
    while request is not None:
        notes.append(_fetch(connection, request))
        try:
            request = script.send(notes[-1])
        except StopIteration:
            request = None
    connection.close()


def drive(host: str, port: int, scripts: list[Script]) -> list[list[Received]]:
    """Follows every script in a thread and on a connection of its own, all at once.

    Returns what each received, in the order of its requests.
    """
    notes: list[list[Received]] = [[] for _ in scripts]
    threads = [threading.Thread(target=_follow, args=(script, host, port, note))
               for script, note in zip(scripts, notes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return notes


def has_hung_up(connection: socket.socket) -> bool:
    """Whether the other end is gone; waits until it says something or goes."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:  # It left bytes unread, or never took the connection.
        return True


def main(description: str, make_script: Callable[[int, int, int], Script]) -> int:
    """A command that drives traffic.

    `make_script(seed, client, requests)` makes the script of one client.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", type=int, default=1000, help="of all clients together")
    parser.add_argument("--concurrency", type=int, default=16, help="clients, a connection each")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same requests")
    parser.add_argument("--output", help="file for one JSON line an answer, ordered by client")
    options = parser.parse_args()

    share, extra = divmod(options.requests, options.concurrency)
    scripts = [make_script(options.seed, client, share + (client < extra))
               for client in range(options.concurrency)]
    started = time.monotonic()
    notes = drive(options.host, options.port, scripts)
    seconds = time.monotonic() - started

    if options.output is not None:
        with open(options.output, "w", encoding="utf-8") as output:
            for client, received in enumerate(notes):
                for sequence, answer in enumerate(received):
                    print(answer.as_json(client, sequence), file=output)
    answers = [answer for received in notes for answer in received]
    statuses = collections.Counter(str(answer.status) for answer in answers if not answer.error)
    errors = collections.Counter(answer.error for answer in answers if answer.error)
    print(json.dumps({"requests": len(answers), "seconds": round(seconds, 3),
                      "statuses": dict(sorted(statuses.items())), "errors": dict(errors)}))
    return 1 if errors else 0
