"""Names of temporary files that the C library chooses."""

import pathlib
import unittest

from tests.e2e.clients import ask, ask_all
from tests.e2e.replay_case import ReplayTest


class TemporaryTest(ReplayTest):

    def test_files_and_directories_have_their_recorded_names(self):
        recording, port = self.record_python("temporary_service.py", self.root)
        answers = ask_all(port, clients=4, requests=5)
        self.assertEqual(len({answer.body for answer in answers}), len(answers))
        recording.stop()
        for schedule in ("serial", "recorded"):
            self.assert_held(self.replay(recording, options=["--schedule", schedule]), len(answers))

    def test_a_name_that_is_taken_is_left_alone(self):
        recording, port = self.record_python("temporary_service.py", self.root)
        answer, = ask(port, "/keep")
        recording.stop()
        kept = pathlib.Path(answer.body.split()[0].decode())
        kept.write_text("somebody's")
        replay = self.replay(recording)
        self.assertEqual(kept.read_text(), "somebody's")
        self.assertEqual(replay.ledger["coverage"]["leaks"], {})
        difference, = replay.diff()["differences"]
        self.assertEqual(difference["where"], "response.body.line[1]")
        # The control: it is as recorded where it is free.
        for file in pathlib.Path(self.root).glob("file-*"):
            file.unlink()
        self.assert_held(self.replay(recording), 1)


if __name__ == "__main__":
    unittest.main()
