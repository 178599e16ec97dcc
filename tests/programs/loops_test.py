"""Event loops of other languages, whose calls a pool or a task makes later than the request was read."""

import pathlib
import signal
import unittest

from tests.e2e import harness
from tests.programs.program_case import Program, ProgramTest, web_traffic

_SERVICES = pathlib.Path("tests/programs/services")


class LoopsTest(ProgramTest):

    def _assert_replays(self, interpreter: str, service: str, was: str, becomes: str, status: int):
        server, upstream = self.start_upstream()
        port = harness.free_port()
        source = (_SERVICES / service).read_text()
        program = Program([interpreter, self.write(service, source), str(port), str(upstream)], port,
                          status=status)
        recording, exchanges = self.record_under_load(program, web_traffic)
        server.stop()
        self.assert_replays(recording, exchanges)
        self.assertIn(was, source)
        changed = self.write("changed-" + service, source.replace(was, becomes))
        self.assert_all_differ(recording, exchanges, [interpreter, changed, *program.command[2:]])

    def test_node_with_a_pool_of_upstream_connections(self):
        self._assert_replays("node", "pooled_calls.js", "upstream said", "upstream says", 0)

    def test_asyncio_with_two_calls_at_once(self):
        self._assert_replays(harness.PYTHON, "gathered_calls.py", 'b"".join', 'b"+".join',
                             128 + signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
