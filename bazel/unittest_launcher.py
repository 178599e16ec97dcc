"""Runs a unittest file as its own main program, and reports every case in Bazel's test.xml.

usage: unittest_launcher.py TEST_FILE [ARGUMENT OF unittest]...

Python's unittest writes no report, and Bazel counts a test without one as a single case. The report
goes to the file that XML_OUTPUT_FILE names, when the last case is over; a test that ends earlier has
none, and Bazel writes one that says so. Paths are relative to the working directory.
"""

import os
import re
import runpy
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

# What XML 1.0 cannot carry, escaped or not.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ReportingResult(unittest.TextTestResult):
    """The usual result on the terminal, and a report of all cases at the end."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._suite = ElementTree.Element("testsuite", name="unittest")
        self._cases = {}  # id of a case -> its element
        self._started = {}  # id of a case -> seconds on the monotonic clock

    def _case(self, test):
        identity = test.id()
        if identity not in self._cases:
            classname, _, name = identity.rpartition(".")
            self._cases[identity] = ElementTree.SubElement(
                self._suite, "testcase", classname=classname, name=name, status="run"
            )
        return self._cases[identity]

    def _fail(self, test, kind, message):
        failure = ElementTree.SubElement(self._case(test), kind)
        failure.text = NOT_XML.sub("\ufffd", message)

    def startTest(self, test):
        super().startTest(test)
        self._case(test)
        self._started[test.id()] = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        seconds = time.monotonic() - self._started[test.id()]
        self._case(test).set("time", f"{seconds:.3f}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, "failure", self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, "error", self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._fail(test, "failure", f"{subtest}: {err[1]!r}")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._fail(test, "failure", "passed although it is marked as an expected failure")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        ElementTree.SubElement(self._case(test), "skipped", message=NOT_XML.sub("\ufffd", reason))

    def stopTestRun(self):
        super().stopTestRun()
        path = os.environ.get("XML_OUTPUT_FILE")
        if path:
            suites = ElementTree.Element("testsuites")
            suites.append(self._suite)
            ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def main():
    test_file = sys.argv[1]
    unittest.TextTestRunner.resultclass = ReportingResult
    # As if Python had been started with the file.
    sys.argv = sys.argv[1:]
    sys.path[0] = os.path.dirname(os.path.abspath(test_file))
    runpy.run_path(test_file, run_name="__main__")


if __name__ == "__main__":
    main()
