"""A request that comes in parts, and what the same thread does for others meanwhile.

The service's only thread reads the head of a request, and until the body is there it works for another client,
in the middle of which it waits. That work is the other client's, whole.
"""

import contextlib
import json
import unittest

from tests.e2e import harness
from tests.e2e.replay_case import ReplayTest

_BODY = b"seven"


def _head(target: str) -> bytes:
    return f"POST {target} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(_BODY)}\r\n\r\n".encode()


class PartsReplayTest(ReplayTest):

    def record_two(self, in_parts: bool) -> harness.Recording:
        """One client asks, and another one whose head is read before that if `in_parts`."""
        server, upstream = self.start_upstream()
        recording, port = self.record_python("polling_server.py", str(upstream))
        with contextlib.ExitStack() as stack:
            slow, quick = (stack.enter_context(harness.connect(port)) for _ in range(2))
            # The upstream's connection is there, and is kept.
            for client in (slow, quick):
                client.sendall(_head("/first") + _BODY)
                self.assertIn(b"to /first", harness.read_response(client))
            if in_parts:
                slow.sendall(_head("/slow-client"))
            # The loop has its events in their order: when this is answered, that head was read.
            quick.sendall(_head("/quick-client") + _BODY)
            self.assertIn(b"to /quick-client", harness.read_response(quick))
            slow.sendall(_BODY if in_parts else _head("/slow-client") + _BODY)
            self.assertIn(b"to /slow-client", harness.read_response(slow))
        recording.wait_until_recorded(4).stop()
        server.stop()
        return recording

    def assert_each_has_its_work(self, recording: harness.Recording):
        for line in recording.archive.ls():
            shown = json.loads(harness.run_reprise("show", recording.archive.path, str(line["exchange"]),
                                                   "--json").stdout)
            self.assertEqual([call["target"] for call in shown["external_calls"]], [line["target"]])
            self.assertGreaterEqual(shown["draw_sources"]["clock"]["realtime"], 1)
        self.assert_held(self.replay(recording), 4)

    def test_work_for_another_meanwhile_is_the_others(self):
        self.assert_each_has_its_work(self.record_two(in_parts=True))

    def test_the_same_without_parts(self):
        """The control: what is asked holds for requests that come whole."""
        self.assert_each_has_its_work(self.record_two(in_parts=False))


if __name__ == "__main__":
    unittest.main()
