"""Services with many threads, which come and go, are cancelled, and have the smallest stacks there are."""

import signal
import unittest

from tests.e2e import harness
from tests.programs.program_case import Program, ProgramTest, web_traffic

_SERVICE = "tests/programs/thread_service"


class ThreadsTest(ProgramTest):

    def test_five_hundred_threads_and_one_more_a_request(self):
        port = harness.free_port()
        recording, exchanges = self.record_under_load(
            Program([_SERVICE, str(port), "500"], port, status=128 + signal.SIGTERM),
            lambda to: web_traffic(to, clients=8, requests=5))
        self.assert_replays(recording, exchanges)
        self.assert_all_differ(recording, exchanges, [_SERVICE + "_changed", *recording.command[1:]])

    def test_address_sanitizers_library_is_to_come_first(self):
        """It refuses to start behind another preloaded library, and says so; linked into the program it
        has no such wish."""
        port = harness.free_port()
        refused = self.record(_SERVICE + "_asan_shared", str(port), "20")
        self.assertNotEqual(refused.wait(), 0)
        self.assertIn("ASan runtime does not come first", refused.stderr)
        self.assertIn("the agent did not start", refused.stderr)

    def test_address_sanitizer_linked_into_the_program(self):
        port = harness.free_port()
        recording, exchanges = self.record_under_load(
            Program([_SERVICE + "_asan", str(port), "20"], port, status=128 + signal.SIGTERM),
            lambda to: web_traffic(to, clients=4, requests=5))
        self.assert_replays(recording, exchanges, schedules=("serial",))

    def test_thread_sanitizers_library_beside_the_agents(self):
        """It keeps signals back until a call that it knows; the agent's own handler is not its concern."""
        port = harness.free_port()
        fixed_addresses = ["setarch", "-R"]  # some kernels leave it no room otherwise
        self.record_under_load(
            Program([*fixed_addresses, _SERVICE + "_tsan", str(port), "20"], port,
                    status=128 + signal.SIGTERM),
            lambda to: web_traffic(to, clients=4, requests=5))


if __name__ == "__main__":
    unittest.main()
