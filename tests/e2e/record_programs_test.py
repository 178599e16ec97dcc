"""Real servers nobody here wrote: exchanges, external calls and whose they are."""

import signal
import subprocess
import unittest

from tests.e2e import harness
from tests.e2e.clients import ask_all


class ProgramsTest(harness.EndToEndTest):

    def _ask_all(self, port: int, clients: int, requests: int) -> list[str]:
        answers = ask_all(port, clients, requests)
        for answer in answers:
            self.assertEqual(answer.status, 200)
            self.assertIn(answer.target.encode(), answer.body)
        return [answer.target for answer in answers]

    def _assert_calls_belong(self, recording: harness.Recording, targets: list[str], upstream: int,
                             path: str = "/ask"):
        """Each exchange made one call to `path`, for its own target."""
        lines = recording.archive.ls()
        self.assertEqual(sorted(line["target"] for line in lines), sorted(targets))
        self.assertTrue(all(line["complete"] for line in lines))
        self.assertEqual({line["calls"] for line in lines}, {1})
        for line in lines:
            shown = recording.archive.show(line["exchange"])
            self.assertEqual(len(shown["external_calls"]), 1)
            call = shown["external_calls"][0]
            self.assertEqual(call["protocol"], "http")
            self.assertTrue(call["peer"].endswith(f":{upstream}"), call["peer"])
            self.assertEqual(call["status"], "200")
            self.assertEqual(call["operation"], "GET " + path)
            self.assertIn(line["target"], str(call))

    def test_nginx_as_a_proxy_gives_each_exchange_its_upstream_call(self):
        _, upstream = self.start_upstream()
        recording, port = self.record_nginx(
            f"location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; "
            'proxy_set_header Connection ""; }')
        targets = self._ask_all(port, clients=16, requests=20)
        recording.stop(signal.SIGQUIT)
        self._assert_calls_belong(recording, targets, upstream)
        self.assertEqual(recording.archive.stats()["unattributed"], 0)

    def test_nginx_with_kept_upstream_connections_gives_each_exchange_its_call(self):
        _, upstream = self.start_upstream()
        conf_upstream = f"http://127.0.0.1:{upstream}"
        recording, port = self.record_nginx(
            f"location / {{ proxy_pass {conf_upstream}; proxy_http_version 1.1; "
            'proxy_set_header Connection ""; gzip on; gzip_min_length 1; gzip_types *; }', workers=2)
        targets = self._ask_all(port, clients=16, requests=20)
        recording.stop(signal.SIGQUIT)
        self._assert_calls_belong(recording, targets, upstream)
        self.assertEqual(recording.archive.stats()["unattributed"], 0)

    def test_http_server_calling_out_with_urllib(self):
        _, upstream = self.start_upstream()
        recording, port = self.record_python("calling_server.py", str(upstream))
        targets = self._ask_all(port, clients=16, requests=10)
        recording.wait_until_recorded(len(targets)).stop()
        self._assert_calls_belong(recording, targets, upstream, path="/up/ask")
        shown = recording.archive.show(1)
        self.assertEqual(shown["external_calls"][0]["peer"], f"localhost:{upstream}")
        self.assertIn("served", str(shown["log"]))

    def test_redis_commands_are_exchanges(self):
        port = harness.free_port()
        recording = self.record("redis-server", "--port", str(port), "--save", "", "--dir", self.root)
        recording.wait_until_listening(port)
        commands = b"".join(b"*3\r\n$3\r\nSET\r\n$5\r\nkey:%d\r\n$3\r\nv%02d\r\n" % (i % 10, i)
                            for i in range(100))
        with harness.connect(port) as client:
            client.sendall(commands)
            self.assertEqual(harness.read_exactly(client, 500), b"+OK\r\n" * 100)
            client.sendall(b"*2\r\n$3\r\nGET\r\n$5\r\nkey:9\r\n*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n")
            self.assertEqual(harness.read_exactly(client, 14), b"$3\r\nv99\r\n$-1\r\n")
        recording.stop()
        lines = recording.archive.ls()
        self.assertEqual([line["method"] for line in lines], ["SET"] * 100 + ["GET"] * 2)
        self.assertTrue(all(line["complete"] for line in lines))
        self.assertEqual(lines[100]["target"], "key:9")
        self.assertEqual(b"".join(e.request for e in recording.archive.raw()[:100]), commands)

    def test_redis_benchmark_loses_nothing(self):
        port = harness.free_port()
        recording = self.record("redis-server", "--port", str(port), "--save", "", "--dir", self.root)
        recording.wait_until_listening(port)
        subprocess.run(["redis-benchmark", "-p", str(port), "-n", "20000", "-P", "16", "-t", "get,set", "-q"],
                       check=True, capture_output=True, timeout=harness.PATIENCE_S)
        recording.stop()
        stats = recording.archive.stats()
        self.assertEqual(stats["gaps"], 0)
        done = [line["method"] for line in recording.archive.ls() if line["complete"]]
        self.assertEqual(done.count("SET"), 20_000)
        self.assertEqual(done.count("GET"), 20_000)


if __name__ == "__main__":
    unittest.main()
