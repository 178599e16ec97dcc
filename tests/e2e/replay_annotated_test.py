"""Annotated calls at replay: given back, and every way in which a build may differ from the recorded one
(services/annotated_service.cc)."""

import os
import shutil
import unittest

from tests.e2e import harness
from tests.e2e.replay_case import Replay, ReplayTest

_SERVICE = os.path.abspath("tests/e2e/annotated_service")


class AnnotatedTest(ReplayTest):

    def _record(self, how: str = "calls") -> harness.Recording:
        """Two of the three keys are found; then the store is gone."""
        store = os.path.join(self.root, "store")
        os.makedirs(store)
        for key in ("a", "b", "other-b", "extra"):
            with open(os.path.join(store, key), "w", encoding="utf-8") as file:
                file.write(f"value-{key}")
        recording = self.record(_SERVICE, store, how)
        self.assertEqual(recording.wait(), 0)
        shutil.rmtree(store)
        return recording

    def _replay(self, recording: harness.Recording, how: str, *options: str) -> Replay:
        return self.replay(recording, *recording.command[:2], how, options=options)

    def _kinds(self, replay: Replay) -> list[tuple[int, str]]:
        return [(one["exchange"], one["kind"]) for one in replay.ledger["divergences"]]

    def test_results_and_exceptions_come_from_the_recording(self):
        recording = self._record()
        self.assertIn("looks for c\nc: nothing, no c", recording.stdout)
        replay = self._replay(recording, "calls")
        self.assert_held(replay, 3)
        self.assertEqual(replay.ledger["fidelity"]["exact"], 3)
        self.assertIn("a: value-a\nb: value-b\nc: nothing, no c", replay.stderr)
        self.assertNotIn("looks for", replay.stderr)
        # The control: without a recording the store is asked, and has nothing.
        again = self.record(*recording.command)
        again.wait()
        self.assertIn("looks for a\na: nothing, no a", again.stdout)

    def test_other_arguments_get_the_recorded_outcome_and_are_a_divergence(self):
        replay = self._replay(self._record(), "changed")
        self.assertEqual(replay.ledger["fidelity"],
                         {**replay.ledger["fidelity"], "exact": 2, "substituted": 1, "missed": 0})
        self.assertEqual(self._kinds(replay), [(2, "changed call")])
        self.assertIn("b: value-b", replay.stderr)
        self.assertEqual(replay.status, 4)
        difference, = replay.diff()["differences"]
        self.assertIn("call[0].request.body", str(difference))

    def test_a_call_that_was_not_recorded_throws_or_is_made(self):
        recording = self._record()
        thrown = self._replay(recording, "extra")
        self.assertEqual(thrown.ledger["fidelity"]["missed"], 1)
        self.assertIn((2, "extra call"), self._kinds(thrown))
        self.assertIn("b: value-b and not recorded", thrown.stderr)
        self.assertIn("c: nothing, no c", thrown.stderr)
        made = self._replay(recording, "extra", "--on-miss", "passthrough")
        self.assertEqual(made.ledger["fidelity"]["missed"], 1)
        self.assertIn("looks for extra\nb: value-b and nothing, no extra", made.stderr)
        stopped = self._replay(recording, "extra", "--on-miss", "fail")
        self.assertEqual(stopped.status, 4)
        self.assertNotIn("c: ", stopped.stderr)

    def test_a_call_that_is_made_no_more_is_missing(self):
        replay = self._replay(self._record(), "fewer")
        self.assertIn((2, "missing call"), self._kinds(replay))

    def test_calls_are_missed_by_name_where_the_recording_has_none_at_all(self):
        recording = self._record("none")
        replay = self._replay(recording, "calls")
        self.assertEqual(replay.ledger["fidelity"]["missed"], 3)
        self.assertIn("a: not recorded", replay.stderr)
        made = self._replay(recording, "calls", "--on-miss", "passthrough")
        self.assertIn("looks for a", made.stderr)

    def test_arguments_and_results_of_any_size(self):
        recording = self._record("large")
        self.assertIn("a: 300000 numbers, the last is 8", recording.stdout)
        self.assert_held(self._replay(recording, "large"), 3)


if __name__ == "__main__":
    unittest.main()
