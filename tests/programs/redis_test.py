"""redis-server as the service, under redis-benchmark. Its allocator is jemalloc."""

import subprocess
import unittest

from tests.e2e import harness
from tests.programs.program_case import Program, ProgramTest

_COMMANDS = ("get", "set", "incr", "lpush", "lpop")
_EACH = 500


def _benchmark(port: int) -> int:
    subprocess.run(["redis-benchmark", "-p", str(port), "-n", str(_EACH), "-c", "16", "-r", "40",
                    "-t", ",".join(_COMMANDS), "-q"],
                   check=True, capture_output=True, timeout=harness.PATIENCE_S)
    return _EACH * len(_COMMANDS)


class RedisTest(ProgramTest):

    def _program(self, *options: str) -> Program:
        port = harness.free_port()
        # redis-benchmark asks for the configuration before it begins: CONFIG GET save, and appendonly.
        return Program(["redis-server", "--port", str(port), "--dir", self.root, *options], port,
                       exchanges=2)

    def test_commands_of_many_clients_in_one_turn_of_the_loop(self):
        recording, exchanges = self.record_under_load(self._program("--save", ""), _benchmark)
        self.assert_answers_replay(recording, exchanges)

    def test_one_that_wants_a_password_differs(self):
        recording, exchanges = self.record_under_load(self._program("--save", ""), _benchmark)
        self.assert_all_differ(recording, exchanges, [*recording.command, "--requirepass", "x"])


if __name__ == "__main__":
    unittest.main()
