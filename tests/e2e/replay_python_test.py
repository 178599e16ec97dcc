"""http.server calling out with urllib, recorded under concurrent clients and replayed with its upstream
gone."""

import signal
import unittest

from tests.e2e import harness
from tests.e2e.clients import Answer, ask_all
from tests.e2e.replay_case import ReplayTest


class PythonTest(ReplayTest):

    def _record(self, clients: int, requests: int) -> tuple[harness.Recording, int, list[Answer]]:
        server, upstream = self.start_upstream()
        recording, port = self.record_python("calling_server.py", str(upstream))
        answers = ask_all(port, clients, requests)
        recording.wait_until_recorded(len(answers)).stop()
        server.stop()
        for answer in answers:
            self.assertEqual(answer.status, 200)
            self.assertIn(answer.target.encode(), answer.body)
        return recording, port, answers

    def test_http_server_calling_out_with_urllib_replays_without_its_upstream(self):
        recording, port, answers = self._record(clients=16, requests=20)
        replay = self.replay(recording)
        self.assert_held(replay, len(answers))
        self.assertEqual(replay.ledger["exit"], {"signal": signal.SIGTERM})
        by_itself, = self.answers_of(recording.command, port, answers[0].target)
        self.assertEqual(by_itself.status, 502)
        self.assertNotEqual(by_itself.headers["Date"], answers[0].headers["Date"])

    def test_another_build_differs_in_what_was_changed(self):
        recording, _, answers = self._record(clients=4, requests=5)
        service = (harness.SERVICES / "calling_server.py").read_text()
        changed = self.write("changed_server.py", service.replace("upstream said", "upstream says"))
        command = [changed if word.endswith("calling_server.py") else word
                   for word in recording.command]
        replay = self.replay(recording, *command)
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)
        diff = replay.diff()
        self.assertEqual(sorted((d["exchange"], d["where"], d["kind"]) for d in diff["differences"]),
                         [(line["exchange"], "response.body.line[1]", "changed")
                          for line in recording.archive.ls()])
        self.assertEqual(diff["differ"], len(answers))


if __name__ == "__main__":
    unittest.main()
