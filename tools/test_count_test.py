"""Tests of what tools/test says in its last line."""

import contextlib
import io
import json
import os
import tempfile
import unittest

from tools import test_count

ONE_OF_TWO_FAILED = """<testsuites tests="2" failures="1"><testsuite name="A">
  <testcase classname="A" name="holds" status="run" result="completed"/>
  <testcase classname="A" name="breaks" status="run"><failure message="x"/></testcase>
</testsuite></testsuites>"""
TWO_PASSED = """<testsuites><testsuite name="A">
  <testcase classname="A" name="a" status="run"/><testcase classname="A" name="b" status="run"/>
</testsuite></testsuites>"""
SKIPPED_AND_DISABLED = """<testsuites><testsuite name="A">
  <testcase name="a" status="run" result="skipped"><skipped message=""/></testcase>
  <testcase name="b" status="notrun" result="suppressed"/>
  <testcase name="c" status="run"/>
</testsuite></testsuites>"""
BAZELS_OWN_FOR_A_CRASH = """<testsuites><testsuite name="t" tests="1" errors="1">
  <testcase name="t" status="run"><error message="exited with error code 134"></error></testcase>
</testsuite></testsuites>"""


class TestCountTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.events = []

    def add(self, label, status, xml, attempt=1, shard=1, run=1, cached=False):
        path = os.path.join(self.directory, f"{len(self.events)} test.xml")
        outputs = []
        if xml is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(xml)
            outputs = [{"name": "test.xml", "uri": "file://" + path.replace(" ", "%20")}]
        identity = {"label": label, "run": run, "shard": shard, "attempt": attempt}
        result = {"status": status, "testActionOutput": outputs, "cachedLocally": cached}
        self.events.append({"id": {"testResult": identity}, "testResult": result})

    def add_summary(self, label, status):
        summary = {"overallStatus": status}
        self.events.append({"id": {"testSummary": {"label": label}}, "testSummary": summary})

    def add_completed(self, label, **completed):
        self.events.append(
            {"id": {"targetCompleted": {"label": label}}, "completed": completed}
        )

    def run_main(self, bazel_status=0):
        path = os.path.join(self.directory, "events")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in self.events)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = test_count.main(path, bazel_status)
        return output.getvalue().splitlines(), status

    def test_cases_are_counted_not_targets(self):
        self.add("//a:t", "PASSED", TWO_PASSED)
        self.add("//b:t", "FAILED", ONE_OF_TWO_FAILED)
        lines, status = self.run_main(3)
        self.assertEqual(lines, ["failed: //b:t A.breaks", "3 passed, 1 failed"])
        self.assertEqual(status, 3)

    def test_a_cached_result_counts_as_much_as_a_fresh_one(self):
        self.add("//a:t", "PASSED", TWO_PASSED, cached=True)
        self.assertEqual(self.run_main(), (["2 passed, 0 failed"], 0))

    def test_skipped_and_disabled_cases_are_neither(self):
        self.add("//a:t", "PASSED", SKIPPED_AND_DISABLED)
        lines, _ = self.run_main()
        self.assertEqual(lines, ["skipped or disabled: 2", "1 passed, 0 failed"])

    def test_a_failure_after_the_last_case_is_a_failed_case(self):
        self.add("//a:t", "FAILED", TWO_PASSED)
        lines, _ = self.run_main(3)
        self.assertEqual(lines, ["failed: //a:t (failed)", "2 passed, 1 failed"])

    def test_a_crash_is_one_failed_case(self):
        self.add("//a:t", "FAILED", BAZELS_OWN_FOR_A_CRASH)
        self.assertEqual(self.run_main(3)[0][-1], "0 passed, 1 failed")

    def test_a_truncated_report_is_one_case_of_the_test_s_outcome(self):
        self.add("//a:t", "TIMEOUT", TWO_PASSED[:60])
        self.add("//b:t", "PASSED", None)
        lines, _ = self.run_main(3)
        self.assertEqual(lines, ["failed: //a:t (timeout)", "1 passed, 1 failed"])

    def test_a_failed_case_of_a_passed_test_makes_the_run_fail(self):
        self.add("//a:t", "PASSED", ONE_OF_TWO_FAILED)
        lines, status = self.run_main()
        self.assertEqual((lines[-1], status), ("1 passed, 1 failed", 1))

    def test_the_last_attempt_decides_and_shards_and_runs_add_up(self):
        self.add("//a:t", "FAILED", ONE_OF_TWO_FAILED, attempt=1)
        self.add("//a:t", "PASSED", TWO_PASSED, attempt=2)
        self.add("//a:t", "PASSED", TWO_PASSED, shard=2)
        self.add("//a:t", "PASSED", TWO_PASSED, run=2)
        self.assertEqual(self.run_main(), (["6 passed, 0 failed"], 0))

    def test_a_test_that_was_not_built_is_one_failed_case(self):
        self.add_completed("//a:t", success=False)
        self.add_summary("//a:t", "FAILED_TO_BUILD")
        self.add_completed("//a:ok", success=True)
        lines, _ = self.run_main(1)
        self.assertEqual(lines, ["failed: //a:t (not built)", "0 passed, 1 failed"])

    def test_a_test_that_was_not_run_is_one_failed_case(self):
        self.add_summary("//a:t", "NO_STATUS")
        lines, _ = self.run_main(1)
        self.assertEqual(lines, ["failed: //a:t (no status)", "0 passed, 1 failed"])

    def test_a_target_that_was_not_analyzed_is_one_failed_case(self):
        self.events.append(
            {
                "id": {"targetCompleted": {"label": "//a:b"}},
                "aborted": {"reason": "ANALYSIS_FAILURE"},
            }
        )
        self.events.append(
            {"id": {"configuredLabel": {"label": "//a:b"}}, "aborted": {"reason": "ANALYSIS_FAILURE"}}
        )
        self.assertEqual(self.run_main(1)[0][-1], "0 passed, 1 failed")

    def test_a_pattern_that_names_nothing_is_one_failed_case(self):
        self.events.append(
            {"id": {"pattern": {"pattern": ["//no/such/..."]}}, "aborted": {"reason": "LOADING_FAILURE"}}
        )
        self.assertEqual(
            self.run_main(1)[0], ["failed: //no/such/... (no such target)", "0 passed, 1 failed"]
        )

    def test_bazel_failing_for_any_other_reason_is_one_failed_case(self):
        self.add("//a:t", "PASSED", TWO_PASSED)
        self.assertEqual(
            self.run_main(37), (["failed: bazel (exit code 37)", "2 passed, 1 failed"], 37)
        )

    def test_no_tests_are_not_a_failed_case_but_an_error(self):
        self.assertEqual(self.run_main(4), (["0 passed, 0 failed"], 4))


if __name__ == "__main__":
    unittest.main()
