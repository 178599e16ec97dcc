"""Whose work a pool's thread does, when it never touches a client's connection and goes on from one job
to the next without waiting (services/pool_service.cc)."""

import base64
import os
import unittest

from tests.e2e import harness
from tests.e2e.replay_case import ReplayTest

_PLAIN = os.path.abspath("tests/e2e/pool_service")
_TRACKED = os.path.abspath("tests/e2e/pool_service_tracked")
_BATCH = 3


class PoolTest(ReplayTest):

    def _record(self, program: str, mode: str) -> harness.Recording:
        """A batch of requests, all of them read before the first is worked on."""
        port = harness.free_port()
        recording = self.record(program, str(port), str(_BATCH), mode)
        recording.wait_until_listening(port)
        clients = [self.enterContext(harness.connect(port)) for _ in range(_BATCH)]
        for number, client in enumerate(clients):
            client.sendall(f"GET /{number} HTTP/1.1\r\n\r\n".encode())
        for client in clients:
            self.assertIn(b"200 OK", harness.read_response(client))
        recording.wait_until_recorded(_BATCH).stop()
        return recording

    def _calls(self, archive: harness.Archive) -> dict[str, list[str]]:
        """Of each exchange, by its target: the arguments of the calls made for it."""
        calls = {}
        for line in archive.ls():
            shown = archive.show(line["exchange"])
            calls[line["target"]] = [base64.b64decode(call["request"]["body_base64"]).decode().strip()
                                     for call in shown["external_calls"]]
        return calls

    def _assert_followed(self, program: str, mode: str):
        recording = self._record(program, mode)
        followed = {f"/{number}": [f"2 /{number}"] for number in range(_BATCH)}
        self.assertEqual(self._calls(recording.archive), followed)
        self.assertTrue(all(line["draws"] == 1 for line in recording.archive.ls()))
        replay = self.replay(recording)
        self.assert_held(replay, _BATCH)
        self.assertEqual(self._calls(replay.archive), followed)
        self.assertEqual(replay.ledger["fidelity"]["exact"], _BATCH)

    def test_a_carried_job_is_its_requests_work(self):
        self._assert_followed(_PLAIN, "carry")

    def test_what_asio_posts_is_followed_where_the_program_says_so(self):
        self._assert_followed(_TRACKED, "asio")
        # The control: without that nobody knows.
        self._assert_nobodys(_PLAIN, "asio")

    def test_a_job_from_a_queue_is_nobodys_work_and_never_anothers(self):
        self._assert_nobodys(_PLAIN, "queue")

    def _assert_nobodys(self, program: str, mode: str):
        recording = self._record(program, mode)
        self.assertEqual(self._calls(recording.archive), {f"/{number}": [] for number in range(_BATCH)})
        self.assertEqual({line["draws"] for line in recording.archive.ls()}, {0})
        stats = recording.archive.stats()
        self.assertEqual(stats["unattributed"], 2 * _BATCH, stats)


if __name__ == "__main__":
    unittest.main()
