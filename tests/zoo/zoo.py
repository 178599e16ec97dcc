"""A bug that only happens in production, and what Reprise owes whoever has to find it.

A case of the zoo is a service with a bug (CASE.cc, in which `#ifdef FIXED` holds the fix) and a subclass of
ZooCase in CASE.py with the traffic, the dependencies and the predicate that recognises the bug. The class
records the service once, with the luck that production had, and then asks:

    (a) does the recorded run have the bug, as its clients saw it and as the archive tells it?
    (b) is it gone when the same requests are sent to the service now, to dependencies that are well?
    (c) does every replay show it, without any dependency, and are all replays the same?
    (d) does the failing exchange show it when it is replayed alone, or with no more than what came before it?
    (e) does the fix, replayed, change what it is meant to change and nothing else?
"""

import collections
import contextlib
import dataclasses
import json
import os
import re
import shutil
import socket
import ssl
import tempfile
import time
from typing import Any, ContextManager, Optional, Sequence
from unittest import mock

from examples.http_clients import Received
from examples.server_process import ServerProcess
from tests.e2e import harness
from tests.e2e.replay_case import Replay, ReplayTest
from tests.zoo import sockets

ANY = mock.ANY
# Of a service that speaks TLS, in its certificate.
SERVICE_NAME = "service.test"
_LENGTH = re.compile(rb"(?im)^content-length: *(\d+)")
_FIELD = re.compile(r"(?m)^([^:\r\n]+): *(.*?)\r?$")
_READY = r"^listening on (\d+)$"
_CLOCK_REALTIME_COARSE = 5
_RUNS = 20
# How many tries of the control may have the bug by chance.
_CHANCE = 2


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came for a request; status 0 when nothing whole came.

    Attributes:
        number: of the exchange in an archive; for a client, of its answers in the order of the requests.
        asked: the request's method and target.
    """

    number: int
    asked: str
    status: int
    body: bytes
    headers: dict[str, str] = dataclasses.field(default_factory=dict)  # names in lower case

    @staticmethod
    def parse(number: int, request: bytes, response: bytes) -> "Answer":
        asked = b" ".join(request.split(b" ", 2)[:2]).decode()
        head, end, body = response.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        whole = end and (length is None or len(body) >= int(length[1]))
        headers = {name.lower(): value for name, value in _FIELD.findall(head.decode("latin-1"))}
        return Answer(number, asked, int(head.split(b" ")[1]) if whole else 0, body, headers)

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclasses.dataclass(frozen=True)
class Run:
    """A run of the service, as its clients and whoever started it saw it, or as an archive has it."""

    answers: list[Answer]
    exit: dict[str, int]  # {"code": N} or {"signal": N}


class Client:
    """A client with one connection, which keeps its answers in `answers`."""

    def __init__(self, port: int, answers: list[Answer], tls: Optional[ssl.SSLContext] = None):
        self.answers = answers
        self._unread = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=harness.PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=SERVICE_NAME)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        return self.exchange(request(method, target, body, **headers))

    def exchange(self, data: bytes) -> Answer:
        """Sends a whole request and reads its answer."""
        self.send(data)
        return self.read_answer(data)

    def send(self, data: bytes):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(data)

    def send_in_pieces(self, *pieces: bytes):
        """Sends each piece when the service has read the one before."""
        for piece in pieces:
            self.send(piece)
            sockets.wait_until_read(self._socket)

    def read_answer(self, data: bytes) -> Answer:
        """Reads the answer to a request that was sent; nothing is one too."""
        with contextlib.suppress(ConnectionResetError):
            while not self._whole() and (more := self._socket.recv(65536)):
                self._unread += more
        length = self._whole() or len(self._unread)
        answer = Answer.parse(len(self.answers) + 1, data, self._unread[:length])
        self._unread = self._unread[length:]
        self.answers.append(answer)
        return answer

    def _whole(self) -> int:
        """The length of the response that was read; 0 while it is not whole."""
        head, end, _ = self._unread.partition(b"\r\n\r\n")
        stated = _LENGTH.search(head)
        whole = len(head) + len(end) + (int(stated[1]) if stated else 0)
        return whole if end and len(self._unread) >= whole else 0

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    """A whole request; `X_User="a"` becomes the header X-User."""
    head = [f"{method} {target} HTTP/1.1", "Host: zoo"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def coarse_time() -> float:
    """The clock by which time(2) counts seconds, some milliseconds behind time.time()."""
    return time.clock_gettime(_CLOCK_REALTIME_COARSE)


def received(notes: list[list[Received]]) -> list[Answer]:
    """The answers that the customers of an example got."""
    answers = (answer for one in notes for answer in one)
    return [Answer(number, f"{answer.request.method} {answer.request.target}", answer.status, answer.body,
                   {name.lower(): value for name, value in answer.headers})
            for number, answer in enumerate(answers, 1)]


class ZooCase(ReplayTest):
    """See the top of this file; a case sets and overrides what follows.

    Attributes:
        schedule: of the replays.
        alone: whether the failing exchange needs no other one; the case says why it does. (d) then replays all
            before it as well.
        crashes: whether production's service ends by the bug.
        open_calls: exchanges with a call that production never answered, which the archive has at its end only.
        tls: of the clients, where the service speaks TLS to them.
        launcher: words that come before the command that is run, the recording's and the control's.
    """

    maxDiff = None
    schedule = "serial"
    alone = True
    crashes = False
    open_calls = 0
    tls: Optional[ssl.SSLContext] = None
    launcher: Sequence[str] = ()

    def dependencies(self, healthy: bool) -> ContextManager[Sequence[str]]:
        """Runs what the service depends on, and returns the service's arguments. In production dependencies
        had their moods, which are not `healthy`."""
        return contextlib.nullcontext([])

    def traffic(self, port: int) -> list[Answer]:
        """Production's clients. Returns their answers in the order of the requests."""
        raise NotImplementedError

    def wrong(self, answer: Answer) -> bool:
        """Whether an answer, looked at by itself, shows the bug. Cases without such answers have has_bug() and
        failing() of their own."""
        raise NotImplementedError

    def has_bug(self, run: Run) -> bool:
        """Whether a run shows the bug."""
        return any(self.wrong(answer) for answer in run.answers)

    def intended(self) -> dict[int, dict[str, tuple[Any, Any]]]:
        """What the fix changes, as `reprise diff --json` says it: in which exchange, where, from what to what;
        ANY where a value is luck."""
        raise NotImplementedError

    # The recording, which all steps share.

    @classmethod
    def setUpClass(cls):
        cls.service = os.path.abspath(os.environ["ZOO_SERVICE"])
        cls.fixed = os.path.abspath(os.environ["ZOO_FIXED"])
        cls.directory = tempfile.mkdtemp(prefix="reprise-zoo-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls("record_production").record_production()

    def record_production(self):
        """Records the service with production's traffic, dependencies and luck; the dependencies are gone
        when it returns."""
        cls = type(self)
        with self.dependencies(healthy=False) as words:
            cls.words = list(words)
            recording = harness.Recording(self.directory, [self.service, *words], launcher=self.launcher)
            try:
                answers = self.traffic(_port_of(recording))
                if self.crashes:
                    recording.wait()
                else:
                    recording.wait_until_recorded(len(answers) - self.open_calls).stop()
            finally:
                if recording.process.poll() is None:
                    harness.kill_tree(recording.process)
        cls.archive = recording.archive
        cls.live = Run(answers, cls.archive.stats()["exit"])
        cls.recorded = self.run_of(cls.archive)

    def run_of(self, archive: harness.Archive) -> Run:
        """What an archive has of a run."""
        return Run([Answer.parse(one.number, one.request, one.response) for one in archive.raw()],
                   archive.stats()["exit"])

    def failing(self) -> Answer:
        """The recorded exchange that shows the bug."""
        return next(answer for answer in self.recorded.answers if self.wrong(answer))

    # The steps.

    def test_a_production_had_the_bug(self):
        self.assertTrue(self.has_bug(self.live), "clients did not see it")
        self.assertTrue(self.has_bug(self.recorded), "the archive does not show it")

    def test_b_sending_the_requests_again_does_not_bring_it_back(self):
        tries = [self.has_bug(self._resend()) for _ in range(_RUNS)]
        self.assertLessEqual(sum(tries), _CHANCE, tries)

    def test_c_every_replay_brings_it_back(self):
        replay = self._replay(self.service, runs=_RUNS)
        self.assertEqual(replay.ledger["divergences"], [])
        self.assert_same_each_time(replay, _RUNS)
        self.assertEqual(replay.status, 0, replay.stderr)
        shown = [self.has_bug(self.run_of(archive)) for archive in replay.archives]
        self.assertEqual(shown, [True] * _RUNS)
        self.assertEqual(replay.diff()["differences"], [])

    def test_d_the_exchange_alone_brings_it_back(self):
        failing = self.failing()
        prefix = [] if self.alone else ["--with-prefix"]
        replay = self._replay(self.service, "--only", str(failing.number), *prefix)
        self.assertEqual(replay.status, 0, replay.stderr)
        replayed = self.run_of(replay.archive)
        self.assertEqual(len(replayed.answers), 1 if self.alone else failing.number)
        self.assertEqual(replayed.answers[-1].asked, failing.asked)
        self.assertTrue(self.has_bug(replayed), replayed)

    def test_e_the_fix_changes_what_it_is_meant_to_change(self):
        replay = self._replay(self.fixed)
        compared = replay.diff()
        changed: dict[int, dict[str, tuple[Any, Any]]] = collections.defaultdict(dict)
        for difference in compared["differences"]:
            changed[difference["exchange"]][difference["where"]] = difference["base"], difference["candidate"]
        self.assertEqual(dict(changed), self.intended())
        self.assertEqual(compared["missing"] + compared["extra"], 0)
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)
        self.assertFalse(self.has_bug(self.run_of(replay.archive)))

    # What they are made of.

    def _replay(self, program: str, *options: str, runs: int = 1) -> Replay:
        return Replay(self.root, self.archive, [program, *self.words],
                      ["--schedule", self.schedule, *options], runs)

    def _resend(self) -> Run:
        """The control: a fresh service is sent the recorded requests, whole and on their recorded
        connections, each when the one before is answered."""
        with self.dependencies(healthy=True) as words, \
                ServerProcess([*self.launcher, self.service, *words], ready=_READY) as service, \
                contextlib.ExitStack() as clients:
            answers: list[Answer] = []
            connections: dict[int, Client] = {}
            for exchange in self.archive.raw():
                if exchange.connection not in connections:
                    client = Client(int(service.ready[1]), answers, self.tls)
                    connections[exchange.connection] = clients.enter_context(client)
                connections[exchange.connection].exchange(exchange.request)
            status = service.stop()
        return Run(answers, {"signal": -status} if status < 0 else {"code": status})


def _port_of(recording: harness.Recording) -> int:
    def announced() -> Optional[re.Match]:
        if recording.process.poll() is not None:
            raise AssertionError(f"the recording ended early: {recording.stderr}")
        return re.search(_READY, recording.stdout, re.MULTILINE)
    return int(harness.wait_for(announced, "listening")[1])
