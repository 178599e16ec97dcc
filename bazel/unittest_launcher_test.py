"""Tests that the launcher reports each case, and leaves the outcome of the run alone."""

import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

LAUNCHER = "bazel/unittest_launcher.py"
EVERY_OUTCOME = """
import sibling
import sys
import unittest

class T(unittest.TestCase):
    def test_passes(self): pass
    def test_fails(self): self.fail("a \\x00 control character")
    def test_raises(self): raise KeyError("k")
    @unittest.skip("no \\x1b")
    def test_is_skipped(self): pass
    @unittest.expectedFailure
    def test_fails_as_expected(self): self.fail()
    @unittest.expectedFailure
    def test_passes_unexpectedly(self): pass
    def test_sub_fails(self):
        with self.subTest(i=1): pass
        with self.subTest(i=2): self.fail("two")

class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError("no")
    def test_never_runs(self): pass

if __name__ == "__main__":
    unittest.main()
"""


class UnittestLauncherTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.report = os.path.join(self.directory, "test.xml")
        with open(os.path.join(self.directory, "sibling.py"), "w", encoding="utf-8"):
            pass

    def launch(self, source, *arguments):
        path = os.path.join(self.directory, "sample_test.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        process = subprocess.run(
            [sys.executable, "-B", LAUNCHER, path, *arguments],
            env=dict(os.environ, XML_OUTPUT_FILE=self.report),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        return process

    def outcomes(self):
        cases = ElementTree.parse(self.report).iter("testcase")
        return {case.get("name"): [child.tag for child in case] for case in cases}

    def test_every_case_is_reported_with_its_outcome(self):
        process = self.launch(EVERY_OUTCOME)
        self.assertEqual(process.returncode, 1)
        outcomes = self.outcomes()
        broken_class = [name for name in outcomes if name.startswith("Broken")]
        self.assertEqual(len(broken_class), 1, outcomes)
        self.assertEqual(outcomes.pop(broken_class[0]), ["error"])
        self.assertEqual(
            outcomes,
            {
                "test_passes": [],
                "test_fails": ["failure"],
                "test_raises": ["error"],
                "test_is_skipped": ["skipped"],
                "test_fails_as_expected": [],
                "test_passes_unexpectedly": ["failure"],
                "test_sub_fails": ["failure"],
            },
        )

    def test_arguments_choose_cases(self):
        process = self.launch(EVERY_OUTCOME, "T.test_passes")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertEqual(self.outcomes(), {"test_passes": []})

    def test_a_run_that_ends_early_leaves_no_report_that_says_it_passed(self):
        process = self.launch(
            "import os, unittest\n"
            "class T(unittest.TestCase):\n"
            "    def test_a(self): pass\n"
            "    def test_b(self): os._exit(0)\n"
            "unittest.main()\n"
        )
        self.assertEqual(process.returncode, 0)
        self.assertFalse(os.path.exists(self.report))


if __name__ == "__main__":
    unittest.main()
