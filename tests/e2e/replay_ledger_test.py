"""hiredis behind libmicrohttpd (examples/ledger), recorded under concurrent clients with a real Redis
and replayed without it."""

import os
import unittest

from examples.http_clients import drive
from examples.ledger import traffic
from examples.redis_server import RedisServer
from tests.e2e import harness
from tests.e2e.replay_case import ReplayTest

_LEDGER = os.path.abspath("examples/ledger/ledger")


class LedgerTest(ReplayTest):

    def _assert_replays(self, *flags: str):
        """Sixteen clerks keep accounts; the replay serves them the same, and without the archive nobody
        is served."""
        with RedisServer() as redis:
            port = harness.free_port()
            recording = self.record(_LEDGER, "--port", str(port), "--redis-port", str(redis.port),
                                    *flags)
            recording.wait_until_listening(port)
            notes = drive("127.0.0.1", port, [traffic.clerk(1, client, 10) for client in range(16)])
            self.assertEqual(recording.stop(), 0)
        answers = [answer for received in notes for answer in received]
        self.assertEqual({answer.error for answer in answers}, {None})
        replay = self.replay(recording)
        self.assert_held(replay, len(answers))
        self.assertEqual(replay.ledger["exit"], {"code": 0})
        by_itself, = self.answers_of(recording.command, port, "/accounts/a-1")
        self.assertEqual(by_itself.status, 503)

    def test_a_pool_of_threads_replays_without_its_redis(self):
        self._assert_replays("--threading", "pool")

    def test_a_thread_a_connection_replays_without_its_redis(self):
        self._assert_replays("--threading", "thread-per-connection", "--resp3")


if __name__ == "__main__":
    unittest.main()
