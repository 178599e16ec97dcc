"""A service that forbids itself, by seccomp, what the agent would do in it: neither is harmed."""

import os
import signal
import unittest

from tests.e2e import harness
from tests.e2e.clients import ask
from tests.programs.program_case import ProgramTest

_SERVICE = os.path.abspath("tests/programs/sandboxed_service")
# More than the agent's memory for records is cut into.
_SIZES = (10, 200_000, 10, 400_000)
_TOLD = "the service forbids by seccomp system calls that Reprise would make in it"


class SandboxTest(ProgramTest):

    def _record(self, way: str, clients: int) -> tuple[harness.Recording, int]:
        port = harness.free_port()
        recording = self.record(_SERVICE, str(port), way)
        if way == "strict":
            # To look whether it listens would be its only client.
            harness.wait_for(lambda: "ready" in recording.stdout, "listening")
        else:
            recording.wait_until_listening(port)
        for _ in range(clients):
            answers = ask(port, *(f"/{size}" for size in _SIZES))
            self.assertEqual([(answer.status, len(answer.body)) for answer in answers],
                             [(200, size) for size in _SIZES])
        return recording, clients * len(_SIZES)

    def _assert_whole(self, recording: harness.Recording, exchanges: int):
        stats = recording.archive.stats()
        self.assertEqual((stats["gaps"], stats["dropped"]), (0, 0), recording.stderr)
        self.assertEqual(sum(line["complete"] for line in recording.archive.ls()), exchanges)
        self.assert_replays(recording, exchanges)

    def test_what_it_forbids_itself_is_left_out(self):
        for way in ("errno", "kill"):
            with self.subTest(way):
                recording, exchanges = self._record(way, clients=3)
                # It dies of the signal as it would, and not of the agent's handler.
                self.assertEqual(recording.stop(), 128 + signal.SIGTERM, recording.stderr)
                self.assertIn(_TOLD, recording.stderr)
                self._assert_whole(recording, exchanges)

    def test_one_that_may_only_read_and_write_is_not_seen_any_more(self):
        recording, _ = self._record("strict", clients=1)
        self.assertEqual(recording.wait(), 0, recording.stderr)
        self.assertIn(_TOLD, recording.stderr)
        # What was seen before stays: a request that came, and no answer.
        line, = recording.archive.ls()
        self.assertEqual((line["target"], line["complete"]), (f"/{_SIZES[0]}", False))

    def test_the_control_forbids_nothing(self):
        recording, exchanges = self._record("allow", clients=3)
        self.assertEqual(recording.stop(), 128 + signal.SIGTERM)
        self.assertNotIn("seccomp", recording.stderr)
        self._assert_whole(recording, exchanges)


if __name__ == "__main__":
    unittest.main()
