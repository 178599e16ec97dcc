"""Processes that were forked beforehand, each of which listens by itself: who was asked is who is asked."""

import os
import signal
import unittest

from tests.e2e import harness
from tests.e2e.clients import ask
from tests.e2e.replay_case import ReplayTest

_WORKERS = {b"1", b"2"}


class ForkingTest(ReplayTest):

    def record_forking(self) -> tuple[harness.Recording, list[bytes]]:
        """The recording, and who answered."""
        recording, port = self.record_python("forking_server.py")
        said = []
        # The kernel gives a connection to either; a worker that listens late gets its share later.
        harness.wait_for(lambda: said.append(ask(port, "/")[0].body) or set(said) == _WORKERS,
                         "an answer of each worker")
        recording.wait_until_recorded(len(said))
        for worker in harness.children(recording.service_pid()):
            os.kill(worker, signal.SIGTERM)
        recording.stop()
        return recording, said

    def assert_replayed(self, schedule: str):
        recording, said = self.record_forking()
        replay = self.replay(recording, options=("--schedule", schedule, "--repeat", "3"))
        self.assert_held(replay, len(said))
        self.assert_same_each_time(replay, 3)
        # Nobody but the replayer is left to end the workers.
        self.assertEqual(replay.ledger["notes"], [])

    def test_each_worker_has_its_own_clients_one_at_a_time(self):
        self.assert_replayed("serial")

    def test_each_worker_has_its_own_clients_as_recorded(self):
        self.assert_replayed("recorded")

    def test_a_worker_that_answers_for_the_other_differs(self):
        """The control: it is told who answers."""
        recording, _ = self.record_forking()
        service = (harness.SERVICES / "forking_server.py").read_text()
        swapped = self.write("swapped_server.py", service.replace("(1, 2)", "(2, 1)"))
        replay = self.replay(recording, recording.command[0], swapped, *recording.command[2:])
        self.assertEqual(replay.status, 1)
        self.assertEqual({d["kind"] for d in replay.ledger["divergences"]}, {"response"})


if __name__ == "__main__":
    unittest.main()
