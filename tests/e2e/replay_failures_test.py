"""Dependencies that failed in production, clients that went away and services that ended badly: the
replay, with nothing to depend on, comes to the same."""

import signal
import socket
import struct
import unittest

from tests.e2e import harness
from tests.e2e.clients import ask
from tests.e2e.replay_case import Replay, ReplayTest

_REFUSED = r"the upstream failed after \d+ s: URLError\(ConnectionRefusedError\(111, .*\)\)\n"
_GET = b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n"


def _bodies_of(archive: harness.Archive) -> list[str]:
    """The bodies of all responses."""
    return [e.response.partition(b"\r\n\r\n")[2].decode() for e in archive.raw()]


class UpstreamTest(ReplayTest):

    def _assert_comes_to_the_same(self, target: str, outcome: str):
        """A call between two that went well fails with the text of the regular expression `outcome`,
        and does so again in the replay, but not without the archive."""
        server, upstream = self.start_upstream()
        recording, port = self.record_python("calling_server.py", str(upstream))
        bodies = [answer.body.decode() for answer in ask(port, "/ask?before", target, "/ask?after")]
        recording.wait_until_recorded(3).stop()
        server.stop()
        self.assertRegex(bodies[1], f"^{outcome}$")
        self.assertRegex(bodies[0] + bodies[2], r"^(upstream said: answer \d+ to /up/ask.*\n){2}$")
        replay = self.replay(recording)
        self.assert_held(replay, 3)
        self.assertEqual(_bodies_of(replay.archive), bodies)
        for answer in self.answers_of(recording.command, port, "/ask?before", target):
            self.assertRegex(answer.body.decode(), f"^{_REFUSED}$")

    def test_a_time_out_of_five_seconds(self):
        self._assert_comes_to_the_same(
            "/slow", r"the upstream failed after 5 s: TimeoutError\('timed out'\)\n")

    def test_a_reset_connection(self):
        self._assert_comes_to_the_same(
            "/reset", r"the upstream failed after \d+ s: ConnectionResetError\(104, .*\)\n")

    def test_a_connection_that_ends_in_the_middle_of_an_answer(self):
        self._assert_comes_to_the_same(
            "/cut", r"the upstream failed after \d+ s: IncompleteRead\(11 bytes read, 89 more expected\)\n")

    def test_a_refused_connection(self):
        port_of_nobody = harness.free_port()
        recording, port = self.record_python("calling_server.py", str(port_of_nobody))
        body = ask(port, "/ask")[0].body.decode()
        recording.wait_until_recorded(1).stop()
        self.assertRegex(body, f"^{_REFUSED}$")
        self.start_upstream(port_of_nobody)  # which the replay must not find
        replay = self.replay(recording)
        self.assert_held(replay, 1)
        self.assertEqual(_bodies_of(replay.archive), [body])
        by_itself, = self.answers_of(recording.command, port, "/ask")
        self.assertEqual(by_itself.status, 200)

    def test_a_connect_that_times_out(self):
        with socket.socket() as listener:
            # One connection fills a queue of length 0, and what comes then is not answered (listen(2)).
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            with socket.create_connection(listener.getsockname()):
                recording, port = self.record_python("calling_server.py", str(listener.getsockname()[1]))
                body = ask(port, "/ask")[0].body.decode()
                recording.wait_until_recorded(1).stop()
        self.assertEqual(body, "the upstream failed after 5 s: URLError(TimeoutError('timed out'))\n")
        replay = self.replay(recording)
        self.assert_held(replay, 1)
        self.assertEqual(_bodies_of(replay.archive), [body])
        by_itself, = self.answers_of(recording.command, port, "/ask")
        self.assertRegex(by_itself.body.decode(), f"^{_REFUSED}$")

    def test_a_time_out_of_five_seconds_in_nginx(self):
        server, upstream = self.start_upstream()
        recording, port = self.record_nginx(
            f"location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_read_timeout 5s; }}")
        statuses = [answer.status for answer in ask(port, "/ask?before", "/slow", "/ask?after")]
        self.assertEqual(statuses, [200, 504, 200])
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        server.stop()
        replay = self.replay(recording)
        self.assert_held(replay, 3)
        self.assertEqual([line["status"] for line in replay.archive.ls()], ["200", "504", "200"])
        self.assertEqual([a.status for a in self.answers_of(recording.command, port, "/slow")], [502])


class ClientTest(ReplayTest):

    def test_one_that_closes_its_half_is_answered(self):
        recording, port = self.record_python("scripted_server.py")
        with harness.connect(port) as client:
            client.sendall(_GET % b"/after-end")
            client.shutdown(socket.SHUT_WR)
            received = harness.read_to_end(client)
        self.assertTrue(received.endswith(b"until the end "), received)
        recording.wait_until_recorded(1).stop()
        replay = self.replay(recording)
        self.assert_held(replay, 1)
        self.assertEqual([e.response for e in replay.archive.raw()], [received])

    def test_one_that_resets_its_connection(self):
        recording, port = self.record_python("scripted_server.py")
        with harness.connect(port) as client:
            client.sendall(_GET % b"/gzip")
            self.assertTrue(harness.read_response(client))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        harness.wait_for(lambda: "ConnectionResetError" in recording.stderr, "a reset connection")
        with harness.connect(port) as client:
            client.sendall(_GET % b"/none")
            self.assertTrue(harness.read_response(client))
        recording.wait_until_recorded(2).stop()
        replay = self.replay(recording)
        self.assert_held(replay, 2)
        self.assertIn("ConnectionResetError", replay.stderr)


class ServiceEndTest(ReplayTest):

    def _record(self, *paths: bytes) -> harness.Recording:
        """scripted_server.py, asked for these one after the other; the last one may be its end."""
        recording, port = self.record_python("scripted_server.py")
        with harness.connect(port) as client:
            for path in paths:
                client.sendall(_GET % path)
                harness.read_response(client)
        return recording

    def _changed(self, recording: harness.Recording, old: str, new: str) -> list[str]:
        """The command of another build of the recorded service."""
        source = (harness.SERVICES / "scripted_server.py").read_text()
        self.assertIn(old, source)
        changed = self.write("changed_server.py", source.replace(old, new))
        return [changed if word.endswith("_server.py") else word for word in recording.command]

    def _assert_ends_otherwise(self, replay: Replay, expected: str):
        self.assertEqual([d["expected"] for d in replay.ledger["divergences"] if d["kind"] == "exit"],
                         [expected])
        self.assertIn("exit", [d["where"] for d in replay.diff()["differences"]])

    def test_a_crash(self):
        recording = self._record(b"/gzip", b"/none", b"/half-segv")
        self.assertEqual(recording.wait(), 128 + signal.SIGSEGV)
        replay = self.replay(recording)
        self.assert_held(replay, 3, incomplete=1)
        self.assertEqual(replay.ledger["exit"], {"signal": signal.SIGSEGV})
        self.assertTrue(replay.archive.raw()[2].response.endswith(b"only a part"))
        mended = self.replay(recording, *self._changed(recording, "ctypes.string_at(0)", "return"))
        self._assert_ends_otherwise(mended, "signal 11 (Segmentation fault)")

    def test_a_signal_that_kills(self):
        recording = self._record(b"/gzip", b"/none")
        recording.wait_until_recorded(2).stop(signal.SIGTERM)
        replay = self.replay(recording)
        self.assert_held(replay, 2)
        self.assertEqual(replay.ledger["exit"], {"signal": signal.SIGTERM})
        leaving = self.replay(recording, *self._changed(
            recording, "def main():", "def main():\n    signal.signal(signal.SIGTERM, lambda *_: os._exit(7))"))
        self._assert_ends_otherwise(leaving, "signal 15 (Terminated)")


if __name__ == "__main__":
    unittest.main()
