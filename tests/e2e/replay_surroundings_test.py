"""What a replayed service finds around it: addresses, the working directory, and how silence passes."""

import json
import os
import unittest
from typing import Optional

from tests.e2e import harness

_SERVICE = os.path.abspath("tests/e2e/counting_service")
_HOUR = 3600


class SurroundingsTest(harness.EndToEndTest):

    def _record(self, *targets: str, cwd: Optional[str] = None) -> harness.Recording:
        """A recording of counting_service with a request for each target."""
        port = harness.free_port()
        recording = self.record(_SERVICE, str(port), self.path("starts"), cwd=cwd)
        recording.wait_until_listening(port)
        for done, target in enumerate(targets, start=1):
            with harness.connect(port) as client:
                client.sendall(f"GET {target} HTTP/1.1\r\n\r\n".encode())
                harness.read_to_end(client)
            recording.wait_until_recorded(done)
        recording.stop()
        return recording

    def _replay(self, recording: harness.Recording, *options: str, status: int,
                more: tuple[str, ...] = ()) -> tuple[dict, str]:
        """The ledger of a replay, and what it said."""
        done = harness.run_reprise("replay", recording.archive.path, "-o", self.path("replay.reprise"),
                                   "--overwrite", "--json", *options, "--", *recording.command, *more,
                                   status=status)
        return json.loads(done.stdout), done.stderr

    def test_addresses_are_the_same_in_every_run(self):
        recording = self._record("/addresses")
        ledger, _ = self._replay(recording, "--repeat", "3", status=1)
        self.assertEqual(ledger["deterministic"]["identical"], 3)
        # The control: they are not those of the recording, which were any.
        divergence, = ledger["divergences"]
        self.assertEqual(divergence["kind"], "response")

    def test_the_service_runs_where_the_recorded_one_did(self):
        os.mkdir(self.path("home"))
        recording = self._record("/where", cwd=self.path("home"))
        _, said = self._replay(recording, status=0)
        self.assertIn(f"the service runs in {self.path('home')}, as the recorded one did", said)
        ledger, said = self._replay(recording, "--directory", ".", status=1)
        divergence, = ledger["divergences"]
        self.assertIn(self.path("home"), divergence["expected"])
        self.assertNotIn(self.path("home"), divergence["actual"])
        self.assertNotIn("as the recorded one did", said)

    def test_a_working_directory_that_is_not_here_is_told(self):
        os.mkdir(self.path("home"))
        recording = self._record("/plain", cwd=self.path("home"))
        os.rmdir(self.path("home"))
        _, said = self._replay(recording, status=0)
        self.assertIn(f"ran in {self.path('home')}, which is not here", said)
        self.assertIn("--directory", harness.run_reprise(
            "replay", recording.archive.path, "--directory", self.path("home"), "--", *recording.command,
            status=2).stderr)

    def test_hours_of_silence_are_skipped(self):
        """A build that sleeps an hour for each of two answers."""
        ledger, _ = self._replay(self._record("/plain", "/plain"), status=0, more=(str(_HOUR),))
        self.assertEqual(ledger["replayed"], 2)
        self.assertGreaterEqual(ledger["silence"]["skipped_s"], 2 * _HOUR)
        self.assertEqual(ledger["silence"]["waited_s"], 0)

    def test_in_real_time_silence_is_waited_for(self):
        recording = self._record("/plain", "/plain")
        first, second = (line["started_unix_ns"] / 1e9 for line in recording.archive.ls())
        ledger, _ = self._replay(recording, "--real-time", status=0)
        self.assertGreaterEqual(ledger["silence"]["waited_s"], second - first)
        self.assertEqual(ledger["silence"]["skipped_s"], 0)
        control, _ = self._replay(recording, status=0)
        self.assertEqual(control["silence"]["waited_s"], 0)
        self.assertGreaterEqual(control["silence"]["skipped_s"], second - first)


if __name__ == "__main__":
    unittest.main()
