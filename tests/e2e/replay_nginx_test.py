"""nginx as a proxy, recorded under concurrent clients and replayed with its upstream gone."""

import gzip
import signal
import unittest

from tests.e2e import harness
from tests.e2e.clients import Answer, ask_all
from tests.e2e.replay_case import ReplayTest


class NginxTest(ReplayTest):

    def _conf(self, upstream: int, more: str = "") -> dict[str, str]:
        """The inside of a proxy's configuration that keeps connections and compresses."""
        return {
            "http": f"upstream up {{ server 127.0.0.1:{upstream}; keepalive 8; }}",
            "server": 'location / { proxy_pass http://up; proxy_http_version 1.1; '
                      'proxy_set_header Connection ""; gzip on; gzip_min_length 1; gzip_types *; '
                      f"gzip_proxied any; {more} }}"}

    def _record(self, clients: int, requests: int) -> tuple[harness.Recording, int, int, list[Answer]]:
        """A recording of a proxy whose upstream has gone; the ports of both, and the answers."""
        server, upstream = self.start_upstream()
        recording, port = self.record_nginx(**self._conf(upstream))
        answers = ask_all(port, clients, requests, headers={"Accept-Encoding": "gzip"})
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        server.stop()
        for answer in answers:
            self.assertEqual(answer.status, 200)
            self.assertIn(answer.target.encode(), gzip.decompress(answer.body))
        return recording, port, upstream, answers

    def test_a_proxy_replays_without_its_upstream(self):
        recording, port, upstream, answers = self._record(clients=16, requests=20)
        self.assertFalse(harness.accepts(upstream))
        replay = self.replay(recording)
        self.assert_held(replay, len(answers))
        self.assertEqual(replay.ledger["exit"], {"code": 0})
        by_itself, = self.answers_of(recording.command, port, answers[0].target)
        self.assertEqual(by_itself.status, 502)
        self.assertNotEqual(by_itself.headers["Date"], answers[0].headers["Date"])

    def test_another_configuration_differs_in_what_was_changed(self):
        recording, port, upstream, answers = self._record(clients=4, requests=5)
        command, _ = self.nginx(port=port, **self._conf(
            upstream, more='if ($args = "3.4") { add_header X-Build changed; }'))
        replay = self.replay(recording, *command)
        changed, = (line["exchange"] for line in recording.archive.ls()
                    if line["target"] == "/ask?3.4")
        self.assertEqual([(d["exchange"], d["kind"]) for d in replay.ledger["divergences"]],
                         [(changed, "response")])
        diff = replay.diff()
        self.assertEqual(diff["same"], len(answers) - 1)
        self.assertEqual([(d["exchange"], d["where"], d["kind"]) for d in diff["differences"]],
                         [(changed, "response.header.X-Build", "extra")])

    def test_a_configuration_that_is_another_one_here_is_told(self):
        recording, _, _, answers = self._record(clients=1, requests=2)
        conf = recording.command[-1]
        replay = self.replay(recording)
        self.assert_held(replay, len(answers))
        self.assertEqual(replay.ledger["files"], [])
        self.assertNotIn(conf, replay.stderr)
        with open(conf, "r+b") as file:
            text = file.read()
            file.seek(0)
            file.write(b"\t" + text[1:])
        self.assertEqual(text[:1], b"\n")
        changed = self.replay(recording)
        self.assert_held(changed, len(answers))
        different, = changed.ledger["files"]
        self.assertEqual(different["path"], conf)
        self.assertEqual(different["recorded"]["size"], different["here"]["size"])
        self.assertNotEqual(different["recorded"]["xxh3"], different["here"]["xxh3"])
        self.assertIn(f"{conf}: other content than the recorded service read", changed.stderr)

    def test_an_upstream_nobody_recorded_is_missed(self):
        recording, port, _, answers = self._record(clients=4, requests=5)
        command, _ = self.nginx(port=port, **self._conf(harness.free_port()))
        replay = self.replay(recording, *command)
        self.assertEqual(replay.ledger["fidelity"]["exact"], 0)
        diff = replay.diff()
        self.assertEqual(diff["differ"], len(answers))
        self.assertIn("502", {d["candidate"] for d in diff["differences"]
                              if d["where"] == "response.status"})


if __name__ == "__main__":
    unittest.main()
