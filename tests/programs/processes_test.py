"""What services do with processes: fork beforehand, drop privileges, become daemons, execute others."""

import os
import pathlib
import signal
import unittest

from tests.e2e import harness
from tests.programs.program_case import Program, ProgramTest, web_traffic

_SERVER = pathlib.Path("tests/programs/services/preforking_server.py")


class ProcessesTest(ProgramTest):

    # Each answer tells the worker. One at a time, a connection goes to whomever the kernel wakes; in the
    # recorded order, to the worker that had it.
    in_order = ("recorded",)

    def _assert_replays(self, how: str):
        port = harness.free_port()
        # A copy: the directories above the repository need not be open to the user nobody.
        program = Program([harness.PYTHON, self.write("server.py", _SERVER.read_text()), str(port), how], port)
        recording, exchanges = self.record_under_load(
            program, lambda to: web_traffic(to, clients=6))
        self.assert_replays(recording, exchanges, schedules=self.in_order)
        changed = self.write("changed.py", _SERVER.read_text().replace('b"%d %d %f %s\\n"', 'b"%d,%d %f %s\\n"'))
        self.assert_all_differ(recording, exchanges, [program.command[0], changed, *program.command[2:]])

    def test_forked_beforehand(self):
        self._assert_replays("plain")

    def test_workers_that_become_nobody(self):
        self._assert_replays("nobody")

    def test_workers_in_a_directory_of_their_own(self):
        self._assert_replays("chroot")

    def test_one_that_executes_itself_and_hands_its_socket_on(self):
        self._assert_replays("exec")

    def test_a_daemon_that_closes_every_descriptor(self):
        port = harness.free_port()
        recording = self.record(harness.PYTHON, str(_SERVER.absolute()), str(port), "daemon",
                                start_new_session=True)
        recording.wait_until_listening(port)
        exchanges = web_traffic(port, clients=6)
        recording.wait_until_recorded(exchanges)
        # Its father is the recorder now.
        os.kill(recording.service_pid(), signal.SIGTERM)
        self.assertEqual(recording.wait(), 0, recording.stderr)
        self.assert_replays(recording, exchanges, schedules=self.in_order)


if __name__ == "__main__":
    unittest.main()
