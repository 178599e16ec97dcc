"""`reprise replay --repeat`: a service that knows how often it was started, which no recording tells it,
differs from run to run where it uses that, and nowhere else."""

import json
import os
import pathlib
import re
import subprocess
import unittest

from tests.e2e import harness

_SERVICE = os.path.abspath("tests/e2e/counting_service")


class RepeatTest(harness.EndToEndTest):

    def _record(self, *targets: str) -> harness.Recording:
        """A recording of counting_service with a request for each target."""
        port = harness.free_port()
        recording = self.record(_SERVICE, str(port), self.path("starts")).wait_until_listening(port)
        for target in targets:
            with harness.connect(port) as client:
                client.sendall(f"GET {target} HTTP/1.1\r\n\r\n".encode())
                harness.read_to_end(client)
        recording.wait_until_recorded(len(targets)).stop()
        return recording

    def _starts(self) -> int:
        return int(pathlib.Path(self.path("starts")).read_text())

    def _repeat(self, recording: harness.Recording, *options: str,
                status: int) -> subprocess.CompletedProcess:
        """A replay, whose temporary files are in `temporary`."""
        os.makedirs(self.path("temporary"), exist_ok=True)
        return harness.run_reprise(
            "replay", recording.archive.path, *options, "--", *recording.command, status=status,
            env={**os.environ, "TMPDIR": self.path("temporary")})

    def _ledger(self, recording: harness.Recording, *options: str, status: int) -> dict:
        return json.loads(self._repeat(recording, "--json", *options, status=status).stdout)

    def _temporary(self) -> list[str]:
        return sorted(str(path) for path in pathlib.Path(self.path("temporary")).glob("*.reprise"))

    def test_runs_that_are_the_same_are_deterministic(self):
        recording = self._record("/plain", "/else")
        done = self._repeat(recording, "--repeat", "3", status=0)
        self.assertEqual(done.stdout.splitlines()[-1], "deterministic: 3 of 3")
        self.assertEqual(self._starts(), 1 + 3)
        kept, = self._temporary()
        self.assertIn(f"the replay is in {kept}\n", done.stderr)
        self.assertEqual(len(harness.Archive(kept).ls()), 2)

    def test_an_answer_that_differs_is_named_with_its_exchange(self):
        recording = self._record("/plain", "/count", "/count")
        done = self._repeat(recording, "--repeat", "3", status=1)
        connection = [exchange.connection for exchange in recording.archive.raw()][1]
        found = re.search(
            r"^deterministic: 1 of 3\n"
            r"  runs 2, 3 differ from run 1: in exchanges 2, 3; 1 of 3 exchanges were the same in all runs\n"
            rf"  runs 1 and 2 differ first in exchange 2 \(exchange 1 of connection {connection}\), fact \d+\n"
            r"  run 1: sent to the client \(\d+ bytes, from byte \d+ `.*started 2 times`\)\n"
            r"    made by: not known\n"
            r"  run 2: sent to the client \(\d+ bytes, from byte \d+ `.*started 3 times`\)\n"
            r"    made by: not known\n\Z", done.stdout, re.MULTILINE)
        self.assertIsNotNone(found, done.stdout)
        first, second = self._temporary()
        self.assertIn(f"a replay is in {first}\n", done.stderr)
        self.assertIn(f"a replay is in {second}\n", done.stderr)
        self.assertTrue(done.stderr.endswith(f"next: reprise diff {second} {first}\n") or
                        done.stderr.endswith(f"next: reprise diff {first} {second}\n"), done.stderr)

    def test_a_log_line_alone_makes_a_replay_differ(self):
        recording = self._record("/log")
        ledger = self._ledger(recording, "--repeat", "2", status=1)
        self.assertEqual(ledger["divergences"], [])
        self.assertEqual((ledger["deterministic"]["runs"], ledger["deterministic"]["identical"]), (2, 1))
        difference = ledger["deterministic"]["first_difference"]
        self.assertEqual(difference["which"], "log line 1")
        self.assertEqual(difference["one"], {"run": 1, "fact": "stdout: started 2 times", "code": None})
        self.assertEqual(difference["other"], {"run": 2, "fact": "stdout: started 3 times", "code": None})

    def test_what_the_service_prints_is_shown_once(self):
        recording = self._record("/log")
        done = self._repeat(recording, "--repeat", "3", status=1)
        printed = re.compile(r"^started (\d) times$", re.MULTILINE)
        self.assertEqual(printed.findall(done.stdout), ["2"])
        # It is known of the others all the same.
        self.assertIn("  runs 2, 3 differ from run 1: ", done.stdout)
        # The control: a run alone prints it, too.
        self.assertEqual(printed.findall(self._repeat(recording, status=0).stdout), ["5"])

    def test_a_draw_that_differs_names_the_code_that_made_it(self):
        recording = self._record("/plain", "/draw")
        difference = self._ledger(recording, "--repeat", "2", status=1)["deterministic"]["first_difference"]
        self.assertEqual(difference["exchange"], 2)
        self.assertIn("sent to the client", difference["one"]["fact"])
        self.assertIn("random getrandom", difference["other"]["fact"])
        self.assertRegex(difference["other"]["code"],
                         r"^counting_service\+0x[0-9a-f]+, in .*draw_token\(\) at .*counting_service\.cc:\d+")

    def test_one_exchange_alone_is_compared_too(self):
        recording = self._record("/plain", "/count", "/plain")
        for options, status, identical in ((["--only", "1"], 0, 2), (["--only", "3"], 0, 2),
                                           (["--only", "3", "--with-prefix"], 1, 1)):
            ledger = self._ledger(recording, "--repeat", "2", *options, status=status)
            self.assertEqual(ledger["deterministic"]["identical"], identical)

    def test_a_single_run_says_so(self):
        ledger = self._ledger(self._record("/count"), status=1)
        self.assertEqual(ledger["deterministic"]["runs"], 1)
        self.assertIsNone(ledger["deterministic"]["first_difference"])
        self.assertEqual(ledger["waits"], {"bounded": 0, "expired": 0})

    def test_named_archives_stay_all_of_them(self):
        recording = self._record("/plain", "/count")
        self._repeat(recording, "--repeat", "3", "-o", self.path("again.reprise"), status=1)
        for name, starts in (("again", 2), ("again-2", 3), ("again-3", 4)):
            answers = harness.Archive(self.path(f"{name}.reprise")).raw()
            self.assertIn(f"started {starts} times".encode(), answers[1].response)

    def test_an_archive_in_the_way_of_a_later_run_is_refused_before_the_first(self):
        recording = self._record("/plain")
        taken = self.write("again-2.reprise", "mine\n")
        options = ("--repeat", "2", "-o", self.path("again.reprise"))
        self.assertIn("again-2.reprise", self._repeat(recording, *options, status=2).stderr)
        self.assertEqual(pathlib.Path(taken).read_text(), "mine\n")
        self.assertEqual(self._starts(), 1)
        self._repeat(recording, *options, "--overwrite", status=0)

    def test_no_runs_at_all_is_refused(self):
        self.assertIn("--repeat", self._repeat(self._record("/plain"), "--repeat", "0", status=2).stderr)


if __name__ == "__main__":
    unittest.main()
