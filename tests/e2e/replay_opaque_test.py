"""Protocols that are not read, in which the server speaks first: recorded and replayed turn by turn."""

import concurrent.futures
import socketserver
import threading
import time
import unittest

from tests.e2e import harness
from tests.e2e.replay_case import ReplayTest

_CLIENTS = 8
_LINES = 6
# The greeting, each line, and QUIT; and the greeting of who looked whether the service listens.
_EXCHANGES = _CLIENTS * (_LINES + 2) + 1
_GREETINGS = _CLIENTS + 1


class _Upstream(socketserver.StreamRequestHandler):

    def handle(self):
        self.wfile.write(f"hello {time.time()}\n".encode())
        for line in self.rfile:
            self.wfile.write(b"up:" + line.strip() + f" at {time.time()}\n".encode())


def _converse(port: int, client: int) -> bytes:
    """What one client is told."""
    told = b""
    with harness.connect(port) as connection, connection.makefile("rwb", buffering=0) as lines:
        told += lines.readline()
        for number in range(_LINES):
            lines.write(f"MAIL {client} {number}\r\n".encode())
            told += lines.readline()
        lines.write(b"QUIT\r\n")
        return told + lines.readline()


class OpaqueReplayTest(ReplayTest):

    def record_conversations(self) -> harness.Recording:
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Upstream) as upstream:
            upstream.daemon_threads = True
            threading.Thread(target=upstream.serve_forever, daemon=True).start()
            recording, port = self.record_python("greeting_service.py",
                                                 str(upstream.server_address[1]))
            with concurrent.futures.ThreadPoolExecutor(_CLIENTS) as pool:
                self.told = list(pool.map(_converse, [port] * _CLIENTS, range(_CLIENTS)))
            recording.wait_until_recorded(_EXCHANGES).stop()
            upstream.shutdown()
        return recording

    def test_conversations_come_out_as_recorded(self):
        recording = self.record_conversations()
        said = b"".join(exchange.response for exchange in recording.archive.raw()).splitlines()
        told = b"".join(self.told).splitlines()
        self.assertLessEqual(set(told), set(said))
        self.assertEqual(len(said), len(told) + 1)
        self.assert_held(self.replay(recording), _EXCHANGES)

    def test_another_greeting_is_told(self):
        """The control: what the service says unasked is compared too."""
        recording = self.record_conversations()
        replay = self.replay(recording, *recording.command, "welcome")
        self.assertEqual(replay.status, 1)
        greetings = [line["exchange"] for line in recording.archive.ls() if line["request_bytes"] == 0]
        self.assertEqual(len(greetings), _GREETINGS)
        self.assertEqual([(d["exchange"], d["kind"]) for d in replay.ledger["divergences"]],
                         [(number, "response") for number in greetings])
        self.assertEqual({difference["exchange"] for difference in replay.diff()["differences"]},
                         set(greetings))


if __name__ == "__main__":
    unittest.main()
