"""`--schedule recorded`: exchanges overlap in the replay as they did in production, each time, whatever
the service is made of."""

import os
import signal
import unittest

from examples.checkout import traffic as orders
from examples.checkout.dependencies import Dependencies
from examples.http_clients import drive
from examples.ledger import traffic as accounts
from examples.redis_server import RedisServer
from tests.e2e import harness
from tests.e2e.clients import ask_all
from tests.e2e.replay_case import Replay, ReplayTest

_CHECKOUT = os.path.abspath("examples/checkout/checkout")
_LEDGER = os.path.abspath("examples/ledger/ledger")
_RECORDED = ("--schedule", "recorded", "--repeat", "3")


def _overlaps(archive: harness.Archive) -> set[tuple[str, str]]:
    """Pairs of exchanges, by number, of which the second came while the first one was worked on."""
    lines = [(line["exchange"], line["started_unix_ns"], line["started_unix_ns"] + line["duration_ns"])
             for line in archive.ls()]
    return {(one, other) for one, began, ended in lines for other, came, _ in lines if began < came < ended}


class RecordedScheduleTest(ReplayTest):

    def _assert_overlaps_as_recorded(self, recording: harness.Recording, exchanges: int) -> Replay:
        replay = self.replay(recording, options=_RECORDED)
        self.assert_same_each_time(replay, 3)
        self.assertEqual(replay.ledger["waits"]["expired"], 0)
        self.assert_held(replay, exchanges)
        recorded = _overlaps(recording.archive)
        self.assertGreater(len(recorded), exchanges // 4, "the clients were hardly served at once")
        # An answer ends when the call that sent it returned, which in the recording took as long as the
        # machine liked: what overlapped by that alone comes apart.
        kept = recorded & _overlaps(replay.archive)
        self.assertGreater(len(kept), len(recorded) // 2)
        return replay

    def test_a_pool_of_threads_in_asio(self):
        with Dependencies() as dependencies:
            recording = self.record(_CHECKOUT, *dependencies.service_flags())
            port = int(harness.wait_for(lambda: _port_told(recording), "the port of the service"))
            notes = drive("127.0.0.1", port, [orders.customer(1, client, 10) for client in range(16)])
            self.assertEqual(recording.stop(), 0)
        self._assert_overlaps_as_recorded(recording, sum(map(len, notes)))

    def test_serial_lets_nothing_overlap(self):
        """The control: what makes exchanges overlap is the schedule."""
        recording, exchanges = self._record_ledger("--threading", "thread-per-connection")
        replay = self.replay(recording, options=("--schedule", "serial"))
        self.assert_held(replay, exchanges)
        self.assertLess(len(_overlaps(replay.archive)), len(_overlaps(recording.archive)) // 4)

    def _record_ledger(self, *flags: str) -> tuple[harness.Recording, int]:
        with RedisServer() as redis:
            port = harness.free_port()
            recording = self.record(_LEDGER, "--port", str(port), "--redis-port", str(redis.port), *flags)
            recording.wait_until_listening(port)
            notes = drive("127.0.0.1", port, [accounts.clerk(1, client, 10) for client in range(16)])
            self.assertEqual(recording.stop(), 0)
        return recording, sum(map(len, notes))

    def test_a_pool_of_event_loops_in_libmicrohttpd(self):
        self._assert_overlaps_as_recorded(*self._record_ledger("--threading", "pool"))

    def test_a_thread_a_connection(self):
        self._assert_overlaps_as_recorded(*self._record_ledger("--threading", "thread-per-connection"))

    def _record_nginx(self, workers: int, clients: int, requests: int) -> tuple[harness.Recording, int]:
        server, upstream = self.start_upstream()
        recording, port = self.record_nginx(
            f"location / {{ proxy_pass http://127.0.0.1:{upstream}; }}", workers=workers)
        answers = ask_all(port, clients, requests)
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        server.stop()
        return recording, len(answers)

    def test_an_event_loop_in_nginx(self):
        self._assert_overlaps_as_recorded(*self._record_nginx(workers=1, clients=8, requests=10))

    def test_preforked_workers_in_nginx(self):
        """Each connection is accepted by the worker that had it."""
        recording, exchanges = self._record_nginx(workers=2, clients=64, requests=2)
        replay = self._assert_overlaps_as_recorded(recording, exchanges)
        pairs = {(recorded["process"], replayed["process"])
                 for recorded, replayed in zip(recording.archive.ls(), replay.archive.ls())}
        # Numbers of processes are an archive's own.
        self.assertEqual([len({pair[i] for pair in pairs}) for i in (0, 1)], [2, 2])
        self.assertEqual(len(pairs), 2)

    def test_threads_in_python(self):
        server, upstream = self.start_upstream()
        recording, port = self.record_python("calling_server.py", str(upstream))
        answers = ask_all(port, 8, 4)
        recording.wait_until_recorded(len(answers)).stop()
        server.stop()
        self._assert_overlaps_as_recorded(recording, len(answers))


def _port_told(recording: harness.Recording) -> str:
    return recording.stdout.partition("listening on ")[2].partition("\n")[0]


if __name__ == "__main__":
    unittest.main()
