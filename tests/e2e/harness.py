"""What every end-to-end test needs: a place for files, recordings of programs, and archives read back.

Tests run with the repository's runfiles as their working directory (Bazel). REPRISE names the program
to test; without it, it is the one that was built.
"""

import contextlib
import dataclasses
import io
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest
from typing import Callable, Iterator, Optional, Sequence, TypeVar

from examples.server_process import ServerProcess
from tests import nginx

# What has not happened after this many seconds never will.
PATIENCE_S = 60

REPRISE = os.path.abspath(os.environ.get("REPRISE", "cli/reprise"))
RAW_EXCHANGES = os.path.abspath(os.environ.get("RAW_EXCHANGES", "tests/e2e/raw_exchanges"))
SERVICES = pathlib.Path("tests/e2e/services").absolute()
PYTHON = "/usr/bin/python3"
# Servers lie where a test's PATH does not look.
os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/bin"

# Of docs/archive_format.md.
_BLOCK_HEADER_BYTES = 72
_ZSTD = 1

T = TypeVar("T")
_numbers = itertools.count(1)


def wait_for(condition: Callable[[], T], what: str) -> T:
    """Returns the condition's value as soon as it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {PATIENCE_S} s")
        time.sleep(0.005)
    return value


def free_port() -> int:
    """A port nobody has. It is one that the kernel gives to no client (ip_local_port_range in ip(7)): those
    are gone again before the service, or its second run, gets to listen."""
    first_of_clients = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(1024, first_of_clients)))
            return probe.getsockname()[1]


def accepts(port: int) -> bool:
    """Whether somebody listens there. Costs the service a connection without bytes."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def connect(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client


def read_exactly(client: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length:
        more = client.recv(length - len(received))
        if not more:
            break
        received += more
    return bytes(received)


def read_to_end(client: socket.socket) -> bytes:
    received = bytearray()
    while more := client.recv(65536):
        received += more
    return bytes(received)


def read_response(client: socket.socket) -> bytes:
    """One HTTP response with a Content-Length, byte for byte."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        if not byte:
            return bytes(head)
        head += byte
    length = 0
    for line in bytes(head).split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return bytes(head) + read_exactly(client, length)


@dataclasses.dataclass(frozen=True)
class RawExchange:
    """An exchange with its bytes as they went over the connection."""

    number: int
    connection: int
    complete: bool
    why: str
    request: bytes
    response: bytes


@dataclasses.dataclass(frozen=True)
class Block:
    """One of an archive (docs/archive_format.md)."""

    kind: int
    compressed: bool  # in the file
    payload: bytes


class Archive:
    """An archive as `reprise` reads it."""

    def __init__(self, path: str):
        self.path = path

    def _json_lines(self, *words: str) -> list[dict]:
        printed = run_reprise(*words, self.path, "--json")
        return [json.loads(line) for line in printed.stdout.splitlines()]

    def ls(self, *filters: str) -> list[dict]:
        return self._json_lines("ls", *filters)

    def stats(self) -> dict:
        return json.loads(run_reprise("stats", self.path, "--json").stdout)

    def show(self, number: int) -> dict:
        return json.loads(run_reprise("show", self.path, str(number), "--json").stdout)

    def blocks(self) -> Iterator[Block]:
        """The blocks of the file as it is, which no command has to have read."""
        packed = pathlib.Path(self.path).read_bytes()
        at = 0
        while at < len(packed):
            kind, codec, stored = struct.unpack_from("<12xBB2xI", packed, at)
            payload = packed[at + _BLOCK_HEADER_BYTES:at + _BLOCK_HEADER_BYTES + stored]
            if codec == _ZSTD:
                payload = subprocess.run(["zstd", "-dcq"], input=payload, capture_output=True,
                                         check=True).stdout
            yield Block(kind, codec == _ZSTD, payload)
            at += _BLOCK_HEADER_BYTES + stored

    def payloads(self) -> bytes:
        """All that the archive holds, unpacked."""
        return b"".join(block.payload for block in self.blocks())

    def raw(self) -> list[RawExchange]:
        printed = subprocess.run([RAW_EXCHANGES, self.path], check=True, capture_output=True,
                                 timeout=PATIENCE_S).stdout
        exchanges = []
        stream = io.BytesIO(printed)
        while line := stream.readline():
            fields = json.loads(line)
            exchanges.append(RawExchange(
                fields["exchange"], fields["connection"], fields["complete"], fields["why"],
                stream.read(fields["request_bytes"]), stream.read(fields["response_bytes"])))
        return exchanges


def run_reprise(*words: str, status: Optional[int] = 0, **kwargs) -> subprocess.CompletedProcess:
    """Runs `reprise` to its end; `status` None takes any exit status."""
    done = subprocess.run([REPRISE, *words], capture_output=True, text=True, timeout=PATIENCE_S,
                          errors="replace", **kwargs)
    if status is not None and done.returncode != status:
        raise AssertionError(f"reprise {' '.join(words)} ended with {done.returncode}, not {status}:\n"
                             f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


class Recording:
    """`reprise record` at work on a program."""

    def __init__(self, root: str, command: Sequence[str], options: Sequence[str] = (),
                 archive: Optional[str] = None, launcher: Sequence[str] = (), **kwargs):
        """`launcher`: words before `reprise`."""
        archive = archive or f"recorded-{next(_numbers)}.reprise"
        self.command = list(command)
        self.archive = Archive(os.path.join(root, archive))
        name = os.path.join(root, os.path.basename(archive))  # the archive's disk may be a full one
        self._stderr_path = name + ".stderr"
        self._stdout_path = name + ".stdout"
        with open(self._stderr_path, "wb") as stderr, open(self._stdout_path, "wb") as stdout:
            self.process = subprocess.Popen(
                [*launcher, REPRISE, "record", "-o", self.archive.path, *options, "--", *command],
                stdin=kwargs.pop("stdin", subprocess.DEVNULL), stdout=stdout, stderr=stderr, **kwargs)

    @property
    def stderr(self) -> str:
        return pathlib.Path(self._stderr_path).read_text(errors="replace")

    @property
    def stdout(self) -> str:
        return pathlib.Path(self._stdout_path).read_text(errors="replace")

    def wait_until_listening(self, port: int) -> "Recording":
        def ready() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"the recording ended early: {self.stderr}")
            return accepts(port)
        wait_for(ready, f"listening on port {port}")
        return self

    def service_pid(self) -> int:
        """Of the process that `reprise record` started."""
        return wait_for(lambda: children(self.process.pid), "a started service")[0]

    def session(self) -> str:
        """Directory of the session, from the recorder's own descriptors."""
        def find() -> Optional[str]:
            for link in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    target = os.readlink(link)
                    if target.endswith("/lock"):
                        return os.path.dirname(target)
            return None
        return wait_for(find, "a session directory")

    def wait_until_recorded(self, exchanges: int) -> "Recording":
        """Until the archive has that many whole exchanges: a service that is killed the moment its client
        has the answer may not have learnt yet that it was sent."""
        wait_for(lambda: sum(line["complete"] for line in self.archive.ls()) >= exchanges,
                 f"{exchanges} recorded exchanges")
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends the service a signal; returns the exit status of `reprise record`."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.service_pid(), number)
        return self.wait()

    def wait(self) -> int:
        return self.process.wait(PATIENCE_S)


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in text.split()]
    return []


def descendants(pid: int) -> list[int]:
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def kill_tree(process: subprocess.Popen):
    """Ends a process and whatever it started, which goes first so that nothing lingers."""
    for pid in [*descendants(process.pid), process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)


class EndToEndTest(unittest.TestCase):
    """A test with a directory of its own; whatever it records is ended with it."""

    def setUp(self):
        # Not below TEST_TMPDIR: paths of Unix sockets are short.
        self.root = tempfile.mkdtemp(prefix="reprise-e2e-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def write(self, name: str, content: str) -> str:
        pathlib.Path(self.path(name)).write_text(content)
        return self.path(name)

    def start_upstream(self, port: int = 0, *tls: str) -> tuple[ServerProcess, int]:
        """Starts a server for services to call (services/upstream_server.py); returns it and its port.
        `tls`: a certificate and its key."""
        server = ServerProcess([PYTHON, str(SERVICES / "upstream_server.py"), str(port), *tls],
                               ready=r"^(\d+)$")
        self.addCleanup(server.stop)
        return server, int(server.ready[1])

    def record(self, *command: str, options: Sequence[str] = (), **kwargs) -> Recording:
        recording = Recording(self.root, command, options, **kwargs)
        self.addCleanup(_end, recording)
        return recording

    def nginx(self, server: str, *, http: str = "", listen: str = "", workers: int = 1,
              connections: int = 4096, port: Optional[int] = None, at: str = "") -> tuple[list[str], int]:
        """A command that runs nginx, and the port it listens on, or where `at` says; `server` is the inside
        of its server block, `http` stands before that block, `listen` are further words of its listen
        directive."""
        port = port or free_port()
        conf = self.write(f"nginx-{next(_numbers)}.conf", _NGINX_CONF.format(
            root=self.root, at=at or f"127.0.0.1:{port}", workers=workers, connections=connections,
            server=server, http=http, listen=listen, temporary_paths=nginx.temporary_paths(self.root)))
        return ["nginx", "-p", self.root, "-c", conf], port

    def record_nginx(self, server: str, *, http: str = "", listen: str = "", workers: int = 1,
                     connections: int = 4096, options: Sequence[str] = (),
                     **kwargs) -> tuple[Recording, int]:
        """Records nginx; `server`, `http` and `listen` as of nginx(). Returns it with its port."""
        command, port = self.nginx(server, http=http, listen=listen, workers=workers,
                                   connections=connections)
        recording = self.record(*command, options=options, **kwargs)
        return recording.wait_until_listening(port), port

    def record_python(self, service: str, *words: str, options: Sequence[str] = (),
                      **kwargs) -> tuple[Recording, int]:
        """Records a program of tests/e2e/services, which listens on the port it is given."""
        port = free_port()
        recording = self.record(PYTHON, str(SERVICES / service), str(port), *words, options=options,
                                **kwargs)
        return recording.wait_until_listening(port), port

    def assert_whole(self, exchange: RawExchange, request: bytes, response: bytes):
        """The exchange is complete, and is what the client sent and received."""
        self.assertEqual(exchange.why, "")
        self.assertTrue(exchange.complete)
        self.assertEqual(exchange.request, request)
        self.assertEqual(exchange.response, response)


def _end(recording: Recording):
    """Ends a recording that a failed test left running."""
    if recording.process.poll() is None:
        kill_tree(recording.process)


_NGINX_CONF = """
daemon off;
worker_processes {workers};
worker_rlimit_nofile 16384;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_max_body_size 0;
  {temporary_paths}
  {http}
  server {{
    listen {at} backlog=4096 {listen};
    {server}
  }}
}}
"""
