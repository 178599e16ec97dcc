"""An hour's worth of requests, in as short a time as it takes: kept connections, connections for one request,
workers that are replaced. Memory stays flat, no descriptor is left over, and the archive is whole."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import unittest

from tests.e2e import harness

# What a service at 300 requests a second gets in an hour.
_REQUESTS = int(os.environ.get("REPRISE_SOAK_REQUESTS", "1080000"))
_ROUNDS = 12  # in each of which the workers are replaced
_CHURNING = 4  # clients that open a connection for each request
_SERVER = 'location / { return 200 "you asked for $request_uri\\n"; }'
_SLACK_BYTES = 16 << 20
_DERIVED_WITHIN_S = 600


def _resident(pid: int) -> int:
    """Bytes of memory that are the process's own."""
    fields = dict(line.split(":", 1) for line in
                  pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def _descriptors(pid: int) -> int:
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


class Churn(threading.Thread):
    """Asks for one thing on each connection, so many times."""

    def __init__(self, port: int, requests: int):
        super().__init__(daemon=True)
        self.answered = 0
        self._port, self._requests = port, requests

    def run(self):
        for number in range(self._requests):
            with harness.connect(self._port) as client:
                client.sendall(b"GET /churn/%d HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n" % number)
                if harness.read_to_end(client).startswith(b"HTTP/1.1 200"):
                    self.answered += 1


class SoakTest(harness.EndToEndTest):

    def _round(self, port: int, requests: int) -> int:
        """Asks about `requests` things; how many were answered."""
        churn = [Churn(port, requests // 40 // _CHURNING) for _ in range(_CHURNING)]
        for client in churn:
            client.start()
        answered = 0
        while answered < requests:
            done = subprocess.run(["wrk", "-t1", "-c16", "-d3s", f"http://127.0.0.1:{port}/"], check=True,
                                  capture_output=True, text=True).stdout
            self.assertNotIn("Non-2xx", done)
            answered += int(done.split(" requests in")[0].rsplit(None, 1)[-1])
        for client in churn:
            client.join()
        return answered + sum(client.answered for client in churn)

    def _replace_workers(self, master: int):
        before = set(harness.children(master))
        os.kill(master, signal.SIGHUP)
        harness.wait_for(lambda: len(set(harness.children(master)) - before) == 2 and
                         not before & set(harness.children(master)), "new workers")

    def test_an_hours_worth_of_requests(self):
        recording, port = self.record_nginx(_SERVER, workers=2, options=["--lossless"])
        master, recorder = recording.service_pid(), recording.process.pid
        answered = self._round(port, _REQUESTS // _ROUNDS)
        memory = {"recorder": _resident(recorder), "service": _resident(master)}
        descriptors = {"recorder": _descriptors(recorder), "service": _descriptors(master)}
        workers = max(_resident(worker) for worker in harness.children(master))
        for _ in range(_ROUNDS - 1):
            self._replace_workers(master)
            answered += self._round(port, _REQUESTS // _ROUNDS)
        self.assertLess(_resident(recorder) - memory["recorder"], _SLACK_BYTES)
        self.assertLess(_resident(master) - memory["service"], _SLACK_BYTES)
        self.assertLess(max(_resident(worker) for worker in harness.children(master)) - workers, _SLACK_BYTES)
        self.assertLessEqual(_descriptors(recorder), descriptors["recorder"] + 4)  # of the workers it watches
        self.assertEqual(_descriptors(master), descriptors["service"])
        self.assertEqual(recording.stop(), 0)
        # A million exchanges are worked out, by a program that is not optimised.
        said = subprocess.run([harness.REPRISE, "stats", recording.archive.path, "--json"], check=True,
                              capture_output=True, text=True, timeout=_DERIVED_WITHIN_S).stdout
        stats = json.loads(said)
        self.assertEqual(stats["dropped"], 0)
        # wrk hangs up with requests under way at the end of each of its runs.
        self.assertGreaterEqual(stats["exchanges"], answered)
        self.assertLessEqual(stats["exchanges"], answered + 16 * (answered // 1000 + _ROUNDS))
        subprocess.run([harness.REPRISE, "verify", recording.archive.path], check=True, capture_output=True,
                       timeout=_DERIVED_WITHIN_S)


if __name__ == "__main__":
    unittest.main()
