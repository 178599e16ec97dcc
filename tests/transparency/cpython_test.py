"""usage: cpython_test.py MODULE

One of CPython's own test modules (Debian's libpython3.11-testsuite), recorded and not: each test has the
same result. One that differs is run again by itself, each way, since some of them depend on luck.
"""

import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from typing import Sequence

from tests.e2e import harness

_PATIENCE_S = 600
_AGAIN = 3
# Waits for ever on machines that have the sockets and nobody at their other end.
_LEFT_OUT = "*VSOCK*"
_MODULE = sys.argv.pop(1) if len(sys.argv) > 1 else ""


def _read(report: str) -> dict[str, str]:
    """The result of each test by its full name. One of which a part failed has neither there."""
    results = {}
    for case in ElementTree.parse(report).iterfind(".//testcase[@name]"):
        told = [part.tag for part in case if part.tag in ("error", "failure", "skipped", "output", "outcome")]
        results[case.get("name")] = told[0] if told else "ok"
    return results


class CPythonTest(harness.EndToEndTest):

    def _run(self, recorded: bool, tests: Sequence[str] = ()) -> dict[str, str]:
        """The result of each test by its full name, or of these."""
        report = self.path("report.xml")
        # Not read from what the tests print: threads that outlive their test print as well.
        command = [harness.PYTHON, "-m", "test", "-v", "-i", _LEFT_OUT, "--junit-xml", report]
        for test in tests:
            command += ["-m", test]
        command.append(_MODULE)
        if recorded:
            archive = self.path("cpython.reprise")
            command = [harness.REPRISE, "record", "--overwrite", "-o", archive, "--", *command]
        with tempfile.TemporaryDirectory(prefix="cpython-") as directory:
            done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, errors="replace", timeout=_PATIENCE_S,
                                  env={**os.environ, "HOME": directory, "TMPDIR": directory}, check=False)
        self.assertTrue(os.path.exists(report), (done.stdout + done.stderr)[-3000:])
        results = _read(report)
        os.remove(report)  # The next run may leave none.
        return results

    def test_each_test_has_the_result_that_it_has_without(self):
        without = self._run(False)
        recorded = self._run(True)
        self.assertGreater(len(without), 3)
        differing = {test for test in without.keys() | recorded.keys()
                     if without.get(test) != recorded.get(test)}
        for _ in range(_AGAIN):
            if not differing:
                break
            tests = sorted(differing)
            again, again_recorded = self._run(False, tests), self._run(True, tests)
            differing = {test for test in tests if again.get(test) != again_recorded.get(test)}
        self.assertEqual({test: (without.get(test), recorded.get(test)) for test in differing}, {})


if __name__ == "__main__":
    unittest.main()
