"""Counts the test cases of one `bazel test` from its build event file.

usage: test_count.py EVENTS BAZEL_STATUS

The events name the test.xml of every test of this invocation, also of those whose result was
cached. What they say is counted; what is not there has not passed:

  - a test that failed without a failed case in its test.xml (it crashed, or leaked after its last
    case) is one failed case, and so is a test that was not built or not run;
  - so is every other target that was not built, and whatever else made Bazel fail;
  - a test without a readable test.xml is one case;
  - skipped and disabled cases are neither passed nor failed, and are named apart.

The last line on stdout is `N passed, N failed`. Exit code: BAZEL_STATUS unless that is 0 although
something failed, then 1.
"""

import dataclasses
import json
import sys
import urllib.parse
import xml.etree.ElementTree

PASSING = ("PASSED", "FLAKY")
NO_TESTS_FOUND = 4  # Bazel's exit code


@dataclasses.dataclass
class Count:
    """Test cases by outcome. `failures` names the failed ones."""

    passed: int = 0
    failures: list = dataclasses.field(default_factory=list)
    skipped: int = 0


def count_cases(path, label, status, count):
    """Adds the cases of one test.xml to `count`; `status` is what Bazel says of the test."""
    try:
        cases = list(xml.etree.ElementTree.parse(path).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError):
        cases = None
    failed_before = len(count.failures)
    for case in cases or []:
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        if case.find("failure") is not None or case.find("error") is not None:
            count.failures.append(f"{label} {name}")
        elif case.find("skipped") is not None or "notrun" in (case.get("status"), case.get("result")):
            count.skipped += 1
        else:
            count.passed += 1
    if status not in PASSING and len(count.failures) == failed_before:
        count.failures.append(f"{label} ({status.lower()})")
    elif cases is None:
        count.passed += 1


def xml_path(result):
    """The path of a test result's test.xml, "" when it has none here."""
    for output in result.get("testActionOutput", []):
        uri = urllib.parse.urlparse(output.get("uri", ""))
        if output.get("name") == "test.xml" and uri.scheme == "file":
            return urllib.parse.unquote(uri.path)
    return ""


def count_events(lines):
    """Counts the cases in the events of one invocation."""
    results = {}  # (label, run, shard) -> result of the last attempt
    statuses = {}  # label -> overall status of a test
    broken = {}  # label or pattern -> why it is not built
    for line in lines:
        event = json.loads(line)
        identity = event["id"]
        if "testResult" in event:
            test = identity["testResult"]
            results[(test["label"], test.get("run"), test.get("shard"))] = event["testResult"]
        elif "testSummary" in event:
            statuses[identity["testSummary"]["label"]] = event["testSummary"]["overallStatus"]
        elif "targetCompleted" in identity and "completed" in event:
            if not event["completed"].get("success"):
                broken[identity["targetCompleted"]["label"]] = "not built"
        elif "aborted" in event and event["aborted"].get("reason") != "SKIPPED":
            for kind in ("targetCompleted", "configuredLabel", "unconfiguredLabel"):
                if kind in identity:
                    broken[identity[kind]["label"]] = "not built"
            for pattern in identity.get("pattern", {}).get("pattern", []):
                broken[pattern] = "no such target"

    count = Count()
    for (label, _, _), result in sorted(results.items(), key=lambda item: str(item[0])):
        count_cases(xml_path(result), label, result["status"], count)
    tested = {label for label, _, _ in results}
    for label, status in statuses.items():
        if label not in tested:
            broken.setdefault(label, status.lower().replace("_", " "))
    count.failures += [f"{label} ({why})" for label, why in broken.items() if label not in tested]
    return count


def main(events_path, bazel_status):
    with open(events_path, encoding="utf-8") as events:
        count = count_events(events)
    if bazel_status not in (0, NO_TESTS_FOUND) and not count.failures:
        count.failures.append(f"bazel (exit code {bazel_status})")
    for failure in count.failures:
        print(f"failed: {failure}")
    if count.skipped:
        print(f"skipped or disabled: {count.skipped}")
    print(f"{count.passed} passed, {len(count.failures)} failed")
    return bazel_status or (1 if count.failures else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
