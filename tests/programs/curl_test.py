"""curl as a service's client of HTTPS: libcurl's easy and multi interfaces (OpenSSL), and the program."""

import os
import unittest

from tests.e2e import harness
from tests.e2e.certificates import Certificate
from tests.e2e.clients import Answer, ask_all
from tests.programs.program_case import Program, ProgramTest

_EASY = os.path.abspath("tests/programs/curl_service")
_MULTI = os.path.abspath("tests/programs/curl_multi_service")


class CurlTest(ProgramTest):

    def setUp(self):
        super().setUp()
        self._peer = Certificate(self.root, "upstream.test")

    def _record(self, service: str, *more: str, clients: int = 8,
                requests: int = 10) -> tuple[harness.Recording, int]:
        """The service under load; its upstream is gone afterwards."""
        server, upstream = self.start_upstream(0, self._peer.certificate, self._peer.key)
        port = harness.free_port()
        self._answers: list[Answer] = []

        def traffic(to: int) -> int:
            self._answers = ask_all(to, clients, requests)
            self.assertEqual({answer.status for answer in self._answers}, {200})
            return len(self._answers)
        recording, exchanges = self.record_under_load(
            Program([service, str(port), self._peer.certificate, f"https://127.0.0.1:{upstream}", *more], port,
                    status=143),
            traffic)
        server.stop()
        # The control: without the archive there is no upstream.
        by_itself, = self.answers_of(recording.command, port, self._answers[0].target)
        self.assertEqual(by_itself.status, 502)
        return recording, exchanges

    def _assert_another_call_differs(self, recording: harness.Recording, exchanges: int):
        """The control: a build that asks for something else is answered by nothing."""
        command = list(recording.command)
        command[3] += "/other"
        replay = self.replay(recording, *command)
        self.assertGreater(replay.ledger["fidelity"]["missed"], 0)
        self.assertEqual(replay.diff()["differ"], exchanges)  # each of them

    def test_a_handle_for_each_client(self):
        recording, exchanges = self._record(_EASY)
        self.assert_replays(recording, exchanges)
        self._assert_another_call_differs(recording, exchanges)

    def test_one_loop_for_all_transfers(self):
        recording, exchanges = self._record(_MULTI)
        self.assert_replays(recording, exchanges)
        self._assert_another_call_differs(recording, exchanges)

    def test_the_program_started_for_each_request(self):
        recording, exchanges = self._record(_EASY, "/usr/bin/curl", clients=4, requests=5)
        self.assert_replays(recording, exchanges)
        # It was started for somebody, and so is its call.
        self.assertEqual({line["calls"] for line in recording.archive.ls()}, {1})
        self._assert_another_call_differs(recording, exchanges)


if __name__ == "__main__":
    unittest.main()
