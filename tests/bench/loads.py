"""Servers with the load that is put on them: what may be recorded, or looked on at in another way.

A load says which command runs its server and what its client does. SERVER_CORE is where both are.
"""

import abc
import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

from examples.checkout.dependencies import Dependencies
from tests.bench import clients, processes
from tests.bench.clients import Answers
from tests.bench.nginx_server import NginxServer

SERVER_CORE = 0
# What a server depends on would be on another machine.
OTHER_CORE = 1

# Requests that have nothing in common but their form.
_ALL_DIFFERENT = """
local count = 0
local function token()
  return string.format("%08x%08x", math.random(0, 2147483647), math.random(0, 2147483647))
end
math.randomseed(1)
request = function()
  count = count + 1
  return "GET /" .. token() .. "/" .. count .. " HTTP/1.1\\r\\nHost: localhost\\r\\nX-Request-Id: " .. token() ..
    "\\r\\n\\r\\n"
end
"""
_ORDERS = """
local count = 0
request = function()
  count = count + 1
  return wrk.format("POST", "/checkout", nil, string.format(
    '{"cart": "c-%d", "customer": "u-%d", "currency": "EUR", ' ..
    '"items": [{"sku": "tea-250", "quantity": %d, "price_cents": 790}]}', count, count % 500, count % 3 + 1))
end
"""


@dataclass(frozen=True)
class Place:
    """Where a run takes place."""

    root: str  # an empty directory
    port: int  # of the server
    onlooker_port: int  # free for whoever looks on


class Load(abc.ABC):
    """A server and its client.

    Attributes:
        processes: the name of the server's processes, and how many there are.
        connections: how many the client has, if it is not for the caller to say.
    """

    processes: tuple[str, int]
    connections: int | None = None

    @abc.abstractmethod
    def command(self, place: Place) -> contextlib.AbstractContextManager[list[str]]:
        """The command that runs the server; what it depends on is there within the context."""

    @abc.abstractmethod
    def drive(self, place: Place, port: int, seconds: int, connections: int) -> Answers:
        """Asks `port`, which is the server's or one before it."""


@dataclass(frozen=True)
class Nginx(Load):
    """nginx, asked by wrk, always the same or with a script."""

    processes = ("nginx", 2)  # a master and a worker

    server: NginxServer = NginxServer()
    target: str = "/"
    script: str = ""

    @contextlib.contextmanager
    def command(self, place: Place) -> Iterator[list[str]]:
        yield self.server.command(place.root, place.port)

    def drive(self, place: Place, port: int, seconds: int, connections: int) -> Answers:
        scheme = "https" if self.server.tls else "http"
        return _wrk(place, f"{scheme}://127.0.0.1:{port}{self.target}", seconds, connections, self.script)

    def also(self, server: str, http: str) -> "Nginx":
        """The same with more in its server block, and beside it."""
        return dataclasses.replace(self, server=dataclasses.replace(
            self.server, server=self.server.server + server, http=self.server.http + http))


def different_each_time() -> Nginx:
    """200 bytes again, but neither requests nor responses come twice, so that nobody can keep them once."""
    echo = "$http_x_request_id"
    return Nginx(NginxServer(f'location / {{ return 200 "{"x" * (200 - 16)}{echo}"; }}'), script=_ALL_DIFFERENT)


class Redis(Load):
    """redis-server, asked by redis-benchmark for small values, 16 at a time."""

    processes = ("redis-server", 1)
    _PER_SECOND = 800_000  # about what it answers: redis-benchmark counts requests and not time

    @contextlib.contextmanager
    def command(self, place: Place) -> Iterator[list[str]]:
        yield ["redis-server", "--port", str(place.port), "--bind", "127.0.0.1", "--dir", place.root, "--save", "",
               "--appendonly", "no"]

    def drive(self, place: Place, port: int, seconds: int, connections: int) -> Answers:
        return clients.redis_benchmark(port, self._PER_SECOND * seconds, connections, SERVER_CORE)


@dataclass(frozen=True)
class ThreadServer(Load):
    """A thread for each of 64 connections, asked by wrk for 200 bytes."""

    processes = ("thread_server", 1)
    connections = 64

    program: str

    @contextlib.contextmanager
    def command(self, place: Place) -> Iterator[list[str]]:
        yield [self.program, str(place.port), str(self.connections)]

    def drive(self, place: Place, port: int, seconds: int, connections: int) -> Answers:
        return _wrk(place, f"http://127.0.0.1:{port}/", seconds, connections)


@dataclass(frozen=True)
class Checkout(Load):
    """examples/checkout, where wrk places orders, with its Redis and payments API on the other core."""

    processes = ("checkout", 1)

    program: str

    @contextlib.contextmanager
    def command(self, place: Place) -> Iterator[list[str]]:
        with contextlib.ExitStack() as stack:
            with processes.starting_on(OTHER_CORE):
                dependencies = stack.enter_context(Dependencies())
            yield [self.program, "--port", str(place.port), *dependencies.service_flags()]

    def drive(self, place: Place, port: int, seconds: int, connections: int) -> Answers:
        return _wrk(place, f"http://127.0.0.1:{port}/checkout", seconds, connections, _ORDERS)


def _wrk(place: Place, url: str, seconds: int, connections: int, script: str = "") -> Answers:
    path = pathlib.Path(place.root, "requests.lua")
    path.write_text(script)
    return clients.wrk(url, seconds, connections, SERVER_CORE, str(path) if script else "")
